"""Whether a join token opens the door: for Socket.IO, WHIP and WHEP alike."""

from datetime import datetime

from aiohttp import web

from server.audit import audit
from server.services import utc_now
from server.storage import Storage
from server.storage.seats import Seat

_TOKEN_MAX = 200


class SeatRefused(Exception):
    """A join token does not let anybody in; `code` says why: `seat_invalid`, `seat_expired` or
    `seat_revoked`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def open_seat(storage: Storage, token: object, now: datetime) -> Seat:
    """Return the seat of a token. Raises SeatRefused. Whether the meeting still runs is for the meeting to
    say."""
    if not isinstance(token, str) or not 0 < len(token) <= _TOKEN_MAX:
        raise SeatRefused("seat_invalid")
    seat = await storage.seats.find(token)
    if seat is None:
        raise SeatRefused("seat_invalid")
    if seat.revoked_at is not None:
        raise SeatRefused("seat_revoked")
    if not seat.is_valid(now):
        raise SeatRefused("seat_expired")
    return seat


async def enter(request: web.Request, storage: Storage, token: object, meeting_id: str | None = None) -> Seat:
    """Return the seat of the token that a request brings, which must be in this meeting if one is named.

    Raises SeatRefused, which then is in the audit trail.
    """
    try:
        seat = await open_seat(storage, token, utc_now())
        if meeting_id not in (None, seat.meeting_id):
            raise SeatRefused("seat_invalid")
    except SeatRefused as refusal:
        audit(request, "seat_refused", code=refusal.code, path=request.path)
        raise
    return seat
