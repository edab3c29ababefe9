"""Shapes that several resources share."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainSerializer, WithJsonSchema

from rooms.log import iso
from server.auth import SignedIn
from server.routes import Query, Reply
from server.storage.meetings import MeetingRow
from server.storage.users import User

Time = Annotated[
    datetime, PlainSerializer(iso, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""UTC, ISO 8601, to the millisecond, as in the event log."""

MEETING_ID = "{meeting_id:[a-z2-7]{26}}"
RECORDING_ID = "{recording_id:[a-z2-7]{26}}"
CODE = "{code:[A-Za-z0-9-]{1,40}}"


class Page(Query):
    """Which part of a long list."""

    limit: int = Field(default=100, ge=1, le=500)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class UserReply(Reply):
    """An account."""

    id: str
    username: str
    name: str
    is_admin: bool

    @classmethod
    def of(cls, user: User) -> "UserReply":
        """Return what may be told of an account."""
        return cls(id=user.user_id, username=user.username, name=user.name, is_admin=user.is_admin)


class SignedInReply(Reply):
    """A new session: `token` goes into `Authorization: Bearer`; a browser has got it as a cookie, too."""

    token: str
    expires_at: Time
    user: UserReply

    @classmethod
    def of(cls, signed_in: SignedIn) -> "SignedInReply":
        """Return what the one who signed in is told."""
        return cls(token=signed_in.token, expires_at=signed_in.expires_at, user=UserReply.of(signed_in.user))


class MeetingReply(Reply):
    """A meeting in a list."""

    id: str
    code: str
    title: str
    state: str
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    join_url: str
    recordings: int

    @classmethod
    def of(cls, meeting: MeetingRow, origin: str, recordings: int) -> "MeetingReply":
        """Return what a manager sees of a meeting."""
        return cls(
            id=meeting.meeting_id,
            code=meeting.code,
            title=meeting.title,
            state=meeting.state,
            created_at=meeting.created_at,
            started_at=meeting.started_at,
            ended_at=meeting.ended_at,
            join_url=join_url(origin, meeting.code),
            recordings=recordings,
        )


def join_url(origin: str, code: str, token: str | None = None) -> str:
    """Return where a meeting is entered; a seat's token is in the fragment, which no server logs."""
    return f"{origin}/m/{code}" if token is None else f"{origin}/m/{code}#t={token}"
