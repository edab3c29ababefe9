"""A camera whose picture is worth its bits: large, numbered, and never quite still.

The small pictures of `material.py` fit through any line. Here a grain that is new in every frame makes an
encoder use what it is allowed to, as a real camera's does.
"""

from pathlib import Path

import numpy as np

from tests.support import material

WIDTH, HEIGHT = 960, 540
# Shorter than the sound's loop: nothing here compares the two. The file has 117 MB.
SECONDS = 10
FRAMES = SECONDS * material.FRAME_RATE
GRAIN = 10
GREY = 128


def write_camera(path: Path, participant: int) -> Path:
    """Write a camera file for Chromium, frames 0 to FRAMES - 1."""
    random = np.random.default_rng(participant)
    chroma = bytes([GREY]) * (WIDTH * HEIGHT // 2)
    bare = int(HEIGHT * 5 / 9)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{material.FRAME_RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES):
            luma = material.picture(number, participant, WIDTH, HEIGHT)
            grain = random.integers(0, GRAIN, (bare, WIDTH), np.uint8)
            luma[:bare] = np.minimum(luma[:bare], 255 - GRAIN) + grain
            file.write(b"FRAME\n" + luma.tobytes() + chroma)
    return path
