"""TLS without anybody's help: an own CA, and a certificate for every name and address of this machine.

Browsers give no camera without TLS. Whoever puts `ca.pem` among a machine's trusted authorities has no
warning there; the certificate may then change as often as the addresses do.
"""

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.config import SettingsError, TlsFiles

CA_LIFETIME = timedelta(days=3650)
# Browsers refuse more than 398 days of a public certificate; some hold our own kind to it, too.
LEAF_LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
# The clock of a machine in a closed network may be some hours behind the one that opens the page.
_BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA's certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what a server needs. Raises SettingsError when the files are no certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"DIEMCAU_TLS: {files.certificate} and {files.key} do not serve: {error}."
        ) from None
    return context


def own_certificate(directory: Path, extra_names: Iterable[str], now: datetime) -> TlsFiles:
    """Return this machine's certificate, made or renewed where needed; the CA lies beside it in `ca.pem`.

    Renewed when a name or an address has come or gone, a month before it expires, and when the files do not
    fit.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = sorted({*local_names(), *extra_names})
    authority = _load_authority(directory, now) or _make_authority(directory, now)
    files = TlsFiles(directory / "server.pem", directory / "server.key")
    if not _serves(files, authority, names, now):
        _make_leaf(files, authority, names, now)
    return files


def local_names() -> set[str]:
    """Return the host names and addresses under which this machine may be reached."""
    hostname = socket.gethostname()
    addresses = {
        str(ip.ip if ip.is_IPv4 else ip.ip[0]) for adapter in ifaddr.get_adapters() for ip in adapter.ips
    }
    usable = {address for address in addresses if not ipaddress.ip_address(address).is_link_local}
    return {hostname, "localhost", "127.0.0.1", "::1"} | usable


def _load_authority(directory: Path, now: datetime) -> Authority | None:
    try:
        certificate = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    except (OSError, ValueError):
        return None
    fits = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
    if not fits or now + LEAF_LIFETIME > certificate.not_valid_after_utc:
        return None
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(certificate, key)


def _make_authority(directory: Path, now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    # Machines that trust several of our CAs tell them apart by name.
    name = _name(f"Diemcau CA {socket.gethostname()[:30]} {os.urandom(4).hex()}")
    builder = _builder(name, name, key.public_key(), now, CA_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    _write_key(directory / "ca.key", key)
    _write(directory / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Authority(certificate, key)


def _make_leaf(files: TlsFiles, authority: Authority, names: list[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    builder = _builder(_name("Diemcau"), issuer, key.public_key(), now, LEAF_LIFETIME)
    builder = builder.add_extension(x509.SubjectAlternativeName(_alternative_names(names)), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(purpose, critical=False)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = builder.add_extension(signer, critical=False).sign(authority.key, hashes.SHA256())
    chain = b"".join(
        part.public_bytes(serialization.Encoding.PEM) for part in (certificate, authority.certificate)
    )
    _write_key(files.key, key)
    _write(files.certificate, chain, 0o644)


def _serves(files: TlsFiles, authority: Authority, names: list[str], now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
        certificate.verify_directly_issued_by(authority.certificate)
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # whatever is wrong with the old one, a new one is the answer
        return False
    fits = key.public_key() == certificate.public_key()
    return (
        fits
        and now + RENEW_BEFORE < certificate.not_valid_after_utc
        and list(named) == _alternative_names(names)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(identifier, critical=False)
    )


def _alternative_names(names: list[str]) -> list[x509.GeneralName]:
    return [_alternative_name(name) for name in names]


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, encoded, 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write whole or not at all, and never readable to others for a moment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
