"""Join tokens at the door."""

import pytest

from rooms.ids import MeetingId
from rooms.participant import Kind
from rooms.permissions import Role
from server.catalogue import Catalogue
from server.keys import CATALOGUE
from server.seats import SeatRefused, open_seat
from server.storage.seats import Seat
from tests.server.test_meetings import new_meeting, post
from tests.support.site import Site


async def refusal(site: Site, token: object) -> str:
    with pytest.raises(SeatRefused) as refused:
        await open_seat(site.storage, token, site.clock())
    catalogue: Catalogue = site.app[CATALOGUE]
    assert all(not text.startswith("errors.") for text in catalogue.messages(refused.value.code).values())
    return refused.value.code


async def test_a_token_opens_until_it_expires_or_is_revoked(site: Site) -> None:
    client = await site.sign_in()
    made = await new_meeting(client)
    path = f"/api/v1/meetings/{made['id']}/tokens"
    first, second = [(await post(client, path, {"name": "Lan", "kind": "room"}))[1] for _ in range(2)]
    seat = await open_seat(site.storage, first["token"], site.clock())
    assert isinstance(seat, Seat)
    assert (seat.participant_id, seat.role, seat.kind) == (first["participant_id"], Role.DELEGATE, Kind.ROOM)
    await site.storage.seats.revoke(MeetingId(made["id"]), seat.participant_id, now=site.clock())
    assert await refusal(site, first["token"]) == "seat_revoked"
    site.clock.advance(days=30)
    assert await refusal(site, second["token"]) == "seat_expired"


@pytest.mark.parametrize("token", [None, 5, [], {}, "", "x", "x" * 5000, "\ud800", "a.b.c", True])
async def test_anything_else_is_refused(site: Site, token: object) -> None:
    assert await refusal(site, token) == "seat_invalid"
