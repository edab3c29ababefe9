"""Settings: each one, its default, its unit and its reason, only here.

They come from one TOML file (`DIEMCAU_CONFIG`, else `diemcau.toml` in the data directory when it is there),
and each can be set by the environment variable of its name with `DIEMCAU_` before it, which wins. A wrong
setting stops the start: `load()` raises SettingsError, a sentence that names it; programs then leave with
EXIT_WRONG_SETTING.
"""

import contextlib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from rooms.media import VideoCodec

EXIT_WRONG_SETTING = 2
PREFIX = "DIEMCAU_"
CONFIG_FILE = "diemcau.toml"
# Where the file is, and what `diemcau load` signs in with: known, but nothing that the file could hold.
_NO_SETTINGS = {PREFIX + "CONFIG", PREFIX + "LOAD_PASSWORD"}

ADMIN_PASSWORD_MIN = 8
# Whoever guesses it relays through the TURN server as they like.
TURN_SECRET_MIN = 16
# RFC 7065, 3.1. Browsers refuse a whole configuration for one URL they cannot read.
_TURN_URL = re.compile(r"turns?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?")
# What people leave in place from examples; a start with one of them is refused (OWASP ASVS 6.3.2).
_DEFAULT_PASSWORDS = frozenset(
    {"password", "admin123", "administrator", "changeme", "12345678", "diemcau123", "matkhau123"}
)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """One sentence that names the wrong setting."""


@contextlib.contextmanager
def usable(setting: str) -> Iterator[None]:
    """Tell what the system refuses as one sentence about the setting that asked for it. Raises SettingsError."""
    try:
        yield
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        raise SettingsError(f"{setting} cannot be used:{where} {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: an address or host name, and a TCP port (0: any free one, for tests)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate chain and its key, both PEM; the same path when one file holds both."""

    certificate: Path
    key: Path


class Settings(BaseSettings):
    """All settings of one machine. Paths are absolute after `load()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data: Path = Path("data")
    """Directory of everything that must be kept: database, recordings, certificates."""

    listen: Annotated[Listen, NoDecode] = Listen("0.0.0.0", 8443)  # noqa: S104 - a meeting server serves its network
    """`host:port` of HTTP, IPv6 in brackets. 8443 needs no root and is not taken by a web server."""

    tls: Annotated[str | TlsFiles, NoDecode] = "auto"
    """`auto`: own CA and certificate in the data directory; `off`: behind a reverse proxy or in a test
    (browsers give no camera without TLS except on localhost); or `certificate.pem,key.pem`."""

    public_url: str | None = None
    """How browsers reach us, such as `https://hop.tinh.example`, when it differs from the address they ask
    for."""

    trusted_proxies: Annotated[tuple[IpNetwork, ...], NoDecode] = ()
    """Networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, comma-separated.
    Empty: nobody's are, or anyone could dodge limits and stain the log."""

    media_address: Annotated[tuple[IpAddress, ...], NoDecode] = ()
    """Addresses told to browsers for media, comma-separated. Empty: every address of this machine."""

    media_port: int = Field(default=10000, ge=1, le=65535)
    """Port of the first SFU worker, for UDP and TCP; worker n adds n."""

    turn_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """The deployment's own TURN server for networks that let no UDP out, comma-separated, such as
    `turns:turn.example.vn:443?transport=tcp`. Empty: browsers reach the media port themselves, by UDP or TCP."""

    turn_secret: SecretStr | None = None
    """What the TURN server calls `static-auth-secret`; together with `turn_urls`."""

    turn_lifetime: int = Field(default=12 * 3600, ge=600, le=7 * 24 * 3600)
    """Seconds that a browser's credentials are good for. Default: no meeting is longer than a working day."""

    sfu_workers: int = Field(default_factory=lambda: max(1, (os.cpu_count() or 1) - 1), ge=1, le=64)
    """SFU processes. Default: one per core, with one core left to the server and the recorder."""

    participant_limit: int = Field(default=500, ge=1, le=10_000)
    """Participants of a meeting at once; who comes over it is refused, so that the meeting goes on (QĐ 444/QĐ-BKHCN).
    Holds for meetings created from then on."""

    video_codec: VideoCodec = VideoCodec.VP8
    """Codec of pictures in meetings planned from then on, unless the meeting is given its own: `vp8` (the widest
    reach), `h264` (room hardware), `vp9` or `av1` (sharper on thin lines, dearer to encode). Who cannot gets VP8."""

    admin_password: SecretStr | None = None
    """First start only: the password of user `admin`. Without it a one-time set-up link is printed."""

    database_url: str | None = None
    """`sqlite:///path`. Default: `diemcau.db` in the data directory."""

    redis_url: str | None = None
    """For several servers at one site. Until they are supported, refused rather than ignored."""

    session_hours: int = Field(default=12, ge=1, le=24)
    """A sign-in ends after this long whatever happens: one working day."""

    idle_minutes: int = Field(default=15, ge=1, le=24 * 60)
    """A browser's sign-in ends when unused for this long (TCVN 14423: at most 15 minutes). Seats in a meeting
    and programs with a bearer token are not touched by it."""

    lockout_hours: int = Field(default=12, ge=1, le=720)
    """After five wrong passwords an account stays locked for this long (TCVN 14423: 12 hours to 30 days)."""

    @field_validator("public_url", "database_url", "redis_url", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        path = _expanded(value)
        if path.exists() and not path.is_dir():
            raise ValueError("must be a directory")
        return path

    @field_validator("listen", mode="before")
    @classmethod
    def _listen(cls, value: object) -> object:
        return _parse_listen(value) if isinstance(value, str) else value

    @field_validator("tls", mode="before")
    @classmethod
    def _tls(cls, value: object) -> object:
        return _parse_tls(value) if isinstance(value, str) else value

    @field_validator("trusted_proxies", "media_address", "turn_urls", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("media_address")
    @classmethod
    def _reachable(cls, value: tuple[IpAddress, ...]) -> tuple[IpAddress, ...]:
        if any(address.is_unspecified or address.is_multicast for address in value):
            raise ValueError("must be addresses that a browser can send to")
        return value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or parts.path not in {"", "/"}
            or parts.query
        ):
            raise ValueError("must be an origin such as https://meet.example, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("turn_urls")
    @classmethod
    def _turn_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not _TURN_URL.fullmatch(url) for url in value):
            raise ValueError("must be TURN URLs such as turns:turn.example.vn:443?transport=tcp")
        return value

    @field_validator("turn_secret")
    @classmethod
    def _unguessable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if len(value.get_secret_value()) < TURN_SECRET_MIN:
            raise ValueError(f"must have at least {TURN_SECRET_MIN} characters")
        return value

    @model_validator(mode="after")
    def _turn_is_whole(self) -> Self:
        if bool(self.turn_urls) != (self.turn_secret is not None):
            raise ValueError("DIEMCAU_TURN_URLS and DIEMCAU_TURN_SECRET go together")
        return self

    @field_validator("admin_password")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        secret = value.get_secret_value()
        if len(secret) < ADMIN_PASSWORD_MIN:
            raise ValueError(f"must have at least {ADMIN_PASSWORD_MIN} characters")
        if secret.lower() in _DEFAULT_PASSWORDS:
            raise ValueError("is a password that everybody tries first")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str | None) -> str | None:
        if value is not None and not (value.startswith("sqlite:///") and len(value) > len("sqlite:///")):
            raise ValueError("must be sqlite:/// and a path; other databases are not supported yet")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("is not supported yet: this version runs on one machine, leave it out")
        return value

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        if self.database_url is None:
            return self.data / "diemcau.db"
        return Path(self.database_url.removeprefix("sqlite:///")).absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose values `load()` passes in. No .env file: it surprises."""
        return env_settings, init_settings


def load() -> Settings:
    """Read the file and the environment. Raises SettingsError."""
    _refuse_unknown_variables(os.environ)
    try:
        with usable("DIEMCAU_DATA"):
            return Settings(**_read_file(_file_path(os.environ)))
    except ValidationError as error:
        raise SettingsError(_sentence(error.errors(include_url=False, include_input=False)[0])) from None


def _file_path(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(PREFIX + "CONFIG")
    if named is not None:
        return Path(named)
    default = Path(environment.get(PREFIX + "DATA", "data")) / CONFIG_FILE
    return default if default.is_file() else None


def _read_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"DIEMCAU_CONFIG: cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"DIEMCAU_CONFIG: {path} is not TOML: {error}.") from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """A misspelt variable would leave a default in force that somebody believes changed."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _NO_SETTINGS
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"{name} is not a setting.")


def _sentence(error: ErrorDetails) -> str:
    reason = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return f"{reason}."
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{name} in {CONFIG_FILE} is not a setting."
    return f"{PREFIX}{name.upper()} ({name} in {CONFIG_FILE}) is wrong: {reason}."


def _parse_listen(value: str) -> Listen:
    host, colon, port = value.strip().rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be host:port, with a port of at most 65535, such as 0.0.0.0:8443 or [::]:8443")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ValueError("must have an IPv6 address in brackets, such as [::]:8443")
    return Listen(host.strip("[]"), int(port))


def _parse_tls(value: str) -> str | TlsFiles:
    if value in {"auto", "off"}:
        return value
    paths = [_expanded(Path(part.strip())) for part in value.split(",") if part.strip()]
    if not 1 <= len(paths) <= 2:
        raise ValueError("must be auto, off, or certificate.pem,key.pem")
    for path in paths:
        _require_readable(path)
    return TlsFiles(paths[0], paths[-1])


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError(f"has no home directory to begin with: {path}") from None


def _require_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
