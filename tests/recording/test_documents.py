"""The files: each opens, says what was composed, and takes nothing that people typed for code."""

import asyncio
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from time import process_time

import pytest
from docx import Document
from docx.shared import Pt
from pypdf import PageObject, PdfReader

from recording.documents import render
from recording.documents.compose import compose
from recording.documents.fonts import shown_characters
from recording.minutes import Message, assemble
from rooms.log import Moment
from rooms.permissions import Role
from tests.recording.meetings import crowded, eventful
from tests.rooms.story import CHAIR, DELEGATE, START, Story

LANGUAGES = ("vi", "en")
HOSTILE = (
    "<script>alert(1)</script>",
    "&amp; &lt;b&gt; \"'",
    "{{7*7}} {% for x in [] %} {{ ''.__class__.__mro__ }}",
    '#eval("1+1") #{ 1 } #sys.inputs $x^2$ *đậm* _nghiêng_ `mã` @ref <label> // /* */',
    "= Đề mục\n- mục\n+ mục\n\\ \\u{1F600}",
    "]]> <!-- --> <?xml?> <w:t>",
    "=1+1 +1 -1 @SUM",
    "C:\\temp\\n ~ -- --- ... 'nháy' \"kép\"",
)


class _Text(HTMLParser):
    """The text of a page, and the tags that make it."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text, self.tags = "", set()
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def html_text(file: bytes) -> str:
    return _Text(file).text


def docx_text(file: bytes) -> str:
    document = Document(io.BytesIO(file))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def pdf_pages(file: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(file)).pages]


def pdf_text(file: bytes) -> str:
    return "\n".join(pdf_pages(file))


READERS = {"html": html_text, "docx": docx_text, "pdf": pdf_text, "json": lambda file: file.decode()}


def squeezed(text: str) -> str:
    """Without white space: lines break where each format likes."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def minutes():
    return assemble(eventful().log)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file_format", ["html", "docx", "pdf"])
def test_every_sentence_is_in_every_format(minutes, file_format, language):
    text = squeezed(READERS[file_format](render(minutes, file_format, language)))
    content = compose(minutes, language)
    for sentence in (
        content.country,
        content.motto,
        content.type_name,
        content.title,
        content.closing,
        content.annex.title,
        *(block.text for block in content.blocks),
        *(cell for row in content.annex.rows for cell in row),
        *content.recipients,
        *(signature.name for signature in content.signatures),
    ):
        assert squeezed(sentence) in text


def test_json_is_the_minutes_themselves(minutes):
    data = json.loads(render(minutes, "json", "vi"))
    assert data["start"] == {"time": "2026-02-05T01:00:01.000Z", "meeting_ms": 1000}
    assert data["attendance"][3]["intervals"][0]["reason"] == "lost"
    assert data["recordings"][0]["pauses"][0]["end"]["meeting_ms"] == 840_000
    assert data["last_hash"] == minutes.last_hash


@pytest.mark.parametrize("file_format", ["html", "docx", "pdf", "json"])
def test_what_people_typed_is_text(file_format):
    story = Story(HOSTILE[0])
    for number, typed in enumerate(HOSTILE):
        story.join(f"p{number}", typed.replace("\n", " ")[:100])
        story.tell(f"p{number}", story.meeting.say(f"p{number}", typed, f"c{number}"))
    file = render(assemble(story.log), file_format, "vi")
    if file_format == "json":
        assert [message["text"] for message in json.loads(file)["messages"]] == list(HOSTILE)
        return
    text = squeezed(READERS[file_format](file))
    for typed in HOSTILE:
        assert squeezed(typed) in text
    if file_format == "html":
        assert not _Text(file).tags & {"script", "b", "label"}


@pytest.mark.parametrize("file_format", ["html", "docx", "pdf", "json"])
def test_characters_no_file_may_hold_do_no_harm(file_format):
    """A log older than the rules for text: the document comes all the same."""
    story = Story()
    story.join(DELEGATE, "Đại biểu")
    plain = assemble(story.log)
    odd = "".join(map(chr, [*range(32), *range(127, 160), 0xFFFE, 0xFFFF, 0xFDD0, 0xE000, 0x1FFFF]))
    message = Message(Moment(START, 0), DELEGATE, f"Tên{odd}", f"Trước{odd}sau 🙂 中 👨‍👩‍👧 é ẹ́")
    file = render(replace(plain, title=f"Họp{odd}", messages=(message,)), file_format, "vi")
    assert "Trước" in READERS[file_format](file)


def test_what_the_font_lacks_is_named():
    story = Story()
    story.join(DELEGATE, "Đại biểu 🙂")
    assert "[slightly smiling face]" in pdf_text(render(assemble(story.log), "pdf", "vi"))


def test_the_font_has_every_vietnamese_letter():
    letters = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"
    assert {ord(letter) for letter in letters + letters.upper()} <= shown_characters()
    assert 0x1F642 not in shown_characters()


def test_pdf_is_an_archive_s(minutes):
    file = render(minutes, "pdf", "vi")
    reader = PdfReader(io.BytesIO(file))
    assert file[:8] >= b"%PDF-1.4"
    xmp = reader.trailer["/Root"]["/Metadata"].get_object().get_data()
    assert re.search(rb"pdfaid:part>2<", xmp)
    assert re.search(rb"pdfaid:conformance>B<", xmp)
    fonts = [
        descendant.get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
        for descendant in font.get_object()["/DescendantFonts"]
    ]
    assert {"LiberationSerif" in str(font["/BaseFont"]) for font in fonts} == {True}
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)


def test_pages_are_a4_and_numbered_from_the_second(minutes):
    reader = PdfReader(io.BytesIO(render(minutes, "pdf", "vi")))
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages} == {
        (595, 842)
    }
    first_lines = [page.extract_text().strip().splitlines()[0] for page in reader.pages]
    assert first_lines[0].startswith("....")
    assert first_lines[1:] == [str(number) for number in range(2, len(reader.pages) + 1)]


@pytest.mark.parametrize("messages", range(0, 30, 4))
def test_the_signatures_are_never_alone_on_a_page(messages):
    pages = pdf_pages(render(assemble(crowded(3, messages).log), "pdf", "vi"))
    (signed,) = [page for page in pages if "CHỦ TỌA" in page]
    assert "./." in signed
    assert "Nơi nhận:" in signed


def widest(text: str) -> int:
    return max(len(run) for run in re.findall("W+", text))


def test_no_word_runs_off_the_page():
    """Points: the text is 467 wide, an italic W of 14 points 11.6; a name's cell 105, a W of 12 points 11.3."""
    story = Story("W" * 200)
    story.join(CHAIR, "W" * 100, Role.CHAIR)
    story.tell(CHAIR, story.meeting.say(CHAIR, "https://" + "W" * 300, "c1"))
    body, _, cells = pdf_text(render(assemble(story.log), "pdf", "vi")).partition("Ghi chú")
    assert widest(body) <= 467 / 11.6
    assert widest(cells) <= 105 / 11.3
    assert "https://" + "W" * 300 in squeezed(body)
    assert "W" * 100 in squeezed(cells)


HEADS = ("Thành phần", "1. ", "2. ", "3. Trao đổi", "Nội dung", "I", "V", "Biên bản được")


# Points: the lower margin, with two lines to write on above it.
FILLED = 57 + 2 * 19


@pytest.mark.parametrize("rows", range(2, 21, 3))
def test_nothing_that_leads_to_the_next_line_ends_a_page(rows):
    for page in pdf_pages(render(assemble(crowded(rows, 3).log), "pdf", "vi")):
        assert not page.splitlines()[-1].startswith(HEADS), page


def lowest_line(page: PageObject) -> tuple[float, str]:
    """Return how high the last line of a page stands, and its text."""
    found: list[tuple[float, str]] = []

    def visit(text: str, cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if text.strip():
            found.append((tm[4] * cm[1] + tm[5] * cm[3] + cm[5], text.strip()))

    page.extract_text(visitor_text=visit)
    height = min(height for height, _ in found)
    return height, " ".join(text for at, text in found if at - height < 3)


@pytest.mark.parametrize("rows", [10, 19])
def test_the_printed_page_parts_no_heading_from_its_lines(rows, tmp_path):
    """Lines to write on are no text: a heading may be the last text of a page, with room for them below."""
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/profile",
    ]
    page, printed = tmp_path / "minutes.html", tmp_path / "minutes.pdf"
    page.write_bytes(render(assemble(crowded(rows, 3).log), "html", "vi"))
    subprocess.run(
        [*command, "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=60,
    )
    for height, text in map(lowest_line, PdfReader(printed).pages):
        assert height > FILLED or not text.startswith(HEADS), text


def test_rendering_twice_gives_the_same_pdf(minutes):
    assert render(minutes, "pdf", "vi") == render(minutes, "pdf", "vi")


def test_docx_has_the_prescribed_page(minutes):
    document = Document(io.BytesIO(render(minutes, "docx", "vi")))
    (section,) = document.sections
    lengths = (
        section.page_width,
        section.page_height,
        section.top_margin,
        section.bottom_margin,
        section.left_margin,
        section.right_margin,
    )
    assert [round(length.mm) for length in lengths] == [210, 297, 20, 20, 30, 15]
    assert section.different_first_page_header_footer
    assert "PAGE" in section.header._element.xml
    normal = document.styles["Normal"].font
    assert (normal.name, normal.size) == ("Times New Roman", Pt(14))
    assert document.core_properties.author == ""


def test_libreoffice_opens_the_docx(minutes, tmp_path):
    path = tmp_path / "minutes.docx"
    path.write_bytes(render(minutes, "docx", "vi"))
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    subprocess.run(
        [*command, "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)],
        check=True,
        capture_output=True,
        timeout=90,
    )
    converted = PdfReader(tmp_path / "minutes.pdf")
    text = squeezed("\n".join(page.extract_text() for page in converted.pages))
    assert squeezed("Độc lập - Tự do - Hạnh phúc") in text
    assert squeezed("Cuộc họp kết thúc vào 08 giờ 29 phút") in text
    assert len(converted.pages) == 3


@pytest.mark.parametrize("file_format", ["html", "docx", "pdf", "json"])
def test_a_full_meeting_has_minutes_too(file_format):
    minutes = assemble(crowded(500, 500).log)
    began = process_time()
    file = render(minutes, file_format, "vi")
    assert process_time() - began < 20
    assert squeezed("Điểm cầu xã số 499") in squeezed(READERS[file_format](file))


async def test_documents_are_made_in_threads(minutes):
    formats = ("html", "docx", "pdf", "json")
    made = await asyncio.gather(*(asyncio.to_thread(render, minutes, f, "vi") for f in formats * 2))
    assert all(made)
    assert made[2] == made[6]


def test_importing_loads_no_library_of_a_format():
    code = (
        "import sys, recording.documents;"
        "sys.exit(bool({'typst', 'docx', 'jinja2', 'lxml'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_chair_may_be_unnamed_and_the_meeting_unended():
    story = Story()
    story.join(CHAIR, role=Role.CHAIR)
    for file_format in ("html", "docx", "pdf", "json"):
        assert render(assemble(story.log), file_format, "en")
        assert render(assemble(Story().log), file_format, "en")
