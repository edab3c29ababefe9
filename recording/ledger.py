"""The append-only account of a recording: which parts were begun, which gaps they have, how they ended.

A crash loses what is in memory; what a file cannot tell about itself, why it has a hole, is here.
One JSON object per line; a broken last line is what a crash leaves and is ignored.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from recording.gaps import Gap, GapList

Entry = dict[str, Any]


class Ledger:
    """The open ledger of one recording. Blocks on the disk; raises OSError."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b", buffering=0)
        if not _ends_whole(self._file.fileno()):
            self._file.write(b"\n")

    def append(self, entry: Entry) -> None:
        """Add one line."""
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def sync(self) -> None:
        """Wait until the disk has it."""
        if not self._file.closed:
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Sync and close. Idempotent."""
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            self.sync()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ends_whole(descriptor: int) -> bool:
    """Whether the last line has its end: a crash may have cut it, and the next one must not continue it."""
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


class Account:
    """What a ledger tells: the files begun, the finished segments by name, and the gaps of each file."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises OSError; a ledger that is not there tells nothing."""
        self.begun: set[str] = set()
        self.segments: dict[str, Entry] = {}
        self._gaps: dict[str, GapList] = {}
        self._open: dict[str, tuple[int, str]] = {}
        for entry in _entries(path):
            # What another version wrote, or a bad sector, costs this line only.
            with contextlib.suppress(KeyError, TypeError):
                self._take(entry)

    def gaps(self, name: str, end_ms: int) -> list[Gap]:
        """The gaps of a file that ends here; the one that a crash left open ends with the file."""
        gaps = self._gaps.get(name, GapList()).in_order()
        if name in self._open:
            start_ms, reason = self._open[name]
            gaps.append(Gap.whole(start_ms, end_ms, reason))
        return [gap.until(end_ms) for gap in gaps if gap.start_ms < end_ms]

    def _take(self, entry: Entry) -> None:
        if "part" in entry:
            self.begun.add(entry["part"])
        elif "segment" in entry:
            self.segments[entry["segment"]["name"]] = entry["segment"]
        elif "gap" in entry:
            self._gaps.setdefault(entry["gap"], GapList()).add(Gap.parse(entry))
            self._open.pop(entry["gap"], None)
        elif "gap_open" in entry:
            self._open[entry["gap_open"]] = entry["start_ms"], entry["reason"]


def _entries(path: Path) -> Iterator[Entry]:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry
