"""The names under which media workers know connections: whose, of what kind, and a number never used twice."""

import itertools

from rooms.ids import ParticipantId

_numbers = itertools.count(1)


def new_peer(participant_id: ParticipantId, connection: str) -> str:
    """A name for a new `publishing`, `receiving`, `whip` or `whep` connection."""
    return f"{participant_id}/{connection}/{next(_numbers)}"


def owner_and_connection(peer: str) -> tuple[ParticipantId, str]:
    """Whose connection a name means, and of what kind. Raises ValueError for what `new_peer` did not make."""
    participant_id, connection, _ = peer.split("/")
    return ParticipantId(participant_id), connection
