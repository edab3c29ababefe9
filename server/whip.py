"""WHIP (RFC 9725) and WHEP: any encoder publishes into a meeting, any player watches a participant of it.

The bearer token is a join token. A session is an attachment of its seat: who publishes by WHIP is in the
meeting, in everybody's list and in the minutes, and leaves with DELETE or when the connection is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from rooms.errors import MeetingEnded, ParticipantAbsent, ParticipantUnknown
from rooms.events import ParticipantLeft
from rooms.ids import MeetingId, ParticipantId, new_id
from rooms.log import LoggedEvent
from rooms.participant import Source
from rooms.permissions import Action, check
from rooms.state import MeetingPhase
from server.access import bearer_token
from server.effects import enter_track
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.peer_names import new_peer
from server.presence import Presence
from server.problems import Problem
from server.seats import enter
from server.storage import Storage
from server.storage.seats import Seat

SDP_LIMIT_BYTES = 65_536
SDP_TYPE = "application/sdp"
# An offer is a few packets; a body that takes longer holds a place for nothing.
OFFER_WITHIN_S = 15


@dataclass(frozen=True)
class Session:
    """One WHIP or WHEP resource: a peer, on behalf of a seat."""

    id: str
    seat: Seat
    peer: str


class HttpIngest:
    """The WHIP and WHEP resources of this process; a listener of LiveMeetings."""

    def __init__(
        self, storage: Storage, meetings: LiveMeetings, media: MediaPlane, presence: Presence
    ) -> None:
        self._storage = storage
        self._meetings = meetings
        self._media = media
        self._presence = presence
        self._sessions: dict[str, Session] = {}
        self._endings: set[asyncio.Task[None]] = set()
        meetings.listeners.append(self._end_of_left)
        media.on_lost.append(self._media_lost)

    def setup_routes(self, app: web.Application) -> None:
        """The two endpoints and their resources."""
        app.router.add_post("/whip/{meeting_id}", self.publish)
        app.router.add_post("/whep/{meeting_id}/{participant_id}", self.play)
        app.router.add_delete("/whip/{meeting_id}/session/{session_id}", self.delete)
        app.router.add_delete("/whep/{meeting_id}/session/{session_id}", self.delete)

    async def publish(self, request: web.Request) -> web.Response:
        """POST an offer, get an answer; the first audio is the microphone, the first video the camera."""
        seat, live = await self._seat(request)
        check(seat.role, Action.PUBLISH)
        offer = await _offer(request)
        async with self._opening(seat, "whip") as session:
            answer = await self._media.publish(
                live.meeting_id, session.peer, seat.participant_id, offer, None, live.meeting.video_codec
            )
            for track in answer["tracks"]:
                await enter_track(live, self._media, seat.participant_id, Source(track["source"]))
        return _created(request, session, answer["sdp"])

    async def play(self, request: web.Request) -> web.Response:
        """POST an offer to receive one participant: microphone and camera, or `?source=screen`."""
        seat, live = await self._seat(request)
        owner = ParticipantId(request.match_info["participant_id"])
        if owner not in {participant.id for participant in live.meeting.present}:
            raise ParticipantUnknown
        offer = await _offer(request)
        wants = [{"owner": owner, "source": source} for source in _wanted(request)]
        async with self._opening(seat, "whep") as session:
            answer = await self._media.play(live.meeting_id, session.peer, wants, offer)
        return _created(request, session, answer["sdp"])

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

    async def _seat(self, request: web.Request) -> tuple[Seat, LiveMeeting]:
        seat = await enter(request, self._storage, bearer_token(request), request.match_info["meeting_id"])
        live = await self._meetings.get(MeetingId(seat.meeting_id))
        if live.meeting.phase is MeetingPhase.ENDED:
            raise MeetingEnded
        return seat, live

    @contextlib.asynccontextmanager
    async def _opening(self, seat: Seat, kind: str) -> AsyncIterator[Session]:
        """A session while its media is negotiated; undone when that fails, or when what ends sessions came first."""
        session = Session(new_id(), seat, new_peer(seat.participant_id, kind))
        self._sessions[session.id] = session
        self._media.watch_peer(session.peer, lambda state, _: self._peer_changed(session, state))
        try:
            await self._presence.attach(seat, session.id)
            yield session
            if session.id not in self._sessions:
                raise ParticipantAbsent
        except BaseException:
            # Also after the session was ended, for the worker may have made the peer only then.
            await self._media.close_peer(seat.meeting_id, session.peer)
            await self._close(session, left=True)
            raise

    def _peer_changed(self, session: Session, state: str) -> None:
        if state in {"closed", "failed"}:
            self._end([session])

    def _media_lost(self, meeting_id: MeetingId) -> None:
        self._end(session for session in self._sessions.values() if session.seat.meeting_id == meeting_id)

    def _end_of_left(self, _: LiveMeeting, logged: Sequence[LoggedEvent]) -> None:
        """Who has left the meeting sends and receives nothing more, by whatever way they left."""
        left = {event.event.participant_id for event in logged if isinstance(event.event, ParticipantLeft)}
        self._end(session for session in self._sessions.values() if session.seat.participant_id in left)

    def _end(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
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


async def _offer(request: web.Request) -> str:
    if request.content_type != SDP_TYPE:
        raise Problem(415, "sdp_expected")
    try:
        async with asyncio.timeout(OFFER_WITHIN_S):
            # The whole body or, of one that is too large, the first byte too many.
            await request.content.readexactly(SDP_LIMIT_BYTES + 1)
    except asyncio.IncompleteReadError as ended:
        body = ended.partial
    except TimeoutError:
        raise Problem(408, "request_timeout", headers={"Connection": "close"}) from None
    except web.RequestPayloadError:
        raise Problem(400, "request_invalid") from None
    else:
        raise Problem(413, "sdp_too_large")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "sdp_invalid") from None


def _wanted(request: web.Request) -> list[Source]:
    if request.query.get("source") == "screen":
        return [Source.SCREEN, Source.SCREEN_AUDIO]
    return [Source.MICROPHONE, Source.CAMERA]


def _created(request: web.Request, session: Session, sdp: str) -> web.Response:
    kind = request.path.split("/")[1]
    location = f"/{kind}/{session.seat.meeting_id}/session/{session.id}"
    return web.Response(status=201, text=sdp, content_type=SDP_TYPE, headers={"Location": location})
