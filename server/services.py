"""What the HTTP side needs of others, as it sees them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from recording.documents import Format
from recording.documents.catalogue import Language
from rooms.ids import ParticipantId
from rooms.log import LoggedEvent
from rooms.media import VideoCodec

RecordingAction = Literal["start", "stop", "pause", "resume"]

Clock = Callable[[], datetime]

IceServersOf = Callable[[ParticipantId], Sequence[Mapping[str, Any]]]
"""The `iceServers` of a participant's connections: `urls` and, where they ask for it, `username`, `credential`."""


class MeetingService(Protocol):
    """The live meetings. Each method raises rooms' MeetingError and has then changed nothing."""

    async def create(
        self, title: str, created_by: str, video_codec: VideoCodec | None = None
    ) -> dict[str, Any]:
        """Plan a meeting, with this server's usual codec unless one is chosen; return its snapshot."""

    async def snapshot(self, meeting_id: str) -> dict[str, Any]:
        """Return the state of a meeting, also of one that has ended."""

    async def recording(self, meeting_id: str, actor: str, action: RecordingAction) -> dict[str, Any]:
        """Start, stop, pause or resume the recording; return `{recording_id, state, …}`."""

    async def end(self, meeting_id: str, actor: str) -> None:
        """End the meeting for all."""


class Archive(Protocol):
    """Where recordings lie."""

    def file_path(self, recording_id: str, name: str) -> Path:
        """Return the path of a finished file; whether it is there is for the caller to see."""


class MinutesWriter(Protocol):
    """Makes a document of a meeting's log. Runs in a thread."""

    def __call__(self, events: Sequence[LoggedEvent], document_format: Format, language: Language) -> bytes:
        """Return the document."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)
