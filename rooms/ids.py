"""Names of things: opaque ids, and the code by which people find a meeting."""

import base64
import secrets
from typing import Final, NewType

MeetingId = NewType("MeetingId", str)
ParticipantId = NewType("ParticipantId", str)
RecordingId = NewType("RecordingId", str)
UserId = NewType("UserId", str)

SYSTEM: Final = "system"
"""The actor of what nobody did by hand: a lost connection, a closed file."""

# Without what is misread aloud or on paper: 0 o, 1 i l, 2 z, 5 s, 8 b, u v. The letter of each pair stays.
_CODE_ALPHABET = "abcdefghjkmnpqrstwxyz34679"
_CODE_GROUPS = 3
_CODE_GROUP_LENGTH = 5


def new_id() -> str:
    """Return 128 random bits as 26 lower-case letters and digits, safe in URLs and file names."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def new_meeting_code() -> str:
    """Return a meeting's code such as `mfqk7-txx4p-9hcwa`: 15 of 26 signs, 70 bits, hopeless to guess."""
    groups = (
        "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_GROUP_LENGTH))
        for _ in range(_CODE_GROUPS)
    )
    return "-".join(groups)
