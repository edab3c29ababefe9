"""The append-only account of a recording: which parts were begun, which gaps they have, how they ended.

A crash loses what is in memory; what a file cannot tell about itself, why it has a hole, is here.
One JSON object per line; a broken last line is what a crash leaves and is ignored.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Self

from recording.gaps import Gap

Entry = dict[str, Any]


class Ledger:
    """The open ledger of one recording. Blocks on the disk; raises OSError."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, entry: Entry) -> None:
        """Add one line."""
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def sync(self) -> None:
        """Wait until the disk has it."""
        if not self._file.closed:
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Sync and close."""
        with contextlib.suppress(OSError):
            self.sync()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(path: Path) -> list[Entry]:
    """The entries of a ledger, without what a crash left half written; empty when there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    entries: list[Entry] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                entries.append(entry)
    return entries


def gaps_of(entries: list[Entry], name: str) -> list[Gap]:
    """The gaps noted for one part."""
    return [
        Gap(entry["start_ms"], entry["end_ms"], entry["reason"])
        for entry in entries
        if entry.get("gap") == name
    ]
