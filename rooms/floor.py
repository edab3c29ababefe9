"""Who asks to speak, in the order of asking."""

from dataclasses import dataclass, field
from datetime import datetime

from rooms.ids import ParticipantId


@dataclass(slots=True)
class Floor:
    """The raised hands."""

    hands: dict[ParticipantId, datetime] = field(default_factory=dict)
    """Participant → since when; a dict keeps the order of raising."""

    def raise_hand(self, participant_id: ParticipantId, time: datetime) -> None:
        self.hands[participant_id] = time

    def lower_hand(self, participant_id: ParticipantId) -> None:
        self.hands.pop(participant_id, None)
