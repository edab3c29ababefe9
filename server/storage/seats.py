"""Seats: what a join token stands for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from rooms.ids import MeetingId, ParticipantId
from rooms.participant import Kind
from rooms.permissions import Role
from server.storage import tables
from server.storage.database import Database
from server.storage.tokens import new_token, token_hash


@dataclass(frozen=True, slots=True)
class Seat:
    """One participant's place in one meeting, until it expires or is revoked."""

    meeting_id: MeetingId
    participant_id: ParticipantId
    name: str
    role: Role
    kind: Kind
    expires_at: datetime
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether the token still opens the door."""
        return self.revoked_at is None and now < self.expires_at


class Seats:
    """Tokens are stored as hashes: who reads the database cannot join with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(
        self,
        meeting_id: MeetingId,
        participant_id: ParticipantId,
        name: str,
        role: Role,
        kind: Kind,
        expires_at: datetime,
    ) -> str:
        """Make a seat and return its token, which cannot be had again. One participant may have several
        tokens."""
        token = new_token()
        row = {
            "token_hash": token_hash(token),
            "meeting_id": meeting_id,
            "participant_id": participant_id,
            "name": name,
            "role": role.value,
            "kind": kind.value,
            "expires_at": expires_at,
        }
        async with self._database.write() as connection:
            await connection.execute(insert(tables.seats).values(row))
        return token

    async def find(self, token: str) -> Seat | None:
        """Return the seat of a token, also when it has expired or was revoked; None when there never was
        one."""
        query = select(tables.seats).where(tables.seats.c.token_hash == token_hash(token))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return _seat(row) if row else None

    async def revoke(
        self, meeting_id: MeetingId, participant_id: ParticipantId | None = None, *, now: datetime
    ) -> int:
        """Revoke all tokens of a participant, or of the whole meeting; return how many were valid."""
        table = tables.seats
        statement = update(table).where(table.c.meeting_id == meeting_id, table.c.revoked_at.is_(None))
        if participant_id is not None:
            statement = statement.where(table.c.participant_id == participant_id)
        async with self._database.write() as connection:
            return (await connection.execute(statement.values(revoked_at=now))).rowcount


def _seat(row: Row[Any]) -> Seat:
    return Seat(
        MeetingId(row.meeting_id),
        ParticipantId(row.participant_id),
        row.name,
        Role(row.role),
        Kind(row.kind),
        row.expires_at,
        row.revoked_at,
    )
