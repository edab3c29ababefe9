"""What browsers are told of TURN: nothing, or our own server with credentials that end."""

import base64
import hashlib
import hmac
import logging

import pytest
from pydantic import SecretStr

from server.config import Settings, SettingsError, load
from server.ice_servers import IceServers

SECRET = "mot-bi-mat-du-dai-2026"
URL = "turns:turn.example.vn:443?transport=tcp"


def test_nothing_without_a_turn_server() -> None:
    assert IceServers(Settings()).ice_servers("p1", 0.0) == []


def test_credentials_as_coturn_checks_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = Settings(turn_urls=(URL,), turn_secret=SecretStr(SECRET), turn_lifetime=600)
    (server,) = IceServers(settings).ice_servers("p-1", 1_800_000_000.9)
    assert server["urls"] == [URL]
    assert server["username"] == "1800000600:p-1"
    expected = hmac.new(SECRET.encode(), b"1800000600:p-1", hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected
    assert SECRET not in repr(settings)
    assert not caplog.records


def test_two_participants_have_two_credentials() -> None:
    servers = IceServers(Settings(turn_urls=(URL,), turn_secret=SecretStr(SECRET)))
    assert servers.ice_servers("a", 0.0) != servers.ice_servers("b", 0.0)


@pytest.mark.parametrize(
    ("urls", "secret"),
    [
        ("stun:stun.l.google.com:19302", SECRET),
        ("turn:a b", SECRET),
        ("https://turn.example.vn", SECRET),
        ("turns:turn.example.vn?transport=sctp", SECRET),
        (URL, ""),
        (URL, "ngan"),
        ("", SECRET),
    ],
)
def test_wrong_settings_stop_the_start(urls: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_TURN_URLS", urls)
    monkeypatch.setenv("DIEMCAU_TURN_SECRET", secret)
    with pytest.raises(SettingsError, match="TURN"):
        load()


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_TURN_URLS", f"{URL}, turn:[fd00::5]:3478")
    monkeypatch.setenv("DIEMCAU_TURN_SECRET", SECRET)
    assert load().turn_urls == (URL, "turn:[fd00::5]:3478")
