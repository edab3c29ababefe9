"""What the media workers tell of a meeting, passed on to the browsers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rooms.ids import MeetingId, ParticipantId
from server.connection import Connection
from server.media import Report
from server.media_quality import reason
from server.media_session import MediaSession


class MediaNews:
    """A listener of MediaPlane; what a participant without a page of ours is asked for, an encoder's, goes nowhere."""

    def __init__(
        self,
        connections: Callable[[MeetingId], Iterable[Connection]],
        sessions: Mapping[ParticipantId, MediaSession],
    ) -> None:
        self._connections = connections
        self._sessions = sessions

    def __call__(self, name: str, meeting_id: MeetingId, report: Report) -> None:
        """Pass one report on."""
        match name:
            case "layers_wanted":
                if session := self._sessions.get(report["owner"]):
                    session.want_layers(report["source"], report["rids"])
            case "renegotiate":
                if session := self._sessions.get(report["owner"]):
                    session.want_offer()
            case "speakers":
                self._tell_speakers(meeting_id, report)
            case "quality":
                self._tell_quality(meeting_id, report["links"])

    def no_speakers(self, meeting_id: MeetingId) -> None:
        """Nobody is heard for the moment."""
        self._tell_speakers(meeting_id, {"speakers": [], "dominant": None})

    def _tell_speakers(self, meeting_id: MeetingId, report: Report) -> None:
        heard = [{"participant_id": one["owner"], "level": one["level"]} for one in report["speakers"]]
        for connection in self._connections(meeting_id):
            connection.tell_latest("speakers", {"speakers": heard, "dominant": report["dominant"]})

    def _tell_quality(self, meeting_id: MeetingId, links: dict[str, dict[str, Any]]) -> None:
        """To each all of its own line and, of the others, what a tile shows: many lines to many people is much."""
        shown = {owner: _shown(link) for owner, link in links.items()}
        for connection in self._connections(meeting_id):
            me = connection.seat.participant_id
            own = {me: shown[me] | {side: links[me][side] for side in ("up", "down")}} if me in links else {}
            connection.tell_latest("quality", {"links": shown | own})


def _shown(link: dict[str, Any]) -> dict[str, Any]:
    why = reason(link)
    return {"score": link["score"], "reason": why} if why else {"score": link["score"]}
