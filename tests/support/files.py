"""Reading recorded files: the numbers in their pictures, the beeps in their sound, on the file's clock."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tests.support import barcode, material, sound
from tests.support.ruler import Marked, Marks


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A decoded frame of a file; `code` is None when none could be read."""

    at_ms: float
    code: barcode.Code | None
    width: int
    height: int


def frames(path: Path) -> list[RecordedFrame]:
    """Every frame of the file's picture, in order of showing."""
    with av.open(str(path)) as container:
        return [
            RecordedFrame(frame.time * 1000, barcode.read(_luma(frame)), frame.width, frame.height)
            for frame in container.decode(video=0)
        ]


def samples(path: Path) -> tuple[float, int, sound.Samples]:
    """Where the file's sound begins (ms), its rate, and the samples; holes are filled with silence."""
    resampler = av.AudioResampler(format="flt", layout="mono")
    parts: list[sound.Samples] = []
    start_ms, rate, filled = 0.0, 48_000, 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            if not parts:
                start_ms, rate = frame.time * 1000, frame.sample_rate
            hole = round((frame.time * 1000 - start_ms) / 1000 * rate) - filled
            # Less than 5 ms is rounding of timestamps to milliseconds, not a hole.
            if hole > rate // 200:
                parts.append(np.zeros(hole, np.float32))
                filled += hole
            for out in resampler.resample(frame):
                parts.append(out.to_ndarray().reshape(-1))
                filled += out.samples
    return start_ms, rate, np.concatenate(parts) if parts else np.zeros(0, np.float32)


def beeps(path: Path, participant: int) -> list[Marked]:
    """The participant's beeps in the file's sound."""
    start_ms, rate, heard = samples(path)
    return [
        Marked(start_ms + beep.at_s * 1000, beep.mark) for beep in sound.find_beeps(heard, rate, participant)
    ]


def flashes(path: Path) -> list[Marked]:
    """The marks in the file's picture: each by the first frame of its flash, when that frame is there."""
    return [
        Marked(frame.at_ms, mark)
        for frame in frames(path)
        if frame.code and (mark := material.mark_of_frame(frame.code.number)) is not None
    ]


def marks(picture: Path, heard: Path, participant: int) -> Marks:
    """Flashes of one file and beeps of another (or the same)."""
    return Marks(flashes(picture), beeps(heard, participant))


def _luma(frame: av.VideoFrame) -> barcode.Luma:
    """The luma plane without the decoder's padding."""
    plane = (
        frame.planes[0] if frame.format.name.startswith("yuv") else frame.reformat(format="gray").planes[0]
    )
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]
