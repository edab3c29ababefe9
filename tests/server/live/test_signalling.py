"""Sockets of real clients against one meeting, with a disk that is slow at the worst moment."""

import asyncio
import contextlib
from typing import Any

import pytest
from socketio.exceptions import SocketIOError

from server.logs import configure
from tests.server.live.house import House
from tests.support.seat import Seat
from tests.support.wait import until


async def let_in(seat: Seat) -> list[dict[str, Any]]:
    """Connect and join; the list gets the acknowledgement, unless the seat is refused or cut off before it."""
    answers: list[dict[str, Any]] = []
    with contextlib.suppress(SocketIOError):
        await seat.connect()
        await seat.client.emit("join", {"after": None}, callback=answers.append)
    return answers


async def test_a_join_that_outlives_its_socket_leaves_no_ghost(house: House) -> None:
    _, token = await house.token("Bùi Thị Lan")
    first, second = house.seat(token), house.seat(token)
    await first.connect()
    async with house.storage.database.write():
        await first.client.emit("join", {"after": None})
        await until(lambda: house.live._writes)
        replacing = asyncio.create_task(second.connect())
        await until(lambda: first.closed)
    await replacing
    await second.client.disconnect()
    await until(lambda: house.live.meeting.participants)
    await until(house.holds(connected=False))
    await first.client.disconnect()


async def test_of_connections_at_once_the_last_has_the_seat_alone(house: House) -> None:
    participant_id, token = await house.token("Bùi Thị Lan")
    first = house.seat(token)
    await first.connect()
    await first.join()
    rivals = [house.seat(token) for _ in range(3)]
    answers = await asyncio.gather(*(let_in(rival) for rival in rivals))

    def joined() -> list[Seat]:
        return [seat for seat, answer in zip(rivals, answers, strict=True) if answer and not seat.closed]

    await until(lambda: sum(bool(seat.closed or seat.refusal) for seat in rivals) == 2 and joined())
    assert (first.closed or {})["code"] == "replaced"
    (winner,) = joined()
    await winner.ask("command", {"type": "chat", "text": "Xin chào"})
    await until(lambda: "ChatSent" in [event["type"] for event in winner.events])
    assert house.live.meeting.participants[participant_id].connected
    for seat in rivals:
        await seat.client.disconnect()


async def test_a_refused_token_is_audited_and_hung_up_on(
    capsys: pytest.CaptureFixture[str], house: House
) -> None:
    configure()
    seat = house.seat("x" * 43)
    assert await seat.refused() == "seat_invalid"
    logged = capsys.readouterr().err
    assert '"seat_refused"' in logged
    assert '"address": "127.0.0.1"' in logged
    assert "x" * 43 not in logged


async def test_refusals_do_not_fill_the_log(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    _, token = await house.token("Bùi Thị Lan")
    async with house.seat(token) as seat:
        await asyncio.gather(*(seat.ask("command", {"type": "nonsense"}) for _ in range(200)))
    assert 1 <= capsys.readouterr().err.count('"refused"') <= 3


async def test_snapshots_are_rationed(house: House) -> None:
    _, token = await house.token("Bùi Thị Lan")
    async with house.seat(token) as seat:
        answers = [await seat.ask("join", {"after": None}) for _ in range(20)]
    assert sum(answer["ok"] for answer in answers) <= 11
    assert answers[-1]["error"]["code"] == "too_many_messages"


async def test_who_never_joins_leaves_nothing_behind(house: House) -> None:
    for _ in range(3):
        _, token = await house.token("Người chỉ nhìn")
        async with house.seat(token):
            pass
    await until(lambda: not house.signalling._by_sid)
    assert not house.signalling._sessions
