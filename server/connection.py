"""One client's Socket.IO connection to one meeting: its seat, its commands, its two media connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from rooms.errors import MeetingError, ParticipantAbsent
from rooms.ids import ParticipantId, new_id
from rooms.log import LoggedEvent
from rooms.participant import Source
from rooms.permissions import Action, check
from server import protocol
from server.effects import enter_track
from server.live import Command, LiveMeeting, recording_rule
from server.media import MediaPlane
from server.media_session import MediaSession
from server.presence import Presence
from server.storage.seats import Seat
from server.throttle import TokenBucket

log = structlog.get_logger(__name__)

# A person clicks a few times a second; a page that joins sends a dozen messages at once.
MESSAGES_PER_S = 20
MESSAGES_BURST = 60
# A page joins once, and again when an event went missing; each answer may be a snapshot of megabytes.
JOINS_PER_S = 0.5
JOINS_BURST = 10
# A client that missed more is served faster with a snapshot.
MISSED_LIMIT = 1_000


class Line(Protocol):
    """The way to the client."""

    async def emit(self, name: str, data: Any) -> None:
        """Send a message."""

    @property
    def is_behind(self) -> bool:
        """Whether so much waits for the client that it had better be spared."""


class TooManyMessages(MeetingError):
    """The client sends more than any page of ours would."""

    code = "too_many_messages"


class Connection:
    """Speaks for one participant. States: connected -> joined -> ended; a connection may end from either."""

    def __init__(
        self,
        sid: str,
        seat: Seat,
        live: LiveMeeting,
        media: MediaPlane,
        session: MediaSession,
        presence: Presence,
        line: Line,
    ) -> None:
        self.sid = sid
        self.seat = seat
        self.live = live
        self.joined = False
        self.ended = False
        self._media = media
        self._session = session
        self._presence = presence
        self._line = line
        self._budget = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST)
        self._joins = TokenBucket(JOINS_PER_S, JOINS_BURST)
        self._outbox: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._latest: dict[str, Any] = {}
        self._sender = asyncio.create_task(self._send(), name=f"{self} outbox")

    def __str__(self) -> str:
        return f"Connection({self.sid} of {self.seat.participant_id})"

    async def handle(self, name: str, data: object) -> dict[str, Any]:
        """Answer one message. Raises MeetingError or ControlError for the client's acknowledgement."""
        if not self._budget.take():
            raise TooManyMessages
        message = protocol.parse(name, data)
        if not self.joined and name != "join":
            raise ParticipantAbsent
        handler: Callable[[Connection, Any], Awaitable[dict[str, Any]]] = _HANDLERS[name]
        return await handler(self, message)

    def tell(self, events: list[dict[str, Any]]) -> None:
        """Queue events for this client; `NarrowServer` hangs up on one that does not read what it is sent."""
        if self.joined:
            self._queue("events", events)

    def tell_latest(self, name: str, data: Any) -> None:
        """Queue what the next of its name makes worthless: a client that is behind gets the last one, later."""
        if not self.joined:
            return
        self._latest[name] = data
        if not self._line.is_behind:
            for message in self._latest.items():
                self._queue(*message)
            self._latest.clear()

    def end(self) -> None:
        """Take and tell nothing from this moment on."""
        if not self.ended:
            self.joined, self.ended = False, True
            self._session.tell(None)

    async def close(self) -> None:
        """End, and with it the presence if there is no other way it stands on. The media connections stay."""
        self.end()
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        await self._presence.detach(self.live.meeting_id, self.seat.participant_id, self.sid)

    async def farewell(self, closing: dict[str, Any]) -> None:
        """Send what is queued, then the reason why this ends."""
        while not self._outbox.empty():
            await self._line.emit(*self._outbox.get_nowait())
        await self._line.emit("closed", closing)

    # Messages, one method each.

    async def _join(self, message: protocol.Join) -> dict[str, Any]:
        if not self._joins.take():
            raise TooManyMessages
        await self._presence.attach(self.seat, self.sid)
        await self._check_open()
        if message.after is None:
            # A page that knows nothing has no connections either; those of the page before it end.
            await self._session.close()
        missed = await self._missed(message.after)
        await self._check_open()
        # From here to the return nothing is awaited: no event falls between the answer and what `tell` sends.
        self._session.tell(self._queue)
        self.joined = True
        meeting, me = self.live.meeting, self.seat.participant_id
        answer = {"participant_id": me, "seq": meeting.seq, "ice_servers": self._media.ice_servers(me)}
        if missed is None:
            return answer | {"snapshot": meeting.snapshot()}
        return answer | {"events": [event.to_json() for event in missed]}

    async def _check_open(self) -> None:
        """After each wait: if the socket is gone, or the meeting over, no presence may begin that nobody ends."""
        if self.ended or not self.live.meeting.participants[self.seat.participant_id].present:
            await self._presence.detach(self.live.meeting_id, self.seat.participant_id, self.sid)
            raise ParticipantAbsent

    async def _missed(self, after: int | None) -> list[LoggedEvent] | None:
        """The events after `after` up to this very moment; None where a snapshot serves better."""
        if after is None or not 0 <= self.live.meeting.seq - after <= MISSED_LIMIT:
            return None
        missed: list[LoggedEvent] = []
        while after + len(missed) < self.live.meeting.seq:
            missed += await self.live.events_after(after + len(missed))
        return missed

    async def _command(self, message: protocol.AnyCommand) -> dict[str, Any]:
        await self.live.execute(self.seat.participant_id, self._rule(message))
        return {"seq": self.live.meeting.seq}

    def _rule(self, message: protocol.AnyCommand) -> Command:
        me = self.seat.participant_id
        match message:
            case protocol.Leave():
                return lambda meeting, _: meeting.leave(me)
            case protocol.Mute(source=source, muted=muted, participant_id=whose):
                return lambda meeting, _: meeting.mute(me, ParticipantId(whose or me), Source(source), muted)
            case protocol.Unpublish(source=source):
                return lambda meeting, _: meeting.unpublish(me, Source(source))
            case protocol.RaiseHand():
                return lambda meeting, _: meeting.raise_hand(me)
            case protocol.LowerHand(participant_id=whose):
                return lambda meeting, _: meeting.lower_hand(me, ParticipantId(whose or me))
            case protocol.Chat(text=text):
                return lambda meeting, _: meeting.say(me, text, new_id())
            case protocol.EndMeeting():
                return lambda meeting, _: meeting.end(me, "ended_by_chair")
            case protocol.ControlRecording(type=action):
                return recording_rule(me, action.removesuffix("_recording"))

    async def _publish(self, message: protocol.Publish) -> dict[str, Any]:
        # Before the worker hears of it: what may not be published must not be carried for a moment.
        check(self.live.meeting.participants[self.seat.participant_id].role, Action.PUBLISH)
        # Before the answer: what the worker asks for from now on asks for the next offer.
        self._session.offered()
        answer = await self._media.publish(
            self.live.meeting_id,
            self._session.peer("publishing"),
            self.seat.participant_id,
            message.sdp,
            message.sources,
            self.live.meeting.video_codec,
            message.hints,
        )
        for source in dict.fromkeys(message.sources.values()):
            await enter_track(self.live, self._media, self.seat.participant_id, Source(source))
        return {"sdp": answer["sdp"]}

    async def _subscribe(self, message: protocol.Subscribe) -> dict[str, Any]:
        me, present = self.seat.participant_id, {participant.id for participant in self.live.meeting.present}
        wants = [_want(track) for track in message.tracks if track.participant_id in present - {me}]
        peer = self._session.peer("receiving")
        reply = await self._media.subscribe(self.live.meeting_id, peer, me, wants, message.speakers)
        slots = [
            {"mid": slot["mid"], "participant_id": slot["owner"], "source": slot["source"]}
            for slot in reply["slots"]
        ]
        return {"sdp": reply["sdp"], "slots": slots, "speakers": reply["speakers"]}

    async def _answer(self, message: protocol.Answer) -> dict[str, Any]:
        await self._media.answer(self.live.meeting_id, self._session.peer("receiving"), message.sdp)
        return {}

    async def _renew_media(self, _: protocol.RenewMedia) -> dict[str, Any]:
        await self._session.close()
        return {}

    def _queue(self, name: str, data: Any) -> None:
        self._outbox.put_nowait((name, data))

    async def _send(self) -> None:
        while True:
            await self._line.emit(*await self._outbox.get())


def _want(track: protocol.WantedTrack) -> dict[str, Any]:
    """A wanted track as workers know it; without a size all of it is wanted."""
    size = track.model_dump(include={"width", "height"}, exclude_none=True)
    return {"owner": track.participant_id, "source": track.source, **size}


_HANDLERS: dict[str, Callable[[Connection, Any], Awaitable[dict[str, Any]]]] = {
    "join": Connection._join,
    "command": Connection._command,
    "publish": Connection._publish,
    "subscribe": Connection._subscribe,
    "answer": Connection._answer,
    "renew_media": Connection._renew_media,
}
