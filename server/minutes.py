"""The minutes of a meeting as a document; runs in a thread (`server.services.MinutesWriter`)."""

from __future__ import annotations

from collections.abc import Sequence

from rooms.log import LoggedEvent
from server.services import DocumentFormat, DocumentLanguage


def write_minutes(
    events: Sequence[LoggedEvent], document_format: DocumentFormat, language: DocumentLanguage
) -> bytes:
    """The document of a log."""
    # typst and python-docx load slowly and are needed after the meeting: not at the server's start.
    from recording.documents import render
    from recording.minutes import assemble

    document, _ = render(assemble(events), document_format, language)
    return document
