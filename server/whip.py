"""WHIP (RFC 9725) and WHEP: any encoder publishes into a meeting, any player watches a participant of it.

The bearer token is a join token. A session is an attachment of its seat: who publishes by WHIP is in the
meeting, in everybody's list and in the minutes, and leaves with DELETE or when the connection is lost.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

import structlog
from aiohttp import web

from rooms.errors import MeetingEnded, ParticipantUnknown
from rooms.ids import MeetingId, ParticipantId, new_id
from rooms.participant import Source
from rooms.permissions import Action, check
from rooms.state import MeetingPhase
from server.access import bearer_token
from server.effects import enter_track
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.presence import Presence
from server.problems import Problem
from server.seats import SeatRefused, open_seat
from server.services import utc_now
from server.storage import Storage
from server.storage.seats import Seat

log = structlog.get_logger(__name__)

SDP_LIMIT_BYTES = 65_536
SDP_TYPE = "application/sdp"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Session:
    """One WHIP or WHEP resource: a peer, on behalf of a seat."""

    id: str
    seat: Seat
    peer: str
    sources: tuple[Source, ...] = ()


class HttpIngest:
    """The WHIP and WHEP resources of this process."""

    def __init__(
        self, storage: Storage, meetings: LiveMeetings, media: MediaPlane, presence: Presence
    ) -> None:
        self._storage = storage
        self._meetings = meetings
        self._media = media
        self._presence = presence
        self._sessions: dict[str, Session] = {}
        self._endings: set[asyncio.Task[None]] = set()

    def setup_routes(self, app: web.Application) -> None:
        """The two endpoints and their resources."""
        app.router.add_post("/whip/{meeting_id}", self.publish)
        app.router.add_post("/whep/{meeting_id}/{participant_id}", self.play)
        app.router.add_delete("/whip/{meeting_id}/session/{session_id}", self.delete)
        app.router.add_delete("/whep/{meeting_id}/session/{session_id}", self.delete)

    async def publish(self, request: web.Request) -> web.Response:
        """POST an offer, get an answer; the first audio is the microphone, the first video the camera."""
        offer = await self._offer(request)
        seat, live = await self._seat(request)
        check(seat.role, Action.PUBLISH)
        session_id, peer = self._name(seat, "whip")
        await self._presence.attach(seat, session_id)
        try:
            answer = await self._media.publish(live.meeting_id, peer, seat.participant_id, offer, None)
            sources = tuple(Source(track["source"]) for track in answer["tracks"])
            for source in sources:
                await enter_track(live, self._media, seat.participant_id, source)
        except BaseException:
            await self._media.close_peer(live.meeting_id, peer)
            await self._presence.leave(seat.meeting_id, seat.participant_id, session_id)
            raise
        return self._created(request, Session(session_id, seat, peer, sources), answer["sdp"])

    async def play(self, request: web.Request) -> web.Response:
        """POST an offer to receive one participant: microphone and camera, or `?source=screen`."""
        offer = await self._offer(request)
        seat, live = await self._seat(request)
        owner = ParticipantId(request.match_info["participant_id"])
        if owner not in {participant.id for participant in live.meeting.present}:
            raise ParticipantUnknown
        session_id, peer = self._name(seat, "whep")
        await self._presence.attach(seat, session_id)
        wants = [{"owner": owner, "source": source} for source in self._wanted(request)]
        try:
            answer = await self._media.play(live.meeting_id, peer, wants, offer)
        except BaseException:
            await self._presence.leave(seat.meeting_id, seat.participant_id, session_id)
            raise
        return self._created(request, Session(session_id, seat, peer), answer["sdp"])

    async def delete(self, request: web.Request) -> web.Response:
        """End a session; its participant leaves when nothing else is attached to the seat."""
        seat, _ = await self._seat(request)
        session = self._sessions.get(request.match_info["session_id"])
        if session is None or session.seat.participant_id != seat.participant_id:
            raise Problem(404, "session_unknown")
        await self._close(session, left=True)
        return web.Response()

    async def close(self) -> None:
        """Let the endings under way finish."""
        await asyncio.gather(*self._endings, return_exceptions=True)

    async def _offer(self, request: web.Request) -> str:
        if request.content_type != SDP_TYPE:
            raise Problem(415, "sdp_expected")
        body = await request.content.read(SDP_LIMIT_BYTES + 1)
        if len(body) > SDP_LIMIT_BYTES:
            raise Problem(413, "sdp_too_large")
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise Problem(400, "sdp_invalid") from None

    async def _seat(self, request: web.Request) -> tuple[Seat, LiveMeeting]:
        seat = await open_seat(self._storage, bearer_token(request), utc_now())
        if seat.meeting_id != request.match_info["meeting_id"]:
            raise SeatRefused("seat_invalid")
        live = await self._meetings.get(MeetingId(seat.meeting_id))
        if live.meeting.phase is MeetingPhase.ENDED:
            raise MeetingEnded
        return seat, live

    def _created(self, request: web.Request, session: Session, sdp: str) -> web.Response:
        self._sessions[session.id] = session
        self._media.watch_peer(session.peer, lambda state, _: self._peer_changed(session, state))
        kind = request.path.split("/")[1]
        location = f"/{kind}/{session.seat.meeting_id}/session/{session.id}"
        return web.Response(status=201, text=sdp, content_type=SDP_TYPE, headers={"Location": location})

    def _peer_changed(self, session: Session, state: str) -> None:
        if state not in {"closed", "failed"} or session.id not in self._sessions:
            return
        task = asyncio.create_task(self._close(session, left=False), name=f"end of session {session.id}")
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _close(self, session: Session, *, left: bool) -> None:
        if self._sessions.pop(session.id, None) is None:
            return
        seat = session.seat
        await self._media.close_peer(seat.meeting_id, session.peer)
        end = self._presence.leave if left else self._presence.detach
        await end(seat.meeting_id, seat.participant_id, session.id)

    @staticmethod
    def _name(seat: Seat, kind: str) -> tuple[str, str]:
        return new_id(), f"{seat.participant_id}/{kind}/{next(_numbers)}"

    @staticmethod
    def _wanted(request: web.Request) -> list[str]:
        if request.query.get("source") == "screen":
            return [Source.SCREEN, Source.SCREEN_AUDIO]
        return [Source.MICROPHONE, Source.CAMERA]
