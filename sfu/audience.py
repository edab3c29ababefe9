"""Which microphones of a meeting its subscribers hear, and who is speaking."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sfu.packet import MediaPacket
from sfu.publication import Publication
from sfu.speakers import ActiveSpeakers

# How many are heard at once besides the holders of the floor: more would be noise, and cost as much for each of
# a hundred open rooms.
LOUDEST: Final = 3
# People see who speaks without delay, and nobody can read faster changes.
TELL_INTERVAL_S: Final = 0.25
_LEVEL, _VOICE = 0x7F, 0x80


class Audience:
    """Lets the loudest microphones through, and whoever holds the floor.

    `on_change(audible owners)` is called when others are let through; `tell(speakers, dominant)` when others are
    speaking, the loudest first as (owner, level 0..1), at most four times a second.
    """

    def __init__(self, tell: Callable[[list[tuple[str, float]], str | None], None]) -> None:
        self.audible: tuple[str, ...] = ()
        self.on_change: list[Callable[[Sequence[str]], None]] = []
        self._tell = tell
        self._speakers = ActiveSpeakers(LOUDEST)
        self._microphones: dict[str, Publication] = {}
        self._told: tuple[Any, ...] = ((), None)
        self._told_at = float("-inf")

    def add(self, publication: Publication) -> None:
        """A microphone is there; it is let through when it is its turn."""
        self._microphones[publication.owner] = publication
        publication.on_sound = lambda packet: self._heard(publication, packet)
        publication.set_audible(publication.owner in self.audible)

    def remove(self, publication: Publication) -> None:
        """It is gone."""
        if self._microphones.get(publication.owner) is publication:
            del self._microphones[publication.owner]
            self._speakers.gone(publication.owner)

    def hold_floor(self, owners: Sequence[str], now: float) -> None:
        """These are let through whoever else speaks."""
        self._speakers.hold_floor(owners)
        self._select(now)

    def _heard(self, publication: Publication, packet: MediaPacket) -> None:
        byte, now = packet.level, packet.arrival
        level, voice = (None, False) if byte is None else (byte & _LEVEL, bool(byte & _VOICE))
        if self._speakers.heard(publication.owner, level, voice, now):
            self._select(now)

    def _select(self, now: float) -> None:
        audible = self._speakers.select(now)
        if audible == self.audible:
            return
        self.audible = audible
        for owner, publication in self._microphones.items():
            publication.set_audible(owner in audible)
        for listener in tuple(self.on_change):
            listener(audible)

    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""
        if not self._microphones and not self.audible:
            return
        self._select(now)
        if now - self._told_at >= TELL_INTERVAL_S:
            self._report(now)

    def _report(self, now: float) -> None:
        levels = self._speakers.levels(now)
        news = (tuple(owner for owner, _ in levels), self._speakers.dominant)
        if news != self._told:
            self._told, self._told_at = news, now
            self._tell(levels, self._speakers.dominant)
