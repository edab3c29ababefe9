"""A number that survives a video call: bars over the lower part of every test frame.

The code is two rows of sixteen cells, black or white, each a sixteenth of the frame wide, over the lower four
ninths of its height. Four corner cells are fixed (white, black above; black, white below): they tell the
levels and that a code is there at all. The other 28 cells carry, most significant bit first, in rows:

    12 bits  number of the frame, in Gray code, so that two neighbours differ in one cell and cost VP8 little
     4 bits  participant
     4 bits  kind: 0 camera, 1 screen
     8 bits  CRC-8 (polynomial 0x07) of the 20 bits above

`ruler.js` reads and draws the same code in the browser.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS = 16, 2
TOP = 5 / 9
BLACK, WHITE = 24, 226
CAMERA, SCREEN = 0, 1
NUMBER_BITS, PARTICIPANT_BITS, KIND_BITS = 12, 4, 4
# A cell nearer to the middle than this share of the span between the corners is a blur, not a bit.
CLEAR_SHARE = 0.15
# Corners nearer to each other than this (of 255) are no corners.
LEAST_SPAN = 60
CORNERS = {(0, 0): 1, (0, COLUMNS - 1): 0, (1, 0): 0, (1, COLUMNS - 1): 1}
CELLS = [(row, column) for row in range(ROWS) for column in range(COLUMNS) if (row, column) not in CORNERS]

Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Code:
    """What one frame says of itself."""

    number: int
    participant: int
    kind: int = CAMERA


def draw(luma: Luma, code: Code) -> None:
    """Paint the code over the lower part of a frame's luma plane, in place."""
    height, width = luma.shape
    for (row, column), bit in (CORNERS | dict(zip(CELLS, _bits(code), strict=True))).items():
        top, bottom, left, right = _cell(height, width, row, column)
        luma[top:bottom, left:right] = WHITE if bit else BLACK


def read(luma: Luma) -> Code | None:
    """The code of a decoded frame of any size, or None when there is none or the check does not hold."""
    means = _cell_means(luma)
    white = (means[0, 0] + means[1, COLUMNS - 1]) / 2
    black = (means[1, 0] + means[0, COLUMNS - 1]) / 2
    span = white - black
    if span < LEAST_SPAN:
        return None
    levels = np.array([(means[cell] - black) / span for cell in CELLS])
    if np.any(np.abs(levels - 0.5) < CLEAR_SHARE):
        return None
    return _code([int(level > 0.5) for level in levels])


def _code(bits: list[int]) -> Code | None:
    value = int("".join(map(str, bits)), 2)
    body, check = value >> 8, value & 0xFF
    if check != crc8(body):
        return None
    gray = body >> (PARTICIPANT_BITS + KIND_BITS)
    return Code(from_gray(gray), (body >> KIND_BITS) & 0xF, body & 0xF)


def _bits(code: Code) -> list[int]:
    gray = code.number ^ (code.number >> 1)
    body = (gray << (PARTICIPANT_BITS + KIND_BITS)) | (code.participant << KIND_BITS) | code.kind
    return [int(bit) for bit in f"{(body << 8) | crc8(body):028b}"]


def from_gray(gray: int) -> int:
    """The number whose Gray code this is."""
    number = 0
    while gray:
        number ^= gray
        gray >>= 1
    return number


@functools.lru_cache(maxsize=8192)
def crc8(body: int) -> int:
    """CRC-8, polynomial 0x07, initial value 0, over the three bytes of the 20-bit body."""
    remainder = 0
    for byte in body.to_bytes(3, "big"):
        remainder ^= byte
        for _ in range(8):
            remainder = ((remainder << 1) ^ (0x07 if remainder & 0x80 else 0)) & 0xFF
    return remainder


def _cell(height: int, width: int, row: int, column: int) -> tuple[int, int, int, int]:
    top = TOP + (1 - TOP) * row / ROWS
    bottom = TOP + (1 - TOP) * (row + 1) / ROWS
    return (
        round(height * top),
        round(height * bottom),
        round(width * column / COLUMNS),
        round(width * (column + 1) / COLUMNS),
    )


def _cell_means(luma: Luma) -> NDArray[np.float64]:
    """The mean of each cell's middle, away from the smeared edges."""
    height, width = luma.shape
    means = np.empty((ROWS, COLUMNS))
    for row in range(ROWS):
        for column in range(COLUMNS):
            top, bottom, left, right = _cell(height, width, row, column)
            inset_y, inset_x = (bottom - top) // 4, (right - left) // 4
            means[row, column] = luma[
                top + inset_y : bottom - inset_y, left + inset_x : right - inset_x
            ].mean()
    return means
