"""The beeps of the test material: making them, and finding them again in what was heard or recorded.

Each participant owns a band, each mark of the loop a tone in it. A beep thus tells who it is and which flash
it belongs to, so that an offset of a whole period cannot pass for none.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARKS = 20
FIRST_HZ, BAND_HZ, STEP_HZ = 1000.0, 1000.0, 40.0
BEEP_S = 0.12
# A tone is told from its neighbour 40 Hz away by a window longer than 1/40 s.
IDENTIFY_S = 0.08
ONSET_WINDOW_S = 0.010
HOP_S = 0.001
# Beeps are made at 0.4 of full scale; gain control, noise suppression and Opus leave far more than this.
FLOOR_AMPLITUDE = 0.02

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Beep:
    """A beep found: when it began, in seconds from the first sample, and which mark of the loop it is."""

    at_s: float
    mark: int
    amplitude: float


def tone_hz(participant: int, mark: int) -> float:
    """The frequency of one participant's beep at one mark."""
    return FIRST_HZ + BAND_HZ * participant + STEP_HZ * mark


def beep(participant: int, mark: int, rate: int, amplitude: float = 0.4) -> Samples:
    """One beep, with edges of 3 ms so that it begins at a moment and does not click."""
    count = round(BEEP_S * rate)
    time = np.arange(count) / rate
    edge = np.minimum(1.0, np.minimum(time, BEEP_S - time) / 0.003)
    return (amplitude * edge * np.sin(2 * np.pi * tone_hz(participant, mark) * time)).astype(np.float32)


def find_beeps(samples: Samples, rate: int, participant: int) -> list[Beep]:
    """Every whole beep of one participant in the samples, in order."""
    envelope, hop = _band_envelope(samples, rate, participant)
    found = []
    loud = envelope > FLOOR_AMPLITUDE
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    for start, end in _joined(edges.reshape(-1, 2)):
        if (end - start) * hop / rate >= 0.6 * BEEP_S:
            found.append(_beep_at(samples, rate, participant, envelope, start, end))
    return [item for item in found if item is not None]


def _joined(spans: NDArray[np.int64], gap: int = 20) -> list[tuple[int, int]]:
    """Spans with the holes of a flickering envelope (shorter than 20 ms) closed."""
    joined: list[tuple[int, int]] = []
    for start, end in spans.tolist():
        if joined and start - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _beep_at(
    samples: Samples, rate: int, participant: int, envelope: Samples, start: int, end: int
) -> Beep | None:
    hop = round(HOP_S * rate)
    plateau = float(np.median(envelope[start:end]))
    rising = start + int(np.argmax(envelope[start:end] >= plateau / 2))
    # The window is centred on its frame: half the plateau is reached where half the window is in the beep.
    onset_s = (rising * hop + ONSET_WINDOW_S * rate / 2) / rate
    mark = _mark(samples, rate, participant, onset_s)
    return None if mark is None else Beep(onset_s, mark, plateau)


def _mark(samples: Samples, rate: int, participant: int, onset_s: float) -> int | None:
    """Which of the band's tones it is; None when none stands out: a cut beep, or a neighbour's spill."""
    start = round((onset_s + 0.01) * rate)
    part = samples[start : start + round(IDENTIFY_S * rate)]
    if len(part) < 0.9 * IDENTIFY_S * rate:
        return None
    amplitudes = _amplitudes(part[None, :], rate, [tone_hz(participant, mark) for mark in range(MARKS)])[0]
    best = int(np.argmax(amplitudes))
    others = np.delete(amplitudes, best)
    return best if amplitudes[best] > max(FLOOR_AMPLITUDE, 1.5 * others.max()) else None


def _band_envelope(samples: Samples, rate: int, participant: int) -> tuple[Samples, int]:
    """Amplitude of the participant's band every millisecond, by a 10 ms window (100 Hz wide)."""
    hop, window = round(HOP_S * rate), round(ONSET_WINDOW_S * rate)
    if len(samples) < window:
        return np.zeros(0, np.float32), hop
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    centres = [tone_hz(participant, mark) for mark in range(2, MARKS, 4)]
    return _amplitudes(frames, rate, centres).max(axis=1).astype(np.float32), hop


def _amplitudes(frames: Samples, rate: int, frequencies: list[float]) -> NDArray[np.float64]:
    """Amplitude of each frequency in each frame, by a Hann window."""
    length = frames.shape[1]
    window = np.hanning(length + 2)[1:-1]
    phase = -2j * np.pi * np.outer(np.arange(length), frequencies) / rate
    kernel = (window / window.sum() * 2)[:, None] * np.exp(phase)
    return np.abs(frames @ kernel.astype(np.complex64))
