"""The archive: recordings and their files."""

import asyncio
from typing import Any

import structlog
from aiohttp import web
from pydantic import Field

from server.api.models import RECORDING_ID, Page, Time
from server.audit import audit
from server.auth import Identity
from server.keys import ARCHIVE, READINGS, STORAGE
from server.problems import Problem
from server.ranges import FileInPieces
from server.routes import Api, Query, Reply
from server.storage.recordings import ArchivedRecording, RecordingFile
from server.storage.tokens import token_hash

api = Api("archive")

_log = structlog.get_logger("archive")


class Search(Page):
    """Words of the title, with or without diacritics, and the meeting."""

    q: str = Field(default="", max_length=200)
    meeting: str | None = Field(default=None, max_length=100)


class FileQuery(Query):
    """`download=1` saves the file instead of showing it."""

    download: bool = False


class RecordingReply(Reply):
    """A recording in a list. `start_ms` is the meeting's clock when it began; size in bytes."""

    id: str
    meeting_id: str
    code: str
    title: str
    state: str
    started_at: Time
    ended_at: Time | None
    start_ms: int
    duration_ms: int
    size: int


class RecordingsReply(Reply):
    """Recordings, newest first."""

    recordings: list[RecordingReply]


class ParticipantReply(Reply):
    """Somebody who took part in the meeting."""

    participant_id: str
    name: str


class FileReply(Reply):
    """A file: one stretch of one participant's track. Times in ms since the recording began."""

    name: str
    url: str
    participant_id: str
    participant_name: str
    source: str
    kind: str
    codec: str
    start_ms: int
    end_ms: int
    duration_ms: int
    size: int
    sha256: str
    gaps: list[dict[str, Any]]
    width: int | None
    height: int | None


class RecordingDetails(RecordingReply):
    """A recording with its files in the order of their beginning, and who took part in the order of
    coming."""

    participants: list[ParticipantReply]
    files: list[FileReply]


@api.get("/api/v1/recordings", "Search the archive")
async def list_recordings(request: web.Request, identity: Identity, query: Search) -> RecordingsReply:
    """Return the recordings of the meetings that this user manages."""
    recordings = request.app[STORAGE].recordings
    found = await recordings.search(identity.user, query.q, query.meeting, query.limit, query.offset)
    return RecordingsReply(recordings=[RecordingReply(**_summary(archived)) for archived in found])


@api.get(f"/api/v1/recordings/{RECORDING_ID}", "Look at a recording", errors=("recording_unknown",))
async def get_recording(request: web.Request, identity: Identity) -> RecordingDetails:
    """Return a recording and its closed files."""
    archived = await _managed_recording(request, identity)
    files = await request.app[STORAGE].recordings.files(archived.recording.recording_id)
    names = await request.app[STORAGE].events.names(archived.meeting.meeting_id)
    return RecordingDetails(
        **_summary(archived),
        participants=[ParticipantReply(participant_id=key, name=name) for key, name in names.items()],
        files=[_file(file, names.get(file.participant_id, "")) for file in files],
    )


@api.get(
    f"/api/v1/recordings/{RECORDING_ID}/files/{{name}}",
    "Get a file of a recording; ranges are answered",
    errors=("recording_unknown", "file_unknown", "file_missing"),
    media_types=("video/webm", "audio/webm"),
)
async def get_recording_file(
    request: web.Request, identity: Identity, query: FileQuery
) -> web.StreamResponse:
    """Return the bytes. Only a name that the recorder reported leads to the disk, never one that was
    typed."""
    recording_id = (await _managed_recording(request, identity)).recording.recording_id
    file = await request.app[STORAGE].recordings.file(recording_id, request.match_info["name"])
    if file is None:
        raise Problem(404, "file_unknown")
    path = request.app[ARCHIVE].file_path(recording_id, file.name)
    if not await asyncio.to_thread(path.is_file):
        _log.error("file missing", recording=recording_id, name=file.name)
        raise Problem(404, "file_missing")
    _audit_reading(request, identity, recording_id, file.name)
    return FileInPieces(path, headers=_file_headers(file, query.download))


def _file_headers(file: RecordingFile, download: bool) -> dict[str, str]:
    shown = "attachment" if download else "inline"
    return {
        "Content-Type": f"{file.kind}/webm",
        "Content-Disposition": f'{shown}; filename="{file.name}"',
        # A right to see it can end: ask each time, but do not send again what is there.
        "Cache-Control": "private, no-cache",
    }


def _audit_reading(request: web.Request, identity: Identity, recording_id: str, name: str) -> None:
    """A player asks for many ranges: what tells is the first of a sign-in, and each that begins the file."""
    reading = (token_hash(identity.token), recording_id, name)
    begins = request.headers.get("Range", "bytes=0-").startswith("bytes=0-")
    if request.app[READINGS].is_first(reading) or begins:
        audit(request, "recording_read", user=identity.user.user_id, recording=recording_id, name=name)


async def _managed_recording(request: web.Request, identity: Identity) -> ArchivedRecording:
    archived = await request.app[STORAGE].recordings.get(request.match_info["recording_id"])
    if archived is None or not archived.meeting.is_managed_by(identity.user):
        audit(request, "recording_refused", user=identity.user.user_id, path=request.path)
        raise Problem(404, "recording_unknown")
    return archived


def _summary(archived: ArchivedRecording) -> dict[str, Any]:
    recording, meeting = archived.recording, archived.meeting
    return {
        "id": recording.recording_id,
        "meeting_id": meeting.meeting_id,
        "code": meeting.code,
        "title": meeting.title,
        "state": recording.state.value,
        "started_at": recording.started_at,
        "ended_at": recording.ended_at,
        "start_ms": recording.start_ms,
        "duration_ms": archived.duration_ms,
        "size": archived.size,
    }


def _file(file: RecordingFile, participant_name: str) -> FileReply:
    return FileReply(
        name=file.name,
        url=f"/api/v1/recordings/{file.recording_id}/files/{file.name}",
        participant_id=file.participant_id,
        participant_name=participant_name,
        source=file.source,
        kind=file.kind,
        codec=file.codec,
        start_ms=file.start_ms,
        end_ms=file.end_ms,
        duration_ms=file.end_ms - file.start_ms,
        size=file.size,
        sha256=file.sha256,
        gaps=file.gaps,
        width=file.width,
        height=file.height,
    )
