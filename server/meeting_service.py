"""The live meetings as the HTTP interface sees them (`server.services.MeetingService`).

A manager acts from outside the room, with the chair's rights.
"""

from __future__ import annotations

from typing import Any

from rooms.ids import MeetingId, UserId
from rooms.media import VideoCodec
from rooms.permissions import Actor, Role
from server.live import LiveMeetings, recording_rule
from server.services import RecordingAction


class LiveMeetingService:
    """Passes what HTTP asks to the meeting's one writer."""

    def __init__(self, meetings: LiveMeetings) -> None:
        self._meetings = meetings

    async def create(
        self, title: str, created_by: str, video_codec: VideoCodec | None = None
    ) -> dict[str, Any]:
        """Plan a meeting; return its snapshot. Raises TitleInvalid."""
        live = await self._meetings.create(title, UserId(created_by), video_codec)
        return live.meeting.snapshot()

    async def snapshot(self, meeting_id: str) -> dict[str, Any]:
        """The state of a meeting, ended or not. Raises MeetingUnknown."""
        live = await self._meetings.get(MeetingId(meeting_id))
        return live.meeting.snapshot()

    async def recording(self, meeting_id: str, actor: str, action: RecordingAction) -> dict[str, Any]:
        """Start, stop, pause or resume the recording; return what it is then."""
        live = await self._meetings.get(MeetingId(meeting_id))
        logged = await live.execute(actor, recording_rule(Actor(actor, Role.CHAIR), action))
        recording = live.meeting.recordings[logged[0].data["recording_id"]]
        return {"recording_id": recording.id, "state": recording.phase.value}

    async def end(self, meeting_id: str, actor: str) -> None:
        """End the meeting for all. Raises MeetingEnded, MeetingNotRunning."""
        live = await self._meetings.get(MeetingId(meeting_id))
        await live.execute(
            actor, lambda meeting, _: meeting.end(Actor(actor, Role.CHAIR), "ended_by_manager")
        )
