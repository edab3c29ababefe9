"""Socket.IO: who may connect, whose message it is, and what everybody is told. PROTOCOL.md is its contract."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import structlog
from aiohttp import web
from engineio.exceptions import EngineIOError
from socketio.exceptions import ConnectionRefusedError as Refused

from rooms.errors import MeetingEnded, MeetingError
from rooms.events import ParticipantLeft
from rooms.ids import MeetingId, ParticipantId
from rooms.log import LoggedEvent
from rooms.state import MeetingPhase
from server.catalogue import Catalogue
from server.connection import Connection
from server.limits import RateLimiter
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.media_news import MediaNews
from server.media_session import MediaSession
from server.narrow_socketio import NarrowServer
from server.presence import Presence
from server.problems import worker_code
from server.seats import SeatRefused, enter
from server.storage import Storage
from server.storage.seats import Seat
from sfu.control import ControlError

log = structlog.get_logger(__name__)

# Of one participant; whoever sends faster only repeats it.
REFUSALS_LOGGED_PER_S = 1


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
        self._log_budget = RateLimiter(burst=1, per_second=REFUSALS_LOGGED_PER_S)
        self._sio = NarrowServer()
        self._sio.on("connect", self._connect)
        self._sio.on("disconnect", self._disconnect)
        self._sio.on("*", self._message)
        meetings.listeners.append(self._tell)
        media.on_lost.append(self._media_lost)
        self._news = MediaNews(self._of_meeting, self._sessions)
        media.on_report.append(self._news)

    def setup_routes(self, app: web.Application) -> None:
        """Serve Socket.IO where its clients look for it."""
        app.router.add_get("/socket.io/", self._sio.serve)

    async def close(self) -> None:
        """Cut every connection; the clients come back to the next server."""
        goodbyes = [self._sio.disconnect(sid) for sid in self._by_sid]
        await asyncio.gather(*goodbyes, *self._closings, return_exceptions=True)
        await self._sio.shutdown()

    # From the client.

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        seat = await self._seat(environ["aiohttp.request"], auth)
        live = await self._meetings.get(seat.meeting_id)
        if live.meeting.phase is MeetingPhase.ENDED:
            raise self._refusal(MeetingEnded.code)

        session, line = self._session(seat), self._sio.line(sid)
        connection = Connection(sid, seat, live, self._media, session, self._presence, line)
        # Nothing is awaited from here on: of any number of connections at once the last one has the seat alone.
        earlier = self._by_seat.get(seat.participant_id)
        self._by_sid[sid] = self._by_seat[seat.participant_id] = connection
        if earlier:
            self._part(earlier, "replaced")

    def _session(self, seat: Seat) -> MediaSession:
        """The participant's media connections, those of before the socket was cut if there are any."""
        if seat.participant_id not in self._sessions:
            made = MediaSession(seat.meeting_id, seat.participant_id, self._media)
            self._sessions[seat.participant_id] = made
        return self._sessions[seat.participant_id]

    async def _disconnect(self, sid: str, _reason: str) -> None:
        if connection := self._by_sid.get(sid):
            self._retire(connection)
            await connection.close()

    async def _message(self, name: str, sid: str, data: object = None) -> dict[str, Any]:
        connection = self._by_sid.get(sid)
        if connection is None:
            return self._error("seat_invalid")
        try:
            return {"ok": True, **await connection.handle(name, data)}
        except MeetingError as error:
            self._log_refusal(connection, name, error.code)
            return self._error(error.code)
        except ControlError as error:
            self._log_refusal(connection, name, error.code)
            return self._error(worker_code(error))
        except TimeoutError:
            return self._error("media_unavailable")
        except Exception:
            log.exception("message failed", connection=str(connection), message=name)
            return self._error("internal_error")

    def _log_refusal(self, connection: Connection, message: str, code: str) -> None:
        if not self._log_budget.take(connection.seat.participant_id):
            log.info("refused", connection=str(connection), message=message, code=code)

    async def _seat(self, request: web.Request, auth: object) -> Seat:
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            return await enter(request, self._storage, token)
        except SeatRefused as refusal:
            raise self._refusal(refusal.code) from None

    # To the clients.

    def _tell(self, live: LiveMeeting, logged: Sequence[LoggedEvent]) -> None:
        events = [event.to_json() for event in logged]
        for connection in self._of_meeting(live.meeting_id):
            connection.tell(events)
        for event in logged:
            if isinstance(event.event, ParticipantLeft):
                self._participant_left(event.event)

    def _participant_left(self, event: ParticipantLeft) -> None:
        connection = self._by_seat.get(event.participant_id)
        if connection is None:
            self._end_session(event.participant_id)
        elif connection.joined:
            self._part(connection, event.reason)
        else:
            # Back in this very moment, and about to join anew: only the media of before end.
            self._start_closing(self._sessions[event.participant_id].close())

    def _media_lost(self, meeting_id: MeetingId) -> None:
        for session in self._sessions.values():
            if session.meeting_id == meeting_id:
                session.lost()
        self._news.no_speakers(meeting_id)

    def _of_meeting(self, meeting_id: MeetingId) -> list[Connection]:
        return [c for c in self._by_seat.values() if c.live.meeting_id == meeting_id]

    def _part(self, connection: Connection, code: str) -> None:
        self._retire(connection)
        self._start_closing(self._say_goodbye(connection, code))

    async def _say_goodbye(self, connection: Connection, code: str) -> None:
        """Tell a client why this ends, and end it."""
        closing = {"code": code, "messages": self._catalogue.messages(f"closed_{code}")}
        with contextlib.suppress(EngineIOError):  # the line may have gone first
            await connection.farewell(closing)
            await self._sio.disconnect(connection.sid)
        await connection.close()

    def _retire(self, connection: Connection) -> None:
        """From this moment on the connection speaks for nobody; its media end too if nobody is there any more."""
        connection.end()
        self._by_sid.pop(connection.sid, None)
        participant_id = connection.seat.participant_id
        if self._by_seat.get(participant_id) is not connection:
            return
        del self._by_seat[participant_id]
        if participant_id not in {participant.id for participant in connection.live.meeting.present}:
            self._end_session(participant_id)

    def _end_session(self, participant_id: ParticipantId) -> None:
        if session := self._sessions.pop(participant_id, None):
            self._start_closing(session.close())

    def _start_closing(self, closing: Any) -> None:
        task = asyncio.create_task(closing, name="connection closing")
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    def _error(self, code: str) -> dict[str, Any]:
        return {"ok": False, "error": {"code": code, "messages": self._catalogue.messages(code)}}

    def _refusal(self, code: str) -> Refused:
        return Refused(code, self._error(code)["error"])
