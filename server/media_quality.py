"""How the lines of everybody fare, from what the workers told last: for programs and for the meetings' logs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rooms.ids import MeetingId, ParticipantId
from rooms.media import Link
from server.media import MediaPlane, Report
from sfu.quality import Quality

# Workers tell every five seconds; who has told nothing for three times as long carries nobody of the meeting.
STALE_AFTER_S = 15.0
# A line turns poor below the one and is well again above the other; between them it stays what it was.
POOR_BELOW, WELL_ABOVE = 2, 3

Clock = Callable[[], float]


def reason(told: Mapping[str, Any]) -> str | None:
    """What lowers a score most, if anything does."""
    named: str | None = told.get("reason")
    return None if named == "none" else named


def to_link(told: Mapping[str, Any]) -> Link:
    """One entry of a worker's `quality`, as the log keeps it."""
    up, down = told.get("up", {}), told.get("down", {})
    return Link(
        score=int(told["score"]),
        loss_up_permille=round(up.get("loss", 0) * 1000),
        loss_down_permille=round(down.get("loss", 0) * 1000),
        rtt_ms=round(max(up.get("rtt_ms", 0), down.get("rtt_ms", 0))),
        jitter_up_ms=round(up.get("jitter_ms", 0)),
        bitrate_up_bps=round(up.get("bitrate_bps", 0)),
        bitrate_down_bps=round(down.get("bitrate_bps", 0)),
        reason=reason(told),
    )


class Crossings:
    """Whose line became poor, or well again, since it was looked at last."""

    def __init__(self) -> None:
        self._poor: set[ParticipantId] = set()

    def take(self, scores: Mapping[ParticipantId, float]) -> set[ParticipantId]:
        """Look at everybody's scores; return those whose line turned. Who has no score any more is forgotten."""
        poor = {owner for owner, score in scores.items() if self._is_poor(owner, score)}
        changed = (poor ^ self._poor) & scores.keys()
        self._poor = poor
        return changed

    def _is_poor(self, owner: ParticipantId, score: float) -> bool:
        return score <= WELL_ABOVE if owner in self._poor else score < POOR_BELOW


@dataclass(frozen=True, slots=True)
class _Told:
    at_s: float
    worker: str
    links: dict[ParticipantId, dict[str, Any]]


class MediaQuality:
    """The last `quality` of each meeting; a listener of MediaPlane."""

    def __init__(self, media: MediaPlane, clock: Clock = time.monotonic) -> None:
        self._media = media
        self._clock = clock
        self._told: dict[MeetingId, _Told] = {}
        media.on_report.append(self._report)

    def links(self, meeting_id: MeetingId) -> Mapping[ParticipantId, dict[str, Any]]:
        """Each participant's line as the worker told it, `{score, reason, up, down}`; nobody's if long ago."""
        self._forget_stale()
        told = self._told.get(meeting_id)
        return told.links if told else {}

    def levels(self) -> Counter[tuple[str, str]]:
        """How many participants have a line of a level, by worker and the level's word."""
        self._forget_stale()
        return Counter(
            (told.worker, Quality(link["score"], "none").level)
            for told in self._told.values()
            for link in told.links.values()
        )

    def _report(self, name: str, meeting_id: MeetingId, report: Report) -> None:
        if name == "quality":
            worker = self._media.worker_of(meeting_id) or ""
            self._told[meeting_id] = _Told(self._clock(), worker, report["links"])

    def _forget_stale(self) -> None:
        oldest_s = self._clock() - STALE_AFTER_S
        self._told = {meeting_id: told for meeting_id, told in self._told.items() if told.at_s >= oldest_s}
