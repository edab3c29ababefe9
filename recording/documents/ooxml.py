"""What python-docx has no words for: fields, rules, dotted lines, fixed grids (ECMA-376, part 1)."""

from typing import Any

from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

FONT = "Times New Roman"
# What Word leaves free at either side of a cell.
_CELL_MARGIN_MM = 1.9


def element(tag: str, **attributes: str) -> Any:
    """Return `<w:tag w:attribute="…"/>`."""
    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), value)
    return made


def set_font(style: Any) -> None:
    """Give a style the prescribed font for every script; Word keeps four names apart."""
    style.font.name = FONT
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), FONT)


def add_page_number(run: Any) -> None:
    """Put in the field that shows the number of its page."""
    instruction = element("instrText")
    instruction.text = "PAGE"
    for part in (element("fldChar", fldCharType="begin"), instruction, element("fldChar", fldCharType="end")):
        run._r.append(part)


def add_rule(paragraph: Any, width_mm: float, column_mm: float) -> None:
    """Make an empty paragraph a centred rule: its lower border, drawn in from both sides."""
    indent = Mm(max(0, (column_mm - width_mm) / 2 - _CELL_MARGIN_MM))
    layout = paragraph.paragraph_format
    layout.left_indent = layout.right_indent = indent
    layout.first_line_indent = Mm(0)
    layout.space_before, layout.space_after = Pt(0), Pt(6)
    layout.line_spacing = Pt(3)
    borders = element("pBdr")
    borders.append(element("bottom", val="single", sz="6", space="0", color="000000"))
    _insert_borders(paragraph, borders)


def add_dots(paragraph: Any, width_mm: float) -> None:
    """Make a paragraph a line of dots to write on: a tab with a dotted leader to the right margin."""
    paragraph.paragraph_format.tab_stops.add_tab_stop(
        Mm(width_mm), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS
    )
    paragraph.add_run("\t")


def add_grid(document: Any, rows: int, widths_mm: tuple[float, ...], style: str | None = None) -> Any:
    """Return a table whose columns keep their widths, whatever is written into them."""
    table = document.add_table(rows=rows, cols=len(widths_mm), style=style)
    table.autofit = False
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)
    return table


def keep_row(row: Any, repeated: bool = False) -> None:
    """Never break a row over two pages; a `repeated` one heads every page."""
    properties = row._tr.get_or_add_trPr()
    properties.append(element("cantSplit"))
    if repeated:
        properties.append(element("tblHeader"))


def _insert_borders(paragraph: Any, borders: Any) -> None:
    """Put borders where the schema wants them: after keepNext and the like, before spacing and indents."""
    properties = paragraph._p.get_or_add_pPr()
    later = [child for child in properties if child.tag in _AFTER_BORDERS]
    if later:
        later[0].addprevious(borders)
    else:
        properties.append(borders)


_AFTER_BORDERS = {
    qn(f"w:{tag}") for tag in ("shd", "tabs", "spacing", "ind", "contextualSpacing", "jc", "rPr")
}
