"""What was written to everyone."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from rooms.ids import ParticipantId

# A newcomer gets this much of the conversation; all of it is in the log. The bound keeps a snapshot small
# however long people write.
KEPT_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class Message:
    """One message, with the name its author had then."""

    id: str
    participant_id: ParticipantId
    name: str
    text: str
    time: datetime


@dataclass(slots=True)
class Chat:
    """The latest messages, oldest first."""

    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT_MESSAGES))
