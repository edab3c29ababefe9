"""The minutes of a meeting as a document; runs in a thread (`server.services.MinutesWriter`)."""

from collections.abc import Sequence

from recording.documents import Format, render
from recording.documents.catalogue import Language
from recording.minutes import assemble
from rooms.log import LoggedEvent


def write_minutes(events: Sequence[LoggedEvent], document_format: Format, language: Language) -> bytes:
    """The document of a log."""
    return render(assemble(events), document_format, language)
