"""Settings: what is read from where, and the sentence that names a wrong one."""

import ipaddress
from pathlib import Path

import pytest

from rooms.media import VideoCodec
from server.config import Listen, SettingsError, TlsFiles, load


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIEMCAU_DATA", str(tmp_path))
    monkeypatch.delenv("DIEMCAU_CONFIG", raising=False)


def test_defaults(tmp_path: Path) -> None:
    settings = load()
    assert settings.data == tmp_path
    assert settings.listen == Listen("0.0.0.0", 8443)
    assert (settings.tls, settings.media_port, settings.trusted_proxies) == ("auto", 10000, ())
    assert settings.sfu_workers >= 1
    assert settings.database_path == tmp_path / "diemcau.db"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "diemcau.toml").write_text(
        'listen = "[::1]:9000"\nmedia_port = 12000\nsfu_workers = 3\n'
        'media_address = ["10.0.0.5", "fd00::5"]\n'
    )
    monkeypatch.setenv("DIEMCAU_MEDIA_PORT", "13000")
    settings = load()
    assert settings.listen == Listen("::1", 9000)
    assert (settings.media_port, settings.sfu_workers) == (13000, 3)
    assert settings.media_address == (ipaddress.ip_address("10.0.0.5"), ipaddress.ip_address("fd00::5"))


def test_a_named_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('tls = "off"\n')
    monkeypatch.setenv("DIEMCAU_CONFIG", str(tmp_path / "other.toml"))
    assert load().tls == "off"


def test_what_the_load_tool_signs_in_with_stops_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_LOAD_PASSWORD", "rat-bi-mat-2026")
    load()


def test_a_usual_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().video_codec is VideoCodec.VP8
    monkeypatch.setenv("DIEMCAU_VIDEO_CODEC", "h264")
    assert load().video_codec is VideoCodec.H264


def test_certificate_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pem").touch()
    (tmp_path / "a.key").touch()
    monkeypatch.setenv("DIEMCAU_TLS", f"{tmp_path}/a.pem,{tmp_path}/a.key")
    assert load().tls == TlsFiles(tmp_path / "a.pem", tmp_path / "a.key")


def test_lists_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_TRUSTED_PROXIES", "10.0.0.0/8, ::1/128")
    monkeypatch.setenv("DIEMCAU_MEDIA_ADDRESS", "192.0.2.1")
    settings = load()
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert [str(address) for address in settings.media_address] == ["192.0.2.1"]


def test_an_empty_optional_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "MEDIA_ADDRESS"):
        monkeypatch.setenv(f"DIEMCAU_{name}", "")
    settings = load()
    assert (settings.database_url, settings.redis_url, settings.public_url) == (None, None, None)
    assert settings.media_address == ()


def test_the_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_ADMIN_PASSWORD", "rat-bi-mat-2026")
    assert "rat-bi-mat" not in repr(load())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIDEO_CODEC", "h265"),
        ("LISTEN", "8443"),
        ("LISTEN", ":8443"),
        ("LISTEN", "0.0.0.0"),
        ("LISTEN", "0.0.0.0:"),
        ("LISTEN", "0.0.0.0:65536"),
        ("LISTEN", "0.0.0.0:-1"),
        ("LISTEN", "0.0.0.0:http"),
        ("LISTEN", "::1:8443"),
        ("LISTEN", "[::1:8443"),
        ("TLS", ""),
        ("TLS", "on"),
        ("TLS", "/nowhere/a.pem,/nowhere/a.key"),
        ("TLS", "a,b,c"),
        ("MEDIA_PORT", "0"),
        ("MEDIA_PORT", "65536"),
        ("MEDIA_PORT", "ten"),
        ("MEDIA_ADDRESS", "meet.example"),
        ("MEDIA_ADDRESS", "0.0.0.0"),
        ("MEDIA_ADDRESS", "224.0.0.1"),
        ("SFU_WORKERS", "0"),
        ("SFU_WORKERS", "1000"),
        ("ADMIN_PASSWORD", ""),
        ("ADMIN_PASSWORD", "short"),
        ("ADMIN_PASSWORD", "Password"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "postgresql://x"),
        ("REDIS_URL", "redis://127.0.0.1"),
        ("PUBLIC_URL", "meet.example"),
        ("PUBLIC_URL", "https://meet.example/path"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("SESSION_HOURS", "0"),
        ("IDLE_MINUTES", "0"),
        ("LOCKOUT_HOURS", "nan"),
        ("LISTENN", "0.0.0.0:8443"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DIEMCAU_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load()
    sentence = str(refused.value)
    assert f"DIEMCAU_{name}" in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("listen = ", "diemcau.toml is not TOML"),
        ("lissten = 'x:1'", "lissten"),
        ("listen = 8443", "listen"),
        ("media_port = '12x'", "media_port"),
        ("admin_password = 5", "admin_password"),
        ("[data]\na = 1", "data"),
    ],
)
def test_a_wrong_file_is_named(
    text: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "diemcau.toml").write_text(text)
    monkeypatch.setenv("DIEMCAU_CONFIG", str(tmp_path / "diemcau.toml"))
    monkeypatch.delenv("DIEMCAU_DATA")
    with pytest.raises(SettingsError, match=named):
        load()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match=r"DIEMCAU_CONFIG: cannot read .*none\.toml: No such file"):
        load()


def test_a_secret_is_not_repeated_in_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_ADMIN_PASSWORD", "s3cret")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "s3cret" not in str(refused.value)


def test_the_data_directory_may_not_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIEMCAU_DATA", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match="DIEMCAU_DATA"):
        load()
