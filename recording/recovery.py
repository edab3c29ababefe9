"""After a crash: what lies in a recording's folder → finished, hashed segments. Blocks; may be repeated."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from recording.archive import Folder, SegmentName
from recording.ledger import Account, Ledger
from recording.part import note
from recording.repair import Extent, probe, salvage
from recording.segment import WRITE_ERRORS

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one file: its segment if there is one, and what people should know of it."""

    segment: dict[str, Any] | None = None
    warning: str | None = None


class Recovery:
    """The files that lay in a folder when it was looked at, to be examined one by one.

    What a finished file is was noted when it was closed. A file that is no longer that is told of as it was,
    with a warning: the archive must show that something is missing, never take the change for the recording.
    """

    def __init__(self, recording_id: str, folder: Folder) -> None:
        """List the files. Raises OSError."""
        self._recording_id = recording_id
        self._folder = folder
        self._account = Account(folder.ledger)
        known = (SegmentName.parse(name) for name in self._account.segments)
        listed = {*folder.unfinished(), *folder.finished(), *(name for name in known if name)}
        self.names = sorted(listed, key=str)

    def examine(self, name: SegmentName, running: Collection[SegmentName]) -> Found:
        """Repair a file if its writing was cut short, and tell what it holds. Those `running` are let alone."""
        if name in running:
            return Found()
        try:
            noted = self._account.segments.get(str(name))
            return self._compared(name, noted) if noted else self._read(name)
        except WRITE_ERRORS as error:
            _log.warning("Recording(%s) x recovery of %s: %s", self._recording_id, name, error)
            return Found(warning=f"{name} could not be read or repaired: {error}")

    def _compared(self, name: SegmentName, noted: dict[str, Any]) -> Found:
        try:
            changed = self._folder.size_and_hash(name) != (noted["size"], noted["sha256"])
        except FileNotFoundError:
            return Found(noted, f"{name} is no longer there")
        if changed:
            return Found(noted, f"{name} is not what was recorded")
        self._folder.discard_repaired(name)
        return Found(noted)

    def _read(self, name: SegmentName) -> Found:
        unfinished = self._folder.open_path(name).exists()
        extent = salvage(self._folder, name) if unfinished else probe(self._folder.final_path(name))
        if extent is None:
            # An unfinished file may have been begun and nothing more.
            return Found(warning=None if unfinished else f"{name} cannot be read")
        segment = self._segment(name, extent)
        with Ledger(self._folder.ledger) as ledger:
            note(ledger, {"segment": segment})
        return Found(segment)

    def _segment(self, name: SegmentName, extent: Extent) -> dict[str, Any]:
        size, sha256 = self._folder.size_and_hash(name)
        return {
            "recording_id": self._recording_id,
            "name": str(name),
            "participant_id": name.participant_id,
            "source": name.source,
            "kind": extent.format.kind,
            "codec": extent.format.codec,
            "start_ms": extent.start_ms,
            "end_ms": extent.end_ms,
            "size": size,
            "sha256": sha256,
            "gaps": [gap.as_dict() for gap in self._account.gaps(str(name), extent.end_ms)],
            "width": extent.format.width,
            "height": extent.format.height,
        }
