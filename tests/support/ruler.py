"""Reads what `ruler.js` noted in a page: which frames were painted, which beeps were heard, when.

Times are milliseconds of the page's `performance.now()`. What is captured is timed at its source: a camera
frame by its capture time, microphone samples by the timestamp of their buffer, both on that clock.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from playwright.async_api import Page

from tests.support import material, sound

ARRIVAL, STAMP = 0, 1
SCRIPT = Path(__file__).with_name("ruler.js")


@dataclass(frozen=True, slots=True)
class Painted:
    """One frame shown by a <video>; `number` is None when no code could be read in it."""

    at_ms: float
    participant_id: str
    source: str
    number: int | None
    participant: int
    kind: int
    captured_ms: float | None


@dataclass(frozen=True, slots=True)
class Marked:
    """A flash or a beep: when, and which mark of the loop."""

    at_ms: float
    mark: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The flashes and the beeps of one participant on one clock."""

    flashes: list[Marked]
    beeps: list[Marked]


class Ruler:
    """The notes of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def now(self) -> float:
        """The page's clock."""
        return await self.page.evaluate("performance.now()")

    async def wall_clock(self) -> float:
        """What to add to the page's clock to get the machine's, in milliseconds since 1970."""
        return await self.page.evaluate("performance.timeOrigin")

    async def painted(
        self, since_ms: float = 0, *, participant_id: str | None = None, source: str | None = None
    ) -> list[Painted]:
        """Frames painted since a time, of everyone or of one tile."""
        rows = await self.page.evaluate("since => __ruler.paintedSince(since)", since_ms)
        frames = [_painted(row) for row in rows]
        return [
            frame
            for frame in frames
            if participant_id in (None, frame.participant_id) and source in (None, frame.source)
        ]

    async def heard(self, participant: int, since_ms: float = 0) -> list[Marked]:
        """A participant's beeps in whatever the page plays, in order."""
        return await self._beeps(participant, since_ms, local=False)

    async def captured(self, participant: int, since_ms: float = 0) -> Marks:
        """The flashes and beeps of the page's own camera and microphone."""
        frames = await self.painted(since_ms, source="local")
        flashes = [
            Marked(frame.captured_ms, mark)
            for frame in frames
            if frame.number is not None and frame.captured_ms is not None
            if (mark := material.mark_of_frame(frame.number)) is not None
        ]
        return Marks(flashes, await self._beeps(participant, since_ms, local=True))

    async def problems(self) -> list[str]:
        """What went wrong in the ruler itself."""
        return await self.page.evaluate("__ruler.problems")

    async def _beeps(self, participant: int, since_ms: float, *, local: bool) -> list[Marked]:
        script = "([local, at]) => __ruler.soundsSince(local, at)"
        found: list[Marked] = []
        for track in await self.page.evaluate(script, [local, since_ms]):
            samples = np.frombuffer(base64.b64decode(track["pcm"]), "<i2").astype(np.float32) / 32768
            beeps = sound.find_beeps(samples, track["rate"], participant)
            clock = STAMP if local else ARRIVAL
            found += [Marked(_time_of(track, beep.at_s, clock), beep.mark) for beep in beeps]
        return sorted(found, key=lambda beep: beep.at_ms)


def _time_of(heard: dict[str, Any], at_s: float, clock: int) -> float:
    """The page's time of a moment in the joined chunks, by their arrival or by their own timestamps."""
    chunks = heard["chunks"]
    starts = np.concatenate(([0], np.cumsum([length for *_, length in chunks])))
    sample = at_s * heard["rate"]
    index = min(int(np.searchsorted(starts, sample, side="right")) - 1, len(chunks) - 1)
    return chunks[index][clock] + (sample - starts[index]) / heard["rate"] * 1000


def _painted(row: list[Any]) -> Painted:
    at, participant_id, source, number, participant, kind, captured = row
    return Painted(at, participant_id, source, None if number < 0 else number, participant, kind, captured)


def offset_ms(marks: Marks) -> float:
    """How much later the beeps are than their flashes, in the middle."""
    return median(offsets_ms(marks))


def offsets_ms(marks: Marks) -> list[float]:
    """Beep minus flash for every mark that has both, nearest occurrences paired."""
    half_loop = material.LOOP_S * 1000 / 2
    return [
        beep.at_ms - flash.at_ms
        for flash in marks.flashes
        for beep in marks.beeps
        if beep.mark == flash.mark and abs(beep.at_ms - flash.at_ms) < half_loop
    ]


def delay_ms(before: list[Marked], after: list[Marked], about_ms: float | None = None) -> float:
    """From the marks at one place to the same marks at another; clocks may differ by anything.

    Both lists hold the same stream, so each mark has one delay; where a loop came round twice, or began anew,
    the pairing that most marks agree on counts. Where the delay is known to a second, only such pairs do.
    """
    delays = sorted(late.at_ms - early.at_ms for early in before for late in after if early.mark == late.mark)
    if about_ms is not None:
        delays = [delay for delay in delays if abs(delay - about_ms) < 1000]
    assert delays, "no mark is in both"
    windows = [[other for other in delays if abs(other - delay) < 250] for delay in delays]
    return median(max(windows, key=len))


def unwrapped(numbers: list[int], period: int = material.FRAMES) -> list[int]:
    """Frame numbers counted on through the loop's seam; a step back stays a step back."""
    counted: list[int] = []
    for number in numbers:
        if not counted:
            counted.append(number)
            continue
        step = (number - counted[-1] + period // 2) % period - period // 2
        counted.append(counted[-1] + step)
    return counted
