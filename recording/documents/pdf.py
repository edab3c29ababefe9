"""The minutes as PDF/A-2b: made to be kept for good, its font inside it (ISO 19005-2)."""

import json
import unicodedata
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import typst

from recording.documents.content import Content
from recording.documents.fonts import FONT_DIRECTORY, shown_characters

_TEMPLATE = Path(__file__).parent / "templates" / "minutes.typ"


def render_pdf(content: Content, created: datetime) -> bytes:
    """Lay the document out. `created` is written into the file: the same minutes give the same bytes."""
    data = json.dumps(asdict(content), ensure_ascii=False)
    document = typst.compile(
        str(_TEMPLATE),
        root=str(_TEMPLATE.parent),
        font_paths=[str(FONT_DIRECTORY)],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"content": showable(data)},
        pdf_standards=["a-2b"],
        timestamp=int(created.timestamp()),
    )
    assert isinstance(document, bytes), "one PDF is one file"
    return document


def showable(text: str) -> str:
    """Return text with what the font lacks written by its Unicode name: `[slightly smiling face]`.

    PDF/A forbids a box in the place of a character, and a record may not swallow what somebody wrote.
    """
    shown = shown_characters()
    return "".join(character if ord(character) in shown else _name(character) for character in text)


def _name(character: str) -> str:
    if character == "\n" or unicodedata.category(character) in ("Mn", "Cf", "Zl", "Zp"):
        return character if character == "\n" else ""
    return f"[{unicodedata.name(character, f'U+{ord(character):04X}').lower()}]"
