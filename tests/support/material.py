"""What the browsers of the tests see and hear: fake camera files and microphone files for Chromium.

Every participant gets a loop of 20 s: a picture whose every frame carries its number (`barcode.py`) and that
flashes white once a second, and a sound that beeps at the same marks (`sound.py`) over quiet, speech-like
tones. Made anew in each test session, the same bytes each time.
"""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support import barcode, sound

WIDTH, HEIGHT, FRAME_RATE = 320, 180, 15
LOOP_S = 20
FRAMES = LOOP_S * FRAME_RATE
SAMPLE_RATE = 48_000
FLASH_FRAMES = 2
# A mark each second, three frames in: a whole number of samples, and away from the loop's seam.
MARK_FRAMES = tuple(FRAME_RATE * second + 3 for second in range(sound.MARKS))


@dataclass(frozen=True, slots=True)
class Material:
    """One participant's camera and microphone."""

    participant: int
    camera: Path
    microphone: Path


def make(directory: Path, participant: int) -> Material:
    """Write one participant's two files."""
    made = Material(
        participant, directory / f"camera{participant}.y4m", directory / f"microphone{participant}.wav"
    )
    _write_camera(made.camera, participant)
    _write_microphone(made.microphone, participant)
    return made


def mark_of_frame(number: int) -> int | None:
    """The mark whose flash begins with this frame."""
    return MARK_FRAMES.index(number) if number in MARK_FRAMES else None


def flashes(number: int) -> bool:
    """Whether this frame's upper part is white."""
    return any(mark_of_frame(number - behind) is not None for behind in range(FLASH_FRAMES))


def picture(number: int, participant: int, width: int = WIDTH, height: int = HEIGHT) -> barcode.Luma:
    """The luma of one frame: a dim ground with a moving block above, or white; the code below."""
    luma = np.full((height, width), 70 + 12 * participant, np.uint8)
    if flashes(number):
        luma[:] = 235
    else:
        left = (number * 4) % (width - width // 8)
        luma[height // 6 : height // 3, left : left + width // 8] = 150
    barcode.draw(luma, barcode.Code(number, participant))
    return luma


def _write_camera(path: Path, participant: int) -> None:
    chroma = _chroma(participant)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAME_RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES):
            file.write(b"FRAME\n")
            file.write(picture(number, participant).tobytes())
            file.write(chroma)


def _chroma(participant: int) -> bytes:
    """A tint for the eye, the same in every frame: it costs the encoder nothing."""
    size = (HEIGHT // 2) * (WIDTH // 2)
    tints = ((110, 150), (150, 110), (105, 105), (140, 150), (128, 128))
    blue, red = tints[participant % len(tints)]
    return bytes([blue]) * size + bytes([red]) * size


def _write_microphone(path: Path, participant: int) -> None:
    samples = _murmur(participant)
    for mark, frame in enumerate(MARK_FRAMES):
        tone = sound.beep(participant, mark, SAMPLE_RATE)
        start = frame * SAMPLE_RATE // FRAME_RATE
        samples[start : start + len(tone)] = tone
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def _murmur(participant: int) -> NDArray[np.float32]:
    """Something like quiet speech: syllables of a wandering voice, all of it below the beeps' bands."""
    random = np.random.default_rng(participant)
    time = np.arange(LOOP_S * SAMPLE_RATE) / SAMPLE_RATE
    syllables = np.repeat(random.uniform(0, 1, LOOP_S * 4), SAMPLE_RATE // 4)
    strength = np.convolve(syllables, np.ones(2400) / 2400, "same")
    pitch = 110 + 25 * participant + 12 * np.sin(2 * np.pi * time / 3)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(order * phase) / order for order in range(1, 5))
    return (0.03 * strength * voice).astype(np.float32)
