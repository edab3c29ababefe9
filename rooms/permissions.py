"""Who may do what: the only place that knows.

Everyone may leave, and may mute, unmute and unpublish what is their own; that needs no line here. What is
listed is what a role adds. Nobody can unmute another: a microphone opens only by its owner's hand.
"""

import enum
from dataclasses import dataclass

from rooms.errors import NotAllowed


class Role(enum.StrEnum):
    """What a participant is in this meeting."""

    CHAIR = "chair"
    SECRETARY = "secretary"
    OPERATOR = "operator"
    DELEGATE = "delegate"
    GUEST = "guest"


class Action(enum.StrEnum):
    """What a role can be needed for."""

    PUBLISH = "publish"
    RAISE_HAND = "raise_hand"
    CHAT = "chat"
    LOWER_OTHERS_HAND = "lower_others_hand"
    MUTE_OTHERS = "mute_others"
    RECORD = "record"
    END_MEETING = "end_meeting"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts without a seat: the id that the log will name, the role whose rights apply.

    A user who manages the meeting acts through the interface with the chair's rights, whether present or not.
    """

    id: str
    role: Role


# Whoever takes part is seen and heard, asks for the floor and writes.
_TAKES_PART = frozenset({Action.PUBLISH, Action.RAISE_HAND, Action.CHAT})

ALLOWED: dict[Role, frozenset[Action]] = {
    # Presides: decides on recording, on who speaks and on the end (QĐ 45/2018, articles 7, 14 and 15).
    Role.CHAIR: frozenset(Action),
    # Keeps the list of speakers and the minutes; silencing and recording are not the secretary's to decide.
    Role.SECRETARY: _TAKES_PART | {Action.LOWER_OTHERS_HAND},
    # The control room: keeps the sound clean; the order of speakers, the record and the end are the chair's.
    Role.OPERATOR: _TAKES_PART | {Action.MUTE_OTHERS},
    Role.DELEGATE: _TAKES_PART,
    # "Khách mời / theo dõi": hears and watches, and is neither heard nor seen.
    Role.GUEST: frozenset(),
}


def check(role: Role, action: Action) -> None:
    """Pass when the role may do this. Raises NotAllowed."""
    if action not in ALLOWED[role]:
        raise NotAllowed
