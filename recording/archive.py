"""Where recordings lie, the only file that knows paths: names, finish by rename, hash, list, room."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recording.errors import FolderInvalid

SOURCES: Final = ("microphone", "camera", "screen", "screen_audio")
PART_SUFFIX: Final = ".part"
REPAIR_SUFFIX: Final = ".repair"
UNREADABLE_SUFFIX: Final = ".unreadable"
LEDGER_NAME: Final = "ledger.jsonl"
# Identifiers are ours, but they come over a socket: nothing that could leave the folder or hide in it.
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_NAME: Final = re.compile(rf"({_IDENTIFIER.pattern})-({'|'.join(SOURCES)})-([1-9][0-9]{{0,6}})\.webm")
_HASH_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What the name of a segment says: whose track, which source, the how-manieth part of it (from 1)."""

    participant_id: str
    source: str
    part: int

    def __str__(self) -> str:
        return f"{self.participant_id}-{self.source}-{self.part}.webm"

    @classmethod
    def parse(cls, text: str) -> "SegmentName | None":
        """The parts of a finished segment's name, None for any other name."""
        match = _NAME.fullmatch(text)
        return cls(match[1], match[2], int(match[3])) if match else None


def is_identifier(text: str) -> bool:
    """Whether a participant's id may be part of a file name."""
    return _IDENTIFIER.fullmatch(text) is not None


class Folder:
    """The folder of one recording. All its methods may block on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, directory: str) -> "Folder":
        """Make the folder if need be. Raises FolderInvalid when it is relative or cannot be written."""
        path = Path(directory)
        if not path.is_absolute():
            raise FolderInvalid("the path is not absolute")
        try:
            _make(path)
        except OSError as error:
            raise FolderInvalid(error.strerror or str(error)) from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise FolderInvalid("it cannot be written")
        return cls(path)

    @property
    def ledger(self) -> Path:
        """The append-only account of parts, gaps and finished segments."""
        return self.path / LEDGER_NAME

    def open_path(self, name: SegmentName) -> Path:
        """Where a segment lies while it is being written."""
        return self.path / f"{name}{PART_SUFFIX}"

    def final_path(self, name: SegmentName) -> Path:
        """Where a finished segment lies."""
        return self.path / str(name)

    def repair_path(self, name: SegmentName) -> Path:
        """Where the repaired copy of a segment is made."""
        return self.path / f"{name}{REPAIR_SUFFIX}"

    def part_numbers(self, noted: Iterable[str] = ()) -> dict[tuple[str, str], int]:
        """The highest part number used by participant and source, whatever state its file is in.

        `noted` are names whose files may be gone: a name never means another file than it did.
        """
        numbers: dict[tuple[str, str], int] = {}
        for name in (*noted, *(entry.name for entry in self.path.iterdir())):
            if match := _NAME.match(name):
                key = (match[1], match[2])
                numbers[key] = max(numbers.get(key, 0), int(match[3]))
        return numbers

    def unfinished(self) -> list[SegmentName]:
        """Segments whose writing was cut short, in the order of their names."""
        return self._names(PART_SUFFIX)

    def finished(self) -> list[SegmentName]:
        """Segments that lie under their final names, in that order."""
        return self._names("")

    def _names(self, suffix: str) -> list[SegmentName]:
        entries = sorted(entry.name for entry in self.path.iterdir() if entry.name.endswith(f".webm{suffix}"))
        parsed = (SegmentName.parse(entry.removesuffix(suffix)) for entry in entries)
        return [name for name in parsed if name]

    def finish(self, written: Path, name: SegmentName) -> None:
        """Give a file its final name, once the disk has it, so that a power cut leaves a whole one. Raises OSError."""
        _sync(written, os.O_RDONLY)
        written.rename(self.final_path(name))
        self.sync()

    def discard_repaired(self, name: SegmentName) -> None:
        """Remove what a repair leaves behind, once the repaired file has its final name."""
        self.repair_path(name).unlink(missing_ok=True)
        self.open_path(name).unlink(missing_ok=True)

    def set_aside(self, name: SegmentName) -> None:
        """Keep an unfinished file without readable media out of the way: no byte is ever thrown away."""
        path = self.open_path(name)
        if path.stat().st_size:
            path.rename(self.path / f"{name}{UNREADABLE_SUFFIX}")
        else:
            path.unlink()
        self.sync()

    def sync(self) -> None:
        """Make renames durable."""
        _sync(self.path, os.O_RDONLY | os.O_DIRECTORY)

    def free_bytes(self) -> int:
        """Room that an unprivileged process may still use on the folder's disk."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def size_and_hash(self, name: SegmentName) -> tuple[int, str]:
        """A finished segment's size in bytes and SHA-256 in hexadecimal."""
        digest, size = hashlib.sha256(), 0
        with self.final_path(name).open("rb") as file:
            while block := file.read(_HASH_BLOCK):
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()


def _make(path: Path) -> None:
    """Make a folder and those above it, each noted durably in its parent. Raises OSError."""
    if path.is_dir():
        return
    _make(path.parent)
    path.mkdir(exist_ok=True)
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
