"""Who is in the meeting, and what they publish."""

import enum
from dataclasses import dataclass, field
from datetime import datetime

from rooms.ids import ParticipantId
from rooms.permissions import Role


class Kind(enum.StrEnum):
    """A person, or a room (điểm cầu) in which several delegates sit before one camera."""

    PERSON = "person"
    ROOM = "room"


class Source(enum.StrEnum):
    """Where a track comes from. A participant has at most one track of each."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"


class LeaveReason(enum.StrEnum):
    """Why a participant is no longer in the meeting."""

    LEFT = "left"
    LOST = "lost"
    REMOVED = "removed"
    MEETING_ENDED = "meeting_ended"


@dataclass(slots=True)
class Participant:
    """A seat that is or was taken: present from joining until leaving, even while the connection is lost."""

    id: ParticipantId
    name: str
    role: Role
    kind: Kind
    joined_at: datetime
    present: bool = True
    connected: bool = True
    tracks: dict[Source, bool] = field(default_factory=dict)
    """Source → muted, in the order of publishing."""
    silent: set[Source] = field(default_factory=set)
    """What is published and not muted, but brings nothing."""

    def leave(self) -> None:
        """Go: what was published ends with the presence."""
        self.present = self.connected = False
        self.tracks.clear()
        self.silent.clear()
