"""The minutes as DOCX, for the secretary to finish: the official form, with dots to write on."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt

from recording.documents.content import Annex, Block, Content, Signature
from recording.documents.ooxml import add_dots, add_grid, add_page_number, add_rule, keep_row, set_font

_CENTER, _LEFT, _JUSTIFY = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.JUSTIFY
_TEXT_MM = 165
_HEADER_MM = (58, 107)
_SIGNATURES_MM = (82.5, 82.5)
_ANNEX_MM = (12, 40, 21, 25, 25, 21, 21)
_INDENT_MM = 12.7
_HANGING_MM = 4
# Bold Times: the mean width of a letter in parts of its size, to draw a rule as long as a line of text.
_LETTER_WIDTH = 0.47
_PT_MM = 25.4 / 72


def render_docx(content: Content, created: datetime) -> bytes:
    """Lay the document out."""
    document = Document()
    _set_page(document)
    _set_properties(document, content, created)
    _header(document, content)
    _title(document, content)
    for block in content.blocks:
        _block(document, block)
    _closing(document, content)
    _signatures(document, content.signatures)
    _recipients(document, content)
    _annex(document, content.annex)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def _set_page(document: Any) -> None:
    """Set page and font; the template that comes with the library is American."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
    section.header_distance = Mm(10)
    section.different_first_page_header_footer = True
    style = document.styles["Normal"]
    set_font(style)
    style.font.size = Pt(14)
    style.paragraph_format.space_after = Pt(0)
    style.paragraph_format.line_spacing = 1.0
    number = section.header.paragraphs[0]
    number.alignment = _CENTER
    add_page_number(_run(number, "", 13))


def _set_properties(document: Any, content: Content, created: datetime) -> None:
    properties = document.core_properties
    properties.title = f"{content.type_name}: {content.title}"[:255]
    properties.language = content.language
    properties.author = properties.comments = ""
    properties.created = properties.modified = created.astimezone(UTC).replace(tzinfo=None)


def _header(document: Any, content: Content) -> None:
    """Write cells 1 to 3 of the form: the state at the right, the body and the number at the left."""
    left, right = add_grid(document, 1, _HEADER_MM).rows[0].cells
    _line(left.paragraphs[0], content.parent, 13)
    _line(left.add_paragraph(), content.issuer, 13, bold=True)
    add_rule(left.add_paragraph(), 24, _HEADER_MM[0])
    _line(left.add_paragraph(), content.number, 13)
    _line(right.paragraphs[0], content.country, 13, bold=True)
    _line(right.add_paragraph(), content.motto, 14, bold=True)
    add_rule(right.add_paragraph(), _width_mm(content.motto), _HEADER_MM[1])


def _title(document: Any, content: Content) -> None:
    type_name = document.add_paragraph()
    type_name.paragraph_format.space_before = Pt(18)
    _line(type_name, content.type_name, 14, bold=True)
    _line(document.add_paragraph(), content.title, 14, bold=True)
    add_rule(document.add_paragraph(), 0.4 * min(_width_mm(content.title), _TEXT_MM), _TEXT_MM)


def _width_mm(text: str) -> float:
    return len(text) * _LETTER_WIDTH * 14 * _PT_MM


def _block(document: Any, block: Block) -> None:
    if block.kind == "fill":
        _fill(document)
        return
    paragraph = document.add_paragraph()
    heading = block.kind in ("heading", "subheading")
    _run(paragraph, block.text, 12 if block.kind == "digest" else 14, bold=heading)
    _set_body(paragraph, 0 if block.kind == "digest" else _INDENT_MM)
    paragraph.paragraph_format.keep_with_next = heading or block.kind == "lead"
    if block.kind == "blank":
        add_dots(paragraph, _TEXT_MM)
    elif block.kind == "message":
        _hang(paragraph)
    elif block.kind in ("paragraph", "lead", "item"):
        paragraph.alignment = _JUSTIFY


def _fill(document: Any) -> None:
    """Give two lines to write on, on one page."""
    first, second = document.add_paragraph(), document.add_paragraph()
    for line in (first, second):
        add_dots(line, _TEXT_MM)
    first.paragraph_format.keep_with_next = True


def _hang(paragraph: Any) -> None:
    """Set the lines of a message below each other."""
    paragraph.paragraph_format.left_indent = Mm(_INDENT_MM + _HANGING_MM)
    paragraph.paragraph_format.first_line_indent = Mm(-_HANGING_MM)


def _closing(document: Any, content: Content) -> None:
    """Write the last sentence, on one page with the signatures."""
    paragraph = document.add_paragraph()
    _run(paragraph, content.closing, 14)
    _set_body(paragraph, _INDENT_MM)
    paragraph.paragraph_format.keep_with_next = True


def _set_body(paragraph: Any, indent_mm: float) -> None:
    layout = paragraph.paragraph_format
    layout.first_line_indent = Mm(indent_mm)
    layout.space_before = layout.space_after = Pt(3)


def _signatures(document: Any, signatures: tuple[Signature, Signature]) -> None:
    """Put the secretary at the left, the chair at the right, room for a signature above the names."""
    table = add_grid(document, 2, _SIGNATURES_MM)
    for row in table.rows:
        keep_row(row)
    for signature, above, below in zip(signatures, *(row.cells for row in table.rows), strict=True):
        title = above.paragraphs[0]
        title.paragraph_format.space_before = Pt(18)
        _line(title, signature.title, 14, bold=True)
        hint = above.add_paragraph()
        _line(hint, signature.hint, 12).italic = True
        title.paragraph_format.keep_with_next = hint.paragraph_format.keep_with_next = True
        below.paragraphs[0].paragraph_format.space_before = Pt(60)
        below.paragraphs[0].paragraph_format.keep_with_next = True
        _line(below.paragraphs[0], signature.name, 14, bold=True)


def _recipients(document: Any, content: Content) -> None:
    heading = document.add_paragraph()
    heading.paragraph_format.space_before = Pt(18)
    heading.paragraph_format.keep_with_next = True
    run = _run(heading, content.recipients_title, 12, bold=True)
    run.italic = True
    for number, recipient in enumerate(content.recipients, 1):
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = number < len(content.recipients)
        _run(paragraph, recipient, 11)


def _annex(document: Any, annex: Annex) -> None:
    number = document.add_paragraph()
    number.paragraph_format.page_break_before = True
    _line(number, annex.number, 14, bold=True)
    _line(document.add_paragraph(), annex.title, 14, bold=True)
    subtitle = document.add_paragraph()
    subtitle.paragraph_format.space_after = Pt(8)
    _line(subtitle, annex.subtitle, 14).italic = True
    _annex_table(document, annex)
    note = document.add_paragraph()
    note.paragraph_format.space_before = Pt(6)
    _run(note, annex.note, 11).italic = True


def _annex_table(document: Any, annex: Annex) -> None:
    table = add_grid(document, 1 + len(annex.rows), _ANNEX_MM, style="Table Grid")
    # Rows and cells of python-docx are counted anew at each asking; asked once, 500 rows take no seconds.
    for index, (row, texts) in enumerate(zip(table.rows, (annex.header, *annex.rows), strict=True)):
        keep_row(row, repeated=index == 0)
        for column, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            paragraph = _line_in_cell(cell, text, bold=index == 0)
            if index and column == 1:
                paragraph.alignment = _LEFT


def _line_in_cell(cell: Any, text: str, bold: bool) -> Any:
    paragraph = cell.paragraphs[0]
    _line(paragraph, text, 12, bold)
    return paragraph


def _line(paragraph: Any, text: str, size: float, bold: bool = False) -> Any:
    """Write a centred line and return its run."""
    paragraph.alignment = _CENTER
    return _run(paragraph, text, size, bold)


def _run(paragraph: Any, text: str, size: float, bold: bool = False) -> Any:
    run = paragraph.add_run(text)
    run.font.size = Pt(size)
    run.bold = bold
    return run
