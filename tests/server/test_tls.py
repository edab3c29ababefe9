"""Our own CA and certificate: made, kept, renewed, and good enough for a client that trusts the CA."""

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from server import tls
from server.config import SettingsError, TlsFiles
from server.tls import own_certificate, server_context

NOW = datetime.now(UTC)


def leaf(files: TlsFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "hop.tinh.example", "10.9.8.7"])
async def test_a_client_that_trusts_the_ca_trusts_us(tmp_path: Path, name: str) -> None:
    files = own_certificate(tmp_path, ["hop.tinh.example", "10.9.8.7"], NOW)
    answered = asyncio.Event()

    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        answered.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context(files))
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
    assert writer.get_extra_info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="other.example")
    server.close()
    await server.wait_closed()


def test_a_second_start_keeps_what_is_good(tmp_path: Path) -> None:
    files = own_certificate(tmp_path, [], NOW)
    before = files.certificate.read_bytes()
    own_certificate(tmp_path, [], NOW + timedelta(days=300))
    assert files.certificate.read_bytes() == before


@pytest.mark.parametrize("reason", ["address", "expiry", "damaged", "other key", "missing"])
def test_it_is_renewed_and_the_ca_stays(tmp_path: Path, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = own_certificate(tmp_path, [], NOW)
    serial, authority = leaf(files).serial_number, (tmp_path / "ca.pem").read_bytes()
    now = NOW + timedelta(days=370) if reason == "expiry" else NOW
    if reason == "address":
        known = tls.local_names()
        monkeypatch.setattr(tls, "local_names", lambda: known | {"10.1.2.3"})
    elif reason == "damaged":
        files.certificate.write_bytes(b"-----BEGIN CERTIFICATE-----")
    elif reason == "other key":
        files.key.write_bytes((tmp_path / "ca.key").read_bytes())
    elif reason == "missing":
        files.key.unlink()
    own_certificate(tmp_path, [], now)
    assert leaf(files).serial_number != serial
    assert (tmp_path / "ca.pem").read_bytes() == authority
    server_context(files)


def test_a_ca_that_ends_before_its_certificates_is_replaced(tmp_path: Path) -> None:
    own_certificate(tmp_path, [], NOW)
    before = (tmp_path / "ca.pem").read_bytes()
    own_certificate(tmp_path, [], NOW + timedelta(days=3300))
    assert (tmp_path / "ca.pem").read_bytes() != before


def test_keys_are_private(tmp_path: Path) -> None:
    files = own_certificate(tmp_path / "tls", [], NOW)
    for key in (files.key, files.key.parent / "ca.key"):
        assert key.stat().st_mode & 0o777 == 0o600


def test_wrong_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("x")
    with pytest.raises(SettingsError, match=r"DIEMCAU_TLS: .*a\.pem"):
        server_context(TlsFiles(tmp_path / "a.pem", tmp_path / "a.pem"))
