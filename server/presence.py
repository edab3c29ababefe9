"""Who is in which meeting through what: a browser's socket, a WHIP or a WHEP session.

A participant is there while anything is attached to the seat. When the last attachment is lost, the meeting
is told at once, and after a grace period the participant has left.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog

from rooms.events import Event, ParticipantLeft
from rooms.ids import SYSTEM, MeetingId, ParticipantId
from rooms.log import LoggedEvent, Moment
from rooms.meeting import Meeting
from rooms.participant import LeaveReason
from server.live import Command, LiveMeeting, LiveMeetings
from server.storage.seats import Seat

log = structlog.get_logger(__name__)

# A reload takes two seconds, a change of network ten; a ghost must be gone within 45 s.
RETURN_GRACE_S = 30.0

Rule = Callable[[Meeting], Sequence[Event]]


class Presence:
    """The attachments of every seat in this process; a listener of LiveMeetings.

    Whoever calls `attach` calls `detach` or `leave` in the end, whatever `attach` did; each of them may come at
    any moment, also while `attach` still waits, and more than once.
    """

    def __init__(self, meetings: LiveMeetings) -> None:
        self._meetings = meetings
        self._attached: dict[ParticipantId, set[str]] = defaultdict(set)
        self._arriving: set[str] = set()
        self._leaving: dict[ParticipantId, asyncio.Task[None]] = {}
        meetings.listeners.append(self._forget_left)

    async def attach(self, seat: Seat, attachment: str) -> None:
        """Bring a participant in, or back. Raises MeetingFull, MeetingEnded; then nothing is attached."""
        live = await self._meetings.get(seat.meeting_id)
        # Noted before the command, so that a grace period that ends just now does not send them away again.
        self._attached[seat.participant_id].add(attachment)
        self._arriving.add(attachment)
        self._stop_waiting(seat.participant_id)
        try:
            await live.execute(
                seat.participant_id,
                lambda meeting, _: meeting.admit(seat.participant_id, seat.name, seat.role, seat.kind),
            )
        except BaseException:
            await self.detach(seat.meeting_id, seat.participant_id, attachment)
            raise
        finally:
            self._arriving.discard(attachment)

    async def detach(self, meeting_id: MeetingId, participant_id: ParticipantId, attachment: str) -> None:
        """An attachment was lost; with the last one the participant is disconnected and may come back."""
        if self._drop(participant_id, attachment):
            await self._disconnect(await self._meetings.get(meeting_id), participant_id)

    async def leave(self, meeting_id: MeetingId, participant_id: ParticipantId, attachment: str) -> None:
        """An attachment was closed on purpose; with the last one the participant leaves."""
        if self._drop(participant_id, attachment):
            live = await self._meetings.get(meeting_id)
            await live.execute(
                participant_id, self._unless_attached(participant_id, lambda m: m.leave(participant_id))
            )

    async def abandon(self, live: LiveMeeting) -> None:
        """After a restart nobody is attached: whom the log has as present was cut off with the server."""
        for participant in live.meeting.present:
            await self._disconnect(live, participant.id)

    async def close(self) -> None:
        """Stop waiting for anybody."""
        waiting = list(self._leaving.values())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def _forget_left(self, _: LiveMeeting, logged: Sequence[LoggedEvent]) -> None:
        for event in logged:
            if isinstance(event.event, ParticipantLeft):
                self._forget(event.event.participant_id)

    def _forget(self, participant_id: ParticipantId) -> None:
        """The participant has left; nothing is attached any more but what is on its way in again."""
        self._stop_waiting(participant_id)
        if arriving := self._attached.pop(participant_id, set()) & self._arriving:
            self._attached[participant_id] = arriving

    def _drop(self, participant_id: ParticipantId, attachment: str) -> bool:
        """Forget an attachment; True if it was the last."""
        attached = self._attached.get(participant_id)
        if attached is None or attachment not in attached:
            return False
        attached.discard(attachment)
        if attached:
            return False
        del self._attached[participant_id]
        return True

    async def _disconnect(self, live: LiveMeeting, participant_id: ParticipantId) -> None:
        rule = self._unless_attached(participant_id, lambda meeting: meeting.disconnect(participant_id))
        try:
            await live.execute(SYSTEM, rule)
        finally:
            # Even if that could not be stored: nobody else would ever end this presence.
            self._wait(live, participant_id)

    def _wait(self, live: LiveMeeting, participant_id: ParticipantId) -> None:
        if live.meeting.is_present(participant_id) and participant_id not in self._attached:
            self._stop_waiting(participant_id)
            self._leaving[participant_id] = asyncio.create_task(
                self._wait_for_return(live, participant_id), name=f"{live} waits for {participant_id}"
            )

    def _stop_waiting(self, participant_id: ParticipantId) -> None:
        if leaving := self._leaving.pop(participant_id, None):
            leaving.cancel()

    async def _wait_for_return(self, live: LiveMeeting, participant_id: ParticipantId) -> None:
        rule = self._unless_attached(participant_id, lambda m: m.leave(participant_id, LeaveReason.LOST))
        while True:
            await asyncio.sleep(RETURN_GRACE_S)
            try:
                await live.execute(SYSTEM, rule)
            except Exception:
                log.exception(
                    "a loss could not be noted", meeting=live.meeting_id, participant=participant_id
                )
            else:
                self._leaving.pop(participant_id, None)
                return

    def _unless_attached(self, participant_id: ParticipantId, rule: Rule) -> Command:
        """The rule, decided in its turn: whoever came back or left meanwhile is let be."""

        def decide(meeting: Meeting, _: Moment) -> Sequence[Event]:
            if participant_id in self._attached or not meeting.is_present(participant_id):
                return []
            return rule(meeting)

        return decide
