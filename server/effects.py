"""What a meeting's events mean for its media: mutes are enforced, ended tracks forgotten, ended meetings closed."""

from __future__ import annotations

from rooms.events import MeetingEnded, TrackMuted, TrackUnmuted, TrackUnpublished
from rooms.ids import ParticipantId
from rooms.log import LoggedEvent
from rooms.participant import Source
from server.live import LiveMeeting
from server.media import MediaPlane


class MediaEffects:
    """A follower's handler."""

    def __init__(self, media: MediaPlane) -> None:
        self._media = media

    async def __call__(self, live: LiveMeeting, logged: LoggedEvent) -> None:
        """Do what one event asks of the media plane."""
        match logged.event:
            case TrackMuted(participant_id=owner, source=source):
                await self._media.pause(live.meeting_id, owner, source, paused=True)
            case TrackUnmuted(participant_id=owner, source=source):
                await self._media.pause(live.meeting_id, owner, source, paused=False)
            case TrackUnpublished(participant_id=owner, source=source):
                await self._media.unpublish(live.meeting_id, owner, source)
            case MeetingEnded():
                await self._media.close_meeting(live.meeting_id)


async def enter_track(live: LiveMeeting, media: MediaPlane, owner: ParticipantId, source: Source) -> None:
    """Put a track that is being published into the log; one that came back after a reload is there, muted as it was.

    Raises what `Meeting.publish` refuses with.
    """
    if source not in live.meeting.participants[owner].tracks:
        await live.execute(owner, lambda meeting, _: meeting.publish(owner, source))
    # The worker remembers a mute longer than the track lived.
    muted = live.meeting.participants[owner].tracks.get(source, False)
    await media.pause(live.meeting_id, owner, source, paused=muted)
