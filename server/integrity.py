"""Whether the archive is as it was stored: each log against its chain and its head, and against the logs the
archive's list and the files on the disk.

The log is what counts: whoever changes a file and its row has not changed the hash that the chain holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from rooms.errors import LogError
from rooms.events import SegmentClosed
from rooms.log import LoggedEvent, verify
from server.archive import RecordingFolders
from server.storage import Storage
from server.storage.meetings import Head
from server.storage.recordings import RecordingFile

_CUT: Final = (
    "Nhật ký mất phần cuối, từ hoặc trước sự kiện {0} / the log lost its end, from event {0} or before"
)
_CHANGED: Final = "Tệp bị thay đổi sau khi lưu / differs from its stored hash"
_ROW_GONE: Final = "Danh mục thiếu tệp có trong nhật ký / in the log, but not in the archive's list"
_ROW_DIFFERS: Final = "Danh mục khác nhật ký / the archive's list differs from the log"
_NOT_LOGGED: Final = "Không có trong nhật ký / not in the log"

Key = tuple[str, str]


class Segment(NamedTuple):
    """What the log and the archive's list both tell of a file."""

    participant_id: str
    source: str
    start_ms: int
    end_ms: int
    size: int
    sha256: str

    @classmethod
    def of(cls, told: SegmentClosed | RecordingFile) -> Segment:
        """The part of either that the other has too."""
        return cls(*(getattr(told, name) for name in cls._fields))


class Logs:
    """What the logs say, as far as they can be trusted."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.segments: dict[Key, Segment] = {}
        self.recordings: set[str] = set()

    async def read(self, storage: Storage, head: Head) -> None:
        """Take in the log of one meeting, or what is wrong with it."""
        try:
            log = await storage.events.read(head.meeting_id)
            verify(log)
        except LogError as error:
            self.problems.append(f"meeting {head.meeting_id}: {error}")
            return
        if not _reaches(log, head):
            self.problems.append(f"meeting {head.meeting_id}: {_CUT.format(head.seq)}")
        self.segments |= _segments(log)
        self.recordings |= {event.data["recording_id"] for event in log if event.type == "RecordingStarted"}


async def problems(storage: Storage, folders: RecordingFolders) -> list[str]:
    """Return one line for everything that is not as it was stored. Reads every recorded file."""
    # The lists first, then the logs: what is added meanwhile is then in the log at least.
    rows = await storage.recordings.all_files()
    files: dict[Key, Segment] = {(file.recording_id, file.name): Segment.of(file) for file in rows}
    ready = await storage.recordings.ready()
    logs = Logs()
    for head in await storage.meetings.heads():
        await logs.read(storage, head)
    settled = ready & logs.recordings
    on_disk = {(recording_id, name) for recording_id in settled for name in folders.names(recording_id)}
    found = logs.problems
    for key in sorted(logs.segments.keys() | files.keys() | on_disk):
        judged = _judge(key, logs.segments.get(key), files.get(key), folders, settled=key[0] in settled)
        found += [f"recording {key[0]}, {key[1]}: {problem}" for problem in judged]
    return found


def _reaches(log: Sequence[LoggedEvent], head: Head) -> bool:
    """Whether a log, which may have grown since its head was read, still holds that event."""
    return len(log) >= head.seq and (head.seq == 0 or log[head.seq - 1].hash == head.hash)


def _segments(log: Sequence[LoggedEvent]) -> Mapping[Key, Segment]:
    closed = (event.event for event in log if isinstance(event.event, SegmentClosed))
    return {(event.recording_id, event.name): Segment.of(event) for event in closed}


def _judge(
    key: Key, logged: Segment | None, listed: Segment | None, folders: RecordingFolders, *, settled: bool
) -> Iterator[str]:
    if logged is None and settled:
        yield _NOT_LOGGED
    elif logged and listed != logged:
        yield _ROW_DIFFERS if listed else _ROW_GONE
    if (known := logged or listed) and (difference := _difference(key, known.sha256, folders)):
        yield difference


def _difference(key: Key, sha256: str, folders: RecordingFolders) -> str | None:
    try:
        with folders.file_path(*key).open("rb") as stored:
            digest = hashlib.file_digest(stored, "sha256").hexdigest()
    except OSError as error:
        return error.strerror or str(error)
    return None if digest == sha256 else _CHANGED
