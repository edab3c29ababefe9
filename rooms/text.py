"""What people type, made fit to be stored, compared and shown beside what others typed.

Characters that show nothing can forge a name (two "Chủ trì" that differ by a zero-width space) or turn a line
around (bidi overrides, Unicode TR36), so they are taken out; a letter typed in two ways becomes one (NFC).
"""

import re
import unicodedata

from rooms.errors import NameInvalid, TextEmpty, TextTooLong, TitleInvalid

NAME_MAX = 100
"""Characters of a name: the longest official title with a name, twice over."""
TITLE_MAX = 500
"""Characters of a title: as many as the subject of an official document may have (edXML, QCVN 102:2016)."""
TEXT_MAX = 2000
"""Characters of one chat message."""

# A decomposed Vietnamese letter has three code points; what is longer than that is refused before any work.
_RAW_FACTOR = 4

# Controls, formats (zero width, bidi, tags), surrogates (no UTF-8 for them), private use, unassigned.
_REMOVED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Blank by design although Unicode calls them letters or marks: Hangul, Khmer, Mongolian and braille blanks.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")


def clean_name(raw: str) -> str:
    """Return a name as one tidy line. Raises NameInvalid: nothing legible, or more than NAME_MAX, remains."""
    name = _clean_line(raw, NAME_MAX)
    if name is None or not any(character.isalnum() for character in name):
        raise NameInvalid
    return name


def clean_title(raw: str) -> str:
    """Return a meeting's title as one tidy line. Raises TitleInvalid as `clean_name` does."""
    title = _clean_line(raw, TITLE_MAX)
    if title is None or not any(character.isalnum() for character in title):
        raise TitleInvalid
    return title


def clean_text(raw: str) -> str:
    """Return a message with its line breaks kept. Raises TextEmpty, TextTooLong."""
    if len(raw) > TEXT_MAX * _RAW_FACTOR:
        raise TextTooLong
    lines = (_visible(line).rstrip() for line in re.split(r"\r\n|[\n\r\u0085\u2028\u2029]", raw))
    text = "\n".join(lines).strip()
    if not text:
        raise TextEmpty
    if len(text) > TEXT_MAX:
        raise TextTooLong
    return text


def _clean_line(raw: str, limit: int) -> str | None:
    if len(raw) > limit * _RAW_FACTOR:
        return None
    line = " ".join(_visible(raw).split())
    return line if len(line) <= limit else None


def _visible(raw: str) -> str:
    """Return what can be seen: any white space as a space, the invisible removed, the rest in NFC."""
    spaced = (" " if character.isspace() else character for character in raw)
    kept = (character for character in spaced if not _is_invisible(character))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_invisible(character: str) -> bool:
    return character in _BLANKS or unicodedata.category(character) in _REMOVED_CATEGORIES
