"""Minutes as files: HTML to read, DOCX to finish, PDF to keep, JSON to exchange."""

from datetime import UTC, datetime
from typing import Literal

from recording.documents.catalogue import Language
from recording.documents.compose import compose
from recording.minutes import Minutes

Format = Literal["html", "docx", "pdf", "json"]

CONTENT_TYPES: dict[Format, str] = {
    "html": "text/html",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "json": "application/json",
}


def render(minutes: Minutes, format: Format, language: Language) -> bytes:  # noqa: A002
    """Return the minutes as a file, text in UTF-8. JSON is the same in every language.

    Takes from ten milliseconds to some seconds of computing: call it in a thread, away from the event loop.
    """
    # Each format brings a library of its own; a server that starts loads none of them.
    if format == "json":
        from recording.documents.data import to_json

        return to_json(minutes)
    content = compose(minutes, language)
    if format == "html":
        from recording.documents.page import render_html

        return render_html(content)
    created = _created(minutes)
    if format == "docx":
        from recording.documents.word import render_docx

        return render_docx(content, created)
    from recording.documents.pdf import render_pdf

    return render_pdf(content, created)


def _created(minutes: Minutes) -> datetime:
    """Return the time that a file carries: the meeting's, so that rendering twice makes no two files."""
    moment = minutes.end or minutes.start
    return moment.time if moment else datetime(1970, 1, 1, tzinfo=UTC)
