"""A track as it arrives at this node: one stream, or one for each simulcast encoding."""

from collections.abc import Callable, Sequence
from typing import Any

from sfu import rtcp
from sfu.allocation import Rung
from sfu.formats import Format
from sfu.layers import ALL, Limits
from sfu.packet import MediaPacket
from sfu.sink import Sink
from sfu.stream import Stream, Upstream

# A sender needs a moment to begin a stream it had paused; one that has not by then cannot now.
RESUME_S = 3.0
# And is asked again after so long.
RETRY_S = 15.0
# Layers nobody wants are stopped late, so that a glance at another layout does not cost a keyframe.
PAUSE_AFTER_S = 3.0
PAUSE_LAST_AFTER_S = 10.0
# What a track's largest stream takes before it is measured; each smaller one has half the width.
_EXPECTED_BPS = {"microphone": 40_000, "screen_audio": 96_000, "camera": 1_200_000, "screen": 1_500_000}
_EXPECTED_SIZE = (1280, 720)
_EXPECTED_FPS = 30.0
# All receivers choose among the same rungs, several times a second.
_RUNGS_HOLD_S = 0.1
# A track that brings nothing for so long has lost its picture or sound.
SILENT_AFTER_S = 5.0


class Publication:
    """One (owner, source). Its sinks choose among its streams, the lowest encoding first.

    `preference` are the video codecs the meeting would like, `allowed` those of them that were agreed on.
    `on_started` is called with the first packet, `on_silent(silent)` when packets stay away and when they are
    back, `on_wanted(rids)` when the encodings change that somebody wants, `on_sound` with each packet of sound.
    """

    is_paused = False
    is_audible = True
    hint = ""
    preference: Sequence[str] = ()
    allowed: Sequence[str] = ()
    on_started: Callable[[], None] | None = None
    on_silent: Callable[[bool], None] | None = None
    on_wanted: Callable[[tuple[str, ...]], None] | None = None
    on_sound: Callable[[MediaPacket], None] | None = None
    _is_silent = False
    _rungs_at = float("-inf")

    def __init__(
        self, owner: str, source: str, media_format: Format, upstream: Upstream, rids: Sequence[str] = ()
    ) -> None:
        self.owner = owner
        self.source = source
        self.format = media_format
        self.rids = tuple(rids)
        name = f"{owner} {source}"
        self.streams = tuple(
            Stream(name, rid, media_format, upstream, self._received) for rid in rids or ("",)
        )
        self._upstream = upstream
        self._sinks: list[Sink] = []
        self._last_packet = float("inf")
        self._wanted_at: dict[Stream, float] = dict.fromkeys(self.streams, float("-inf"))
        self._asked_at: dict[Stream, float] = {}
        self._told: tuple[str, ...] | None = None
        self._rungs: list[Rung] = []

    # Sinks

    def add_sink(self, sink: Sink) -> None:
        """It is told of the track, and takes of it what it likes. Idempotent."""
        if sink in self._sinks:
            return
        self._sinks.append(sink)
        sink.started(self)
        if self.is_paused:
            sink.paused(True)

    def remove_sink(self, sink: Sink) -> None:
        """From now on it gets nothing."""
        if sink in self._sinks:
            self._sinks.remove(sink)
            for stream in self.streams:
                stream.remove_sink(sink)

    def end(self) -> None:
        """The track is gone."""
        for stream in self.streams:
            stream.end()
        sinks, self._sinks = self._sinks, []
        for sink in sinks:
            sink.ended()

    def pause(self, paused: bool, now: float) -> None:
        """Pass nothing on from this packet on, or again. What waits to be passed on is not."""
        if paused == self.is_paused:
            return
        self.is_paused = paused
        for stream in self.streams:
            stream.pause(paused)
        for sink in tuple(self._sinks):
            sink.paused(paused)
        if not paused:
            self.request_keyframe(now)

    def set_audible(self, audible: bool) -> None:
        """Let its subscribers hear the microphone, or not: the recorder does in any case."""
        if audible == self.is_audible:
            return
        self.is_audible = audible
        for sink in tuple(self._sinks):
            sink.audible(audible)

    # Packets

    def _received(self, packet: MediaPacket) -> None:
        if not self.has_started:
            # For a moment everything is taken to be wanted: those who want it have to hear of it first.
            self._wanted_at = dict.fromkeys(self.streams, packet.arrival)
            if self.on_started is not None:
                self.on_started()
        self._last_packet = packet.arrival
        if self.on_sound is not None:
            self.on_sound(packet)

    @property
    def codec(self) -> str:
        """The codec its packets have, or will have by the agreement."""
        return self.streams[0].payload.codec

    @property
    def has_started(self) -> bool:
        """Whether anything was received."""
        return self._last_packet != float("inf")

    def agree(self, media_format: Format) -> None:
        """The publisher has described its packets anew."""
        self.format = media_format
        for stream in self.streams:
            stream.agree(media_format)

    def stream_with(self, rid: str) -> Stream | None:
        """The encoding with this name."""
        return next((stream for stream in self.streams if stream.rid == rid), None)

    def request_keyframe(self, now: float) -> None:
        """Of every encoding that somebody takes."""
        for stream in self.streams:
            if stream.is_wanted():
                stream.request_keyframe(now)

    # Choices

    def rungs(self, now: float) -> list[Rung]:
        """The ways to send this track, by what is measured or, of streams that are paused at the sender, expected."""
        if now - self._rungs_at >= _RUNGS_HOLD_S:
            self._rungs_at, self._rungs = now, self._list_rungs(now)
        return self._rungs

    def _list_rungs(self, now: float) -> list[Rung]:
        found = []
        for index, stream in enumerate(self.streams):
            if stream.rates.is_alive(now) and stream.rates.layers:
                found += self._measured(index, stream)
            elif self._may_resume(stream, now):
                found.append(self._expected(index))
        return sorted(found, key=lambda rung: rung.bitrate_bps)

    def _measured(self, index: int, stream: Stream) -> list[Rung]:
        """One rung for each combination; whoever gets the highest layer gets whatever comes above it, too."""
        layers, rungs = stream.rates.layers, []
        spatials, temporals = sorted({one[0] for one in layers}), sorted({one[1] for one in layers})
        for spatial in spatials:
            width, height = self._size(index, spatial)
            for temporal in temporals:
                within = Limits(spatial, temporal)
                limits = _open_ended(within, spatials[-1], temporals[-1])
                rate, fps = stream.rates.bitrate_bps(within), stream.rates.fps(within)
                rungs.append(Rung(index, *limits, int(rate), width, height, fps))
        return rungs

    def _size(self, index: int, spatial: int) -> tuple[int, int]:
        sizes = self.streams[index].sizes
        return sizes[min(spatial, len(sizes) - 1)] if sizes else self._expected_size(index)

    def _expected(self, index: int) -> Rung:
        stream = self.streams[index]
        width, height = self._size(index, ALL.spatial)
        known = stream.rates.bitrate_bps(ALL)
        expected = known or _EXPECTED_BPS[self.source] / 3 ** (len(self.streams) - 1 - index)
        return Rung(index, *ALL, int(expected), width, height, stream.rates.fps(ALL) or _EXPECTED_FPS)

    def _expected_size(self, index: int) -> tuple[int, int]:
        # A screen with text is sent at full size with fewer pictures.
        down = 0 if self.source == "screen" and self.hint != "motion" else len(self.streams) - 1 - index
        largest = self.streams[-1].sizes
        width, height = largest[-1] if largest else _EXPECTED_SIZE
        return width >> down, height >> down

    def _may_resume(self, stream: Stream, now: float) -> bool:
        """Whether a silent stream is worth wanting: the only one, one that we had paused, one not asked of late."""
        if len(self.streams) == 1:
            return True
        waited = now - self._asked_at.get(stream, now)
        return waited < RESUME_S or waited > RETRY_S

    # By the clock

    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""
        for stream in self.streams:
            stream.tick(now)
        if self.on_silent is not None and not self.is_paused:
            self._watch_silence(now)
        if self.on_wanted is not None and self.rids and self.has_started:
            self._tell_wanted(now)

    def _watch_silence(self, now: float) -> None:
        # What nobody wants may be silent because we asked for it.
        silent = now - self._last_packet > SILENT_AFTER_S and self._told != ()
        if silent != self._is_silent and self.on_silent is not None:
            self._is_silent = silent
            self.on_silent(silent)

    def _tell_wanted(self, now: float) -> None:
        for stream in self.streams:
            if stream.is_wanted():
                self._note_wanted(stream, now)
        kept = self._kept(now, PAUSE_AFTER_S) or self._kept(now, PAUSE_LAST_AFTER_S)[:1]
        if kept != self._told and self.on_wanted is not None:
            self._told = kept
            self.on_wanted(kept)

    def _note_wanted(self, stream: Stream, now: float) -> None:
        self._wanted_at[stream] = now
        if stream.rates.is_alive(now):
            self._asked_at.pop(stream, None)
        elif now - self._asked_at.get(stream, float("-inf")) > RETRY_S:
            self._asked_at[stream] = now

    def _kept(self, now: float, after_s: float) -> tuple[str, ...]:
        return tuple(stream.rid for stream in self.streams if now - self._wanted_at[stream] < after_s)

    def sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """The publisher says how one stream's clocks relate."""
        for stream in self.streams:
            if stream.ssrc == report.ssrc:
                stream.sender_report(report, now)

    def report_blocks(self, now: float) -> list[rtcp.ReportBlock]:
        """What we tell the publisher of its reception, once a second."""
        blocks = (stream.report_block(now) for stream in self.streams)
        return [block for block in blocks if block is not None]

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON."""
        return {
            "codec": self.codec,
            "paused": self.is_paused,
            "audible": self.is_audible,
            "sinks": len(self._sinks),
            "streams": [stream.stats() for stream in self.streams],
        }


def _open_ended(within: Limits, spatial: int, temporal: int) -> Limits:
    return Limits(
        ALL.spatial if within.spatial == spatial else within.spatial,
        ALL.temporal if within.temporal == temporal else within.temporal,
    )
