"""One meeting's table: who publishes what, and who gets it."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sfu.audience import Audience
from sfu.publication import Publication
from sfu.sink import Sink

KINDS = {"microphone": "audio", "camera": "video", "screen": "video", "screen_audio": "audio"}


class TrackKey(NamedTuple):
    """Names a track in its meeting, whether it is there or not."""

    owner: str
    source: str

    @property
    def kind(self) -> str:
        """audio or video."""
        return KINDS[self.source]


class Router:
    """Publications → sinks. A sink may be there before the publication and outlives it; so does a pause."""

    def __init__(self, meeting: str, notify: Callable[..., None]) -> None:
        self.meeting = meeting
        self.publications: dict[TrackKey, Publication] = {}
        self.audience = Audience(self._tell_speakers)
        self._sinks: dict[TrackKey, list[Sink]] = {}
        self._paused: set[TrackKey] = set()
        self._abilities: dict[str, frozenset[str]] = {}
        self._watchers: list[Callable[[TrackKey], Sink]] = []
        self._watched: dict[tuple[Callable[[TrackKey], Sink], TrackKey], Sink] = {}
        self._notify = notify
        self._secret = secrets.token_bytes(16)

    def cname(self, owner: str) -> str:
        """The RTCP name that one owner's tracks share, so that receivers play them in step (RFC 7022)."""
        return hashlib.blake2s(owner.encode(), key=self._secret, digest_size=12).hexdigest()

    # Publications

    def publish(self, publication: Publication, now: float) -> None:
        """A track is there."""
        key = TrackKey(publication.owner, publication.source)
        for watcher in self._watchers:
            self._watch(watcher, key)
        self.publications[key] = publication
        self._listen(publication, key)
        publication.pause(key in self._paused, now)
        if key.source == "microphone":
            self.audience.add(publication)
        for sink in tuple(self._sinks.get(key, ())):
            publication.add_sink(sink)

    def _listen(self, publication: Publication, key: TrackKey) -> None:
        names = {"meeting": self.meeting, "owner": key.owner, "source": key.source}
        publication.on_started = lambda: self._notify(
            "track_started", **names, kind=key.kind, codec=publication.codec
        )
        publication.on_silent = lambda silent: self._notify("track_silent", **names, silent=silent)
        publication.on_wanted = lambda rids: self._notify("layers_wanted", **names, rids=list(rids))

    def unpublish(self, publication: Publication) -> None:
        """The track is gone; its sinks wait for another."""
        key = TrackKey(publication.owner, publication.source)
        if self.publications.get(key) is not publication:
            return
        del self.publications[key]
        self.audience.remove(publication)
        publication.end()
        self._notify("track_ended", meeting=self.meeting, owner=key.owner, source=key.source)

    def owner_of(self, ssrc: int) -> str | None:
        """Whose media has this SSRC, on that owner's own connection."""
        for publication in self.publications.values():
            if any(stream.ssrc == ssrc for stream in publication.streams):
                return publication.owner
        return None

    def pause(self, key: TrackKey, paused: bool, now: float) -> None:
        """Enforce a mute, on this publication and on any later one with the same name."""
        (self._paused.add if paused else self._paused.discard)(key)
        publication = self.publications.get(key)
        if publication is not None:
            publication.pause(paused, now)

    # Codecs

    def decodable(self, codecs: Sequence[str]) -> list[str]:
        """Of these video codecs those that every receiver can decode; all of them where no one is common."""
        able = [codec for codec in codecs if all(codec in known for known in self._abilities.values())]
        return able or list(codecs)

    def set_ability(self, receiver: str, codecs: frozenset[str] | None) -> None:
        """What a receiver can decode, None when it is gone. Publishers whose choice this changes offer again."""
        if codecs is None:
            self._abilities.pop(receiver, None)
        else:
            self._abilities[receiver] = codecs
        for publication in self.publications.values():
            if publication.preference and self.decodable(publication.preference) != publication.allowed:
                self._notify("renegotiate", meeting=self.meeting, owner=publication.owner)

    # By the clock

    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""
        self.audience.tick(now)

    def _tell_speakers(self, levels: list[tuple[str, float]], dominant: str | None) -> None:
        speakers = [{"owner": owner, "level": round(level, 2)} for owner, level in levels]
        self._notify("speakers", meeting=self.meeting, speakers=speakers, dominant=dominant)

    # Sinks

    def add_sink(self, key: TrackKey, sink: Sink) -> None:
        """From now on, for whatever is published as `key`."""
        self._sinks.setdefault(key, []).append(sink)
        publication = self.publications.get(key)
        if publication is not None:
            publication.add_sink(sink)

    def remove_sink(self, key: TrackKey, sink: Sink) -> None:
        """Nothing more to this sink."""
        sinks = self._sinks.get(key, [])
        if sink in sinks:
            sinks.remove(sink)
            if not sinks:
                del self._sinks[key]
        publication = self.publications.get(key)
        if publication is not None:
            publication.remove_sink(sink)
            sink.ended()

    def watch(self, make_sink: Callable[[TrackKey], Sink]) -> None:
        """A sink of its own for every track, now and later: the recorder."""
        self._watchers.append(make_sink)
        for key in list(self.publications):
            self._watch(make_sink, key)

    def _watch(self, make_sink: Callable[[TrackKey], Sink], key: TrackKey) -> None:
        if (make_sink, key) not in self._watched:
            sink = self._watched[make_sink, key] = make_sink(key)
            self.add_sink(key, sink)

    def unwatch(self, make_sink: Callable[[TrackKey], Sink]) -> None:
        """The sinks made by `make_sink` get nothing more."""
        if make_sink in self._watchers:
            self._watchers.remove(make_sink)
        for watcher, key in [entry for entry in self._watched if entry[0] == make_sink]:
            self.remove_sink(key, self._watched.pop((watcher, key)))

    @property
    def is_empty(self) -> bool:
        """Whether nobody publishes, receives or records, and nobody who may come back is muted."""
        return not (self.publications or self._sinks or self._watchers or self._paused)
