"""After a crash: what lies in a recording's folder → finished, hashed segments. Blocks; may be repeated."""

import logging
from typing import Any

from recording import ledger
from recording.archive import Folder, SegmentName
from recording.repair import Extent, probe, salvage
from recording.segment import WRITE_ERRORS

_log = logging.getLogger(__name__)


def recover(recording_id: str, folder: Folder) -> list[dict[str, Any]]:
    """Repair what was being written, then tell of every segment in the folder.

    A file that cannot be repaired now stays as it is for the next time. Gaps come from the ledger.
    """
    entries = ledger.read(folder.ledger)
    extents = {name: extent for name in folder.unfinished() if (extent := _repaired(folder, name))}
    segments = [
        _segment(recording_id, folder, name, entries, extents.get(name)) for name in folder.finished()
    ]
    found = [segment for segment in segments if segment is not None]
    _log.info("Recording(%s) recovered, %d segments, %d repaired", recording_id, len(found), len(extents))
    return sorted(found, key=lambda segment: (segment["start_ms"], segment["name"]))


def _repaired(folder: Folder, name: SegmentName) -> Extent | None:
    try:
        return salvage(folder, name)
    except WRITE_ERRORS as error:
        _log.warning("Folder(%s) x repair of %s: %s", folder.path.name, name, error)
        return None


def _segment(
    recording_id: str, folder: Folder, name: SegmentName, entries: list[ledger.Entry], extent: Extent | None
) -> dict[str, Any] | None:
    size, sha256 = folder.size_and_hash(name)
    for entry in entries:
        known = entry.get("segment")
        if known and known["name"] == str(name) and known["sha256"] == sha256:
            return dict(known)
    extent = extent or probe(folder.final_path(name))
    if extent is None:
        return None
    gaps = [gap.as_dict() for gap in ledger.gaps_of(entries, str(name)) if gap.end_ms <= extent.end_ms]
    return {
        "recording_id": recording_id,
        "name": str(name),
        "participant_id": name.participant_id,
        "source": name.source,
        "kind": extent.format.kind,
        "codec": extent.format.codec,
        "start_ms": extent.start_ms,
        "end_ms": extent.end_ms,
        "size": size,
        "sha256": sha256,
        "gaps": gaps,
        "width": extent.format.width,
        "height": extent.format.height,
    }
