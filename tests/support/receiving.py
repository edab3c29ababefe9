"""What a viewer gets over a while: from the browser's own statistics and from the frame numbers it painted.

Times are milliseconds of the viewer page's `performance.now()`, as in `ruler.py`.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.pages import Pages

SCRIPT = Path(__file__).with_name("receiving.js")
Note = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Got:
    """A while at one viewer, of one owner's picture and sound."""

    seconds: float
    fps: float
    """New, readable frames painted a second."""
    freeze_s: float
    """The longest time without one."""
    height: int
    """Of the picture at the end."""
    video_bps: float
    played: float
    """Share of the sound that was played as it was sent: not concealed for want of packets (W3C webrtc-stats)."""
    silence_s: float
    """The longest time without such sound, in steps of 0.2 s."""
    beeps: float
    """Share of the beeps, one a second, that was heard."""
    buffer_ms: float
    """How long sound waited in the jitter buffer, in the mean."""
    lost: float
    """Share of the video packets lost on the way; some of them came again."""
    freezes: int
    """The browser's own count."""
    nacks: int
    plis: int

    def __str__(self) -> str:
        return (
            f"{self.fps:4.1f} fps at {self.height}p, {self.video_bps / 1000:4.0f} kbit/s, freeze {self.freeze_s:.2f} s"
            f" ({self.freezes}), video lost {self.lost:.1%}, {self.nacks} NACK, {self.plis} PLI;"
            f" sound played {self.played:.1%}, silence {self.silence_s:.1f} s, beeps {self.beeps:.0%},"
            f" buffer {self.buffer_ms:.0f} ms"
        )


async def got(viewer: Pages, owner: Pages, since_ms: float) -> Got:
    """What came at the viewer of the owner's picture and sound, from a time until now."""
    now = await viewer.ruler.now()
    notes = await noted(viewer, since_ms)
    seconds = (now - since_ms) / 1000
    at = await painted_at(viewer, owner, since_ms)
    heard = await viewer.ruler.heard(owner.participant.index, since_ms)
    video, audio = grown(notes, "video"), grown(notes, "audio")
    return Got(
        seconds=seconds,
        fps=len(at) / seconds,
        freeze_s=longest_gap_s(since_ms, at, now),
        height=height(notes[-1]),
        video_bps=video["bytesReceived"] * 8000 / max(1, notes[-1]["at"] - notes[0]["at"]),
        played=played(notes),
        silence_s=longest_silence_s(notes),
        beeps=min(1.0, len(heard) / max(1, int(seconds))),
        buffer_ms=1000 * audio["jitterBufferDelay"] / max(1, audio["jitterBufferEmittedCount"]),
        lost=video["packetsLost"] / max(1, video["packetsLost"] + video["packetsReceived"]),
        freezes=video["freezeCount"],
        nacks=video["nackCount"],
        plis=video["pliCount"],
    )


async def noted(viewer: Pages, since_ms: float) -> list[Note]:
    """The last statistics before a time, and all since then."""
    notes = await viewer.page.evaluate("since => __receiving.since(since)", since_ms)
    assert notes, "no statistics: the page has had no connection yet"
    return notes


async def painted_at(viewer: Pages, owner: Pages, since_ms: float, source: str = "camera") -> list[float]:
    """When the viewer painted another frame of the owner's camera or screen."""
    painted = await viewer.ruler.painted(since_ms, source=source)
    frames = [
        frame
        for frame in painted
        if frame.participant == owner.participant.index and frame.number is not None
    ]
    before = [None, *(frame.number for frame in frames)]
    return [frame.at_ms for frame, last in zip(frames, before, strict=False) if frame.number != last]


def longest_gap_s(since_ms: float, at_ms: list[float], until_ms: float) -> float:
    """The longest time in which nothing happened."""
    return max(later - earlier for earlier, later in itertools.pairwise([since_ms, *at_ms, until_ms])) / 1000


def grown(notes: list[Note], kind: str) -> Counter[str]:
    """By how much the counters of a kind have grown, over all streams that anything came of.

    A place that nobody speaks in plays silence, which the browser counts as concealed, and which is no loss.
    """
    first, last = notes[0][kind], notes[-1][kind]
    total: Counter[str] = Counter()
    for stream, counters in last.items():
        before = first.get(stream, {})
        growth = {field: number - before.get(field, 0) for field, number in counters.items()}
        if growth["packetsReceived"] > 0:
            total.update(growth)
    return total


def height(note: Note) -> int:
    """Lines of the picture that is received; 0 when none is."""
    return max(note["heights"], default=0)


def played(notes: list[Note]) -> float:
    """Share of the sound's samples that came in time, of all that were played; none when nothing came."""
    sound = grown(notes, "audio")
    if not sound["totalSamplesReceived"]:
        return 0.0
    return 1 - sound["concealedSamples"] / sound["totalSamplesReceived"]


def longest_silence_s(notes: list[Note]) -> float:
    """The longest run of notes between which less than half of the sound came in time, in seconds."""
    longest, since = 0.0, None
    for earlier, later in itertools.pairwise(notes):
        if played([earlier, later]) >= 0.5:
            since = None
            continue
        since = since or earlier["at"]
        longest = max(longest, (later["at"] - since) / 1000)
    return longest
