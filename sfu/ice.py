"""ICE-lite (RFC 8445, 2.5): we answer checks, the browser decides. One agent for each peer."""

import secrets
from dataclasses import dataclass

from sfu.port import Path

# An ISP's NAT and a few interfaces of one laptop; more is somebody trying to grow our tables.
MOST_ADDRESSES = 8
# RFC 7675, 5.1: consent to send to an address lapses 30 s after the last authenticated check from it.
CONSENT_S = 30.0
# After a restart, checks with the old password are still under way for a moment.
OLD_CREDENTIALS_S = 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A ufrag names the peer at the gate, the password authenticates its checks: 48 and 144 bits."""

    ufrag: str
    password: str

    @classmethod
    def generate(cls) -> "Credentials":
        """Fresh random credentials, in the characters ICE allows (RFC 8839, 5.4)."""
        return cls(_ice_characters(6), _ice_characters(18))


def _ice_characters(n: int) -> str:
    return secrets.token_urlsafe(n).replace("-", "+").replace("_", "/")


class IceAgent:
    """Which addresses a peer has proved to be at, and to which of them we send.

    Addresses come from authenticated checks only. Media goes to `media_path`, the address nominated last by a
    check with USE-CANDIDATE, and nowhere before there is one. The handshake goes to `path`: the same, or until
    then the address heard from last (Firefox starts DTLS before it nominates).
    """

    def __init__(self, now: float) -> None:
        self.credentials = Credentials.generate()
        self.path: Path | None = None
        self.media_path: Path | None = None
        self.last_check = now
        self._nominated: set[Path] = set()
        self._heard: dict[Path, float] = {}
        self._previous: tuple[Credentials, float] | None = None

    @property
    def paths(self) -> list[Path]:
        """Every address that passed a check and was not forgotten."""
        return list(self._heard)

    def password(self, ufrag: str) -> str | None:
        """The password that goes with one of our ufrags."""
        if ufrag == self.credentials.ufrag:
            return self.credentials.password
        if self._previous is not None and ufrag == self._previous[0].ufrag:
            return self._previous[0].password
        return None

    def restart(self, now: float) -> None:
        """Change the credentials (RFC 8445, 9); the addresses stay until the new checks move them."""
        self._previous = (self.credentials, now + OLD_CREDENTIALS_S)
        self.credentials = Credentials.generate()

    def expire_credentials(self, now: float) -> Credentials | None:
        """The credentials of before a restart, when their time is over."""
        if self._previous is None or now < self._previous[1]:
            return None
        expired, self._previous = self._previous[0], None
        return expired

    def checked(self, path: Path, use_candidate: bool, now: float) -> Path | None:
        """An authenticated check came from `path`. Returns an address given up for it."""
        self.last_check = now
        evicted = self._make_room() if path not in self._heard else None
        self._heard[path] = now
        if use_candidate:
            self._nominated.add(path)
            self.path = self.media_path = path
        elif self.media_path is None:
            self.path = path
        return evicted

    def _make_room(self) -> Path | None:
        if len(self._heard) < MOST_ADDRESSES:
            return None
        oldest = min((path for path in self._heard if path != self.path), key=self._heard.__getitem__)
        self.forget(oldest)
        return oldest

    def forget(self, path: Path) -> None:
        """The peer is at `path` no longer, or another has proved to be there; another of its addresses serves."""
        self._heard.pop(path, None)
        self._nominated.discard(path)
        if self.path == path:
            self.media_path = max(self._nominated, key=self.heard_from, default=None)
            self.path = self.media_path or max(self._heard, key=self.heard_from, default=None)

    def expire_paths(self, now: float) -> list[Path]:
        """Forget the addresses whose consent has lapsed, each by its own checks (RFC 7675, 5.1); returns them."""
        lapsed = [path for path, heard in self._heard.items() if now - heard >= CONSENT_S]
        for path in lapsed:
            self.forget(path)
        return lapsed

    def heard_from(self, path: Path) -> float:
        """When the last check came from `path`."""
        return self._heard.get(path, float("-inf"))

    def consents(self, now: float) -> bool:
        """Whether the peer is somewhere, or was a moment ago and may be about to prove a new address."""
        return self.path is not None or now - self.last_check < CONSENT_S
