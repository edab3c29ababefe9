"""Which characters the document's font can show. Tables as in the OpenType specification, big-endian."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# Where Debian's fonts-liberation2 puts it: the metrics of Times New Roman, which NĐ 30/2020/NĐ-CP prescribes,
# with all Vietnamese letters and a licence that lets us embed it.
FONT_DIRECTORY = Path("/usr/share/fonts/truetype/liberation2")
FONT_FILES = tuple(
    FONT_DIRECTORY / f"LiberationSerif-{style}.ttf" for style in ("Regular", "Bold", "Italic", "BoldItalic")
)


@cache
def shown_characters() -> frozenset[int]:
    """Return the code points that every style of the font has. Raises FileNotFoundError without the font."""
    return frozenset.intersection(*(frozenset(_code_points(path.read_bytes())) for path in FONT_FILES))


def _code_points(font: bytes) -> Iterator[int]:
    cmap = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    for index in range(count):
        _, _, offset = struct.unpack_from(">HHL", font, cmap + 4 + 8 * index)
        (layout,) = struct.unpack_from(">H", font, cmap + offset)
        if layout == 4:
            yield from _segments(font, cmap + offset)


def _table(font: bytes, tag: bytes) -> int:
    """Return where a table begins. Raises StopIteration when the file has none, so is no font."""
    (count,) = struct.unpack_from(">H", font, 4)
    records = (struct.unpack_from(">4sLLL", font, 12 + 16 * index) for index in range(count))
    found: int = next(offset for name, _, offset, _ in records if name == tag)
    return found


def _segments(font: bytes, at: int) -> Iterator[int]:
    """Yield the characters of a format 4 subtable: ranges of the basic plane, some mapped by difference."""
    (doubled,) = struct.unpack_from(">H", font, at + 6)
    ends, starts, deltas, offsets = (at + 14, at + 16 + doubled, at + 16 + 2 * doubled, at + 16 + 3 * doubled)
    for index in range(0, doubled, 2):
        end, start, delta, offset = (
            struct.unpack_from(">H", font, table + index)[0] for table in (ends, starts, deltas, offsets)
        )
        for code in range(start, end + 1):
            glyph = code + delta
            if offset:
                (glyph,) = struct.unpack_from(">H", font, offsets + index + offset + 2 * (code - start))
            if glyph % 0x10000:
                yield code
