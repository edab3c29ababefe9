"""One meeting's table: who publishes what, and who gets it."""

import hashlib
import secrets
from collections.abc import Callable
from typing import NamedTuple

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
        self._sinks: dict[TrackKey, list[Sink]] = {}
        self._paused: set[TrackKey] = set()
        self._watchers: list[Callable[[TrackKey], Sink]] = []
        self._watched: dict[tuple[Callable[[TrackKey], Sink], TrackKey], Sink] = {}
        self._notify = notify
        self._secret = secrets.token_bytes(16)

    def cname(self, owner: str) -> str:
        """The RTCP name that one owner's tracks share, so that receivers play them in step (RFC 7022)."""
        return hashlib.blake2s(owner.encode(), key=self._secret, digest_size=12).hexdigest()

    def publish(self, publication: Publication) -> None:
        """A track is there."""
        key = TrackKey(publication.owner, publication.source)
        for watcher in self._watchers:
            self._watch(watcher, key)
        self.publications[key] = publication
        publication.on_started = lambda: self._notify(
            "track_started",
            meeting=self.meeting,
            owner=key.owner,
            source=key.source,
            kind=key.kind,
            codec=publication.format.codec,
        )
        publication.pause(key in self._paused)
        for sink in tuple(self._sinks.get(key, ())):
            publication.add_sink(sink)

    def unpublish(self, publication: Publication) -> None:
        """The track is gone; its sinks wait for another."""
        key = TrackKey(publication.owner, publication.source)
        if self.publications.get(key) is not publication:
            return
        del self.publications[key]
        publication.end()
        self._notify("track_ended", meeting=self.meeting, owner=key.owner, source=key.source)

    def owner_of(self, ssrc: int) -> str | None:
        """Whose media has this SSRC, on that owner's own connection."""
        return next((one.owner for one in self.publications.values() if one.ssrc == ssrc), None)

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

    def pause(self, key: TrackKey, paused: bool) -> None:
        """Enforce a mute, on this publication and on any later one with the same name."""
        (self._paused.add if paused else self._paused.discard)(key)
        publication = self.publications.get(key)
        if publication is not None:
            publication.pause(paused)

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
