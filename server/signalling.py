"""Socket.IO: who may connect, whose message it is, and what everybody is told. PROTOCOL.md is its contract."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refused

from rooms.errors import MeetingEnded, MeetingError
from rooms.events import ParticipantLeft
from rooms.ids import MeetingId, ParticipantId
from rooms.log import LoggedEvent
from rooms.state import MeetingPhase
from server.catalogue import Catalogue
from server.connection import Connection
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.media_session import MediaSession
from server.narrow_socketio import NarrowServer
from server.presence import Presence
from server.seats import SeatRefused, open_seat
from server.services import utc_now
from server.storage import Storage
from server.storage.seats import Seat
from sfu.control import ControlError

log = structlog.get_logger(__name__)


class Signalling:
    """Every connection of this process; a listener of LiveMeetings."""

    def __init__(
        self,
        storage: Storage,
        meetings: LiveMeetings,
        media: MediaPlane,
        presence: Presence,
        catalogue: Catalogue,
    ) -> None:
        self._storage = storage
        self._meetings = meetings
        self._media = media
        self._presence = presence
        self._catalogue = catalogue
        self._by_sid: dict[str, Connection] = {}
        self._by_seat: dict[ParticipantId, Connection] = {}
        self._sessions: dict[ParticipantId, MediaSession] = {}
        self._closings: set[asyncio.Task[None]] = set()
        self._sio = NarrowServer()
        self._sio.on("connect", self._connect)
        self._sio.on("disconnect", self._disconnect)
        self._sio.on("*", self._message)
        meetings.listeners.append(self._tell)
        media.on_lost.append(self._media_lost)

    def setup_routes(self, app: web.Application) -> None:
        """Serve Socket.IO where its clients look for it."""
        app.router.add_get("/socket.io/", self._sio.serve)

    async def close(self) -> None:
        """Cut every connection; the clients come back to the next server."""
        for connection in list(self._by_sid.values()):
            await self._sio.disconnect(connection.sid)
        await asyncio.gather(*self._closings, return_exceptions=True)
        await self._sio.shutdown()

    # From the client.

    async def _connect(self, sid: str, _environ: dict[str, Any], auth: object) -> None:
        seat = await self._seat(auth)
        live = await self._meetings.get(seat.meeting_id)
        if live.meeting.phase is MeetingPhase.ENDED:
            raise self._refusal(MeetingEnded.code)
        if earlier := self._by_seat.get(seat.participant_id):
            await self._part(earlier, "replaced")

        async def emit(name: str, data: Any) -> None:
            await self._sio.emit(name, data, to=sid)

        session = self._session(seat)
        connection = Connection(sid, seat, live, self._media, session, self._presence, emit)
        self._by_sid[sid] = self._by_seat[seat.participant_id] = connection

    def _session(self, seat: Seat) -> MediaSession:
        """The participant's media connections, those of before the socket was cut if there are any."""
        if seat.participant_id not in self._sessions:
            made = MediaSession(seat.meeting_id, seat.participant_id, self._media)
            self._sessions[seat.participant_id] = made
        return self._sessions[seat.participant_id]

    async def _disconnect(self, sid: str, _reason: str) -> None:
        if connection := self._by_sid.pop(sid, None):
            self._forget_seat(connection)
            await connection.close()

    async def _message(self, name: str, sid: str, data: object = None) -> dict[str, Any]:
        connection = self._by_sid.get(sid)
        if connection is None:
            return self._error("seat_invalid")
        try:
            return {"ok": True, **await connection.handle(name, data)}
        except (MeetingError, ControlError) as error:
            log.info("refused", connection=str(connection), message=name, code=error.code)
            return self._error(error.code)
        except TimeoutError:
            return self._error("media_unavailable")
        except Exception:
            log.exception("message failed", connection=str(connection), message=name)
            return self._error("internal_error")

    async def _seat(self, auth: object) -> Seat:
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            return await open_seat(self._storage, token, utc_now())
        except SeatRefused as refusal:
            raise self._refusal(refusal.code) from None

    # To the clients.

    def _tell(self, live: LiveMeeting, logged: Sequence[LoggedEvent]) -> None:
        for connection in self._of_meeting(live.meeting_id):
            connection.tell(logged)
        for event in logged:
            if isinstance(event.event, ParticipantLeft):
                self._participant_left(event.event)

    def _participant_left(self, event: ParticipantLeft) -> None:
        connection = self._by_seat.get(event.participant_id)
        if connection is not None and not connection.joined:
            return  # came back in the moment the grace period ended, and is about to join anew
        self._presence.forget(event.participant_id)
        if session := self._sessions.pop(event.participant_id, None):
            self._start_closing(session.close())
        if connection is not None:
            self._start_closing(self._part(connection, event.reason, left=True))

    def _media_lost(self, meeting_id: MeetingId) -> None:
        for session in self._sessions.values():
            if session.meeting_id == meeting_id:
                session.lost()

    def _of_meeting(self, meeting_id: MeetingId) -> list[Connection]:
        return [c for c in self._by_seat.values() if c.live.meeting_id == meeting_id]

    async def _part(self, connection: Connection, code: str, *, left: bool = False) -> None:
        """Tell a client why, and end its connection."""
        self._by_sid.pop(connection.sid, None)
        self._forget_seat(connection)
        await connection.farewell({"code": code, "messages": self._catalogue.messages(f"closed_{code}")})
        await connection.close(left=left)
        await self._sio.disconnect(connection.sid)

    def _forget_seat(self, connection: Connection) -> None:
        if self._by_seat.get(connection.seat.participant_id) is connection:
            del self._by_seat[connection.seat.participant_id]

    def _start_closing(self, closing: Any) -> None:
        task = asyncio.create_task(closing, name="connection closing")
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    def _error(self, code: str) -> dict[str, Any]:
        return {"ok": False, "error": {"code": code, "messages": self._catalogue.messages(code)}}

    def _refusal(self, code: str) -> Refused:
        return Refused(code, self._error(code)["error"])
