"""A real coturn with a certificate of an authority of its own, and a browser's home that trusts it."""

import asyncio
import contextlib
import datetime
import ipaddress
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.browser import until
from tests.support.server import ENDED_WITH_US, free_port

TURNSERVER = "/usr/bin/turnserver"
SECRET = "bi-mat-chung-cua-hai-may"
REALM = "turn.test"


@dataclass(frozen=True)
class Turn:
    """A running server: its TLS port, its plain port (UDP and TCP), its authority's certificate."""

    host: str
    tls_port: int
    port: int
    authority: Path
    log: Path


@contextlib.asynccontextmanager
async def coturn(host: str, directory: Path, tls_port: int = 0) -> AsyncIterator[Turn]:
    """Started on `host`, at a free port where none is told, ended by its process id."""
    authority, certificate, key = make_certificates(host, directory)
    turn = Turn(host, tls_port or free_port(host), free_port(host), authority, directory / "turn.log")
    with turn.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *ENDED_WITH_US, TURNSERVER, "-n", "--use-auth-secret", f"--static-auth-secret={SECRET}", f"--realm={REALM}",
            f"--listening-ip={host}", f"--relay-ip={host}", f"--listening-port={turn.port}",
            f"--tls-listening-port={turn.tls_port}", f"--cert={certificate}", f"--pkey={key}",
            "--no-cli", "--no-dtls", "--log-file=stdout", "--verbose", f"--userdb={directory / 'turn.db'}",
            f"--pidfile={directory / 'turn.pid'}", stdout=log, stderr=log, cwd=directory,
        )  # fmt: skip
    try:
        await until(lambda: _listens(host, turn.tls_port), f"coturn listens; its log is {turn.log}")
        yield turn
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def make_certificates(host: str, directory: Path) -> tuple[Path, Path, Path]:
    """An authority, and a certificate for `host` with its key."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("Test authority", "Test authority", authority_key, authority_key, None)
    certificate = _certificate(host, "Test authority", key, authority_key, host)
    paths = directory / "authority.pem", directory / "turn.pem", directory / "turn.key"
    paths[0].write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[2].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    host: str | None,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def trusting_home(directory: Path, authority: Path) -> Path:
    """A home directory whose Chromium trusts the authority: TURN by TLS heeds no flag of tests, only this."""
    database = directory / "home" / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for words in (("-N", "--empty-password"), ("-A", "-n", "test", "-t", "C,,", "-i", str(authority))):
        subprocess.run(["certutil", "-d", f"sql:{database}", *words], check=True)
    return directory / "home"
