"""Who is in which meeting through what: a browser's socket, a WHIP or a WHEP session.

A participant is there while anything is attached to the seat. When the last attachment is lost, the meeting
is told at once, and after a grace period the participant has left.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from rooms.errors import MeetingError
from rooms.events import Event
from rooms.ids import SYSTEM, MeetingId, ParticipantId
from rooms.meeting import Meeting
from rooms.participant import LeaveReason
from server.live import LiveMeeting, LiveMeetings
from server.storage.seats import Seat

# A reload takes two seconds, a change of network ten; a ghost must be gone within 45 s.
RETURN_GRACE_S = 30.0


class Presence:
    """The attachments of every seat in this process."""

    def __init__(self, meetings: LiveMeetings) -> None:
        self._meetings = meetings
        self._attached: dict[ParticipantId, set[str]] = defaultdict(set)
        self._leaving: dict[ParticipantId, asyncio.Task[None]] = {}

    async def attach(self, seat: Seat, attachment: str) -> None:
        """Bring a participant in, or back. Raises MeetingFull, MeetingLocked, MeetingEnded."""
        live = await self._meetings.get(seat.meeting_id)
        # Noted before the command, so that a grace period that ends just now does not send them away again.
        self._attached[seat.participant_id].add(attachment)
        try:
            await live.execute(
                seat.participant_id,
                lambda meeting, _: meeting.admit(seat.participant_id, seat.name, seat.role, seat.kind),
            )
        except MeetingError:
            self._drop(seat.participant_id, attachment)
            raise
        if leaving := self._leaving.pop(seat.participant_id, None):
            leaving.cancel()

    async def detach(self, meeting_id: MeetingId, participant_id: ParticipantId, attachment: str) -> None:
        """An attachment was lost; with the last one the participant is disconnected and may come back."""
        if not self._drop(participant_id, attachment):
            return
        live = await self._meetings.get(meeting_id)
        await self._disconnect(live, participant_id)

    async def leave(self, meeting_id: MeetingId, participant_id: ParticipantId, attachment: str) -> None:
        """An attachment was closed on purpose; with the last one the participant leaves."""
        if not self._drop(participant_id, attachment):
            return
        live = await self._meetings.get(meeting_id)
        await live.execute(participant_id, lambda meeting, _: meeting.leave(participant_id))

    def forget(self, participant_id: ParticipantId) -> None:
        """The participant has left by an event; nothing is attached any more."""
        self._attached.pop(participant_id, None)
        if leaving := self._leaving.pop(participant_id, None):
            leaving.cancel()

    async def abandon(self, live: LiveMeeting) -> None:
        """After a restart nobody is attached: whom the log has as present was cut off with the server."""
        for participant in live.meeting.present:
            await self._disconnect(live, participant.id)

    async def close(self) -> None:
        """Stop waiting for anybody."""
        for task in self._leaving.values():
            task.cancel()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)

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
        await live.execute(SYSTEM, lambda meeting, _: meeting.disconnect(participant_id))
        if live.meeting.participants[participant_id].present:
            self._leaving[participant_id] = asyncio.create_task(
                self._wait_for_return(live, participant_id), name=f"{live} waits for {participant_id}"
            )

    async def _wait_for_return(self, live: LiveMeeting, participant_id: ParticipantId) -> None:
        await asyncio.sleep(RETURN_GRACE_S)
        del self._leaving[participant_id]
        await live.execute(SYSTEM, lambda meeting, _: self._give_up(meeting, participant_id))

    def _give_up(self, meeting: Meeting, participant_id: ParticipantId) -> Sequence[Event]:
        """The rule at the end of the grace period; whoever came back or left meanwhile is let be."""
        if self._attached.get(participant_id) or not meeting.participants[participant_id].present:
            return []
        return meeting.leave(participant_id, LeaveReason.LOST)
