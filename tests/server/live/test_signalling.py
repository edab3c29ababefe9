"""Sockets of real clients against one meeting, with a disk that is slow at the worst moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from socketio.exceptions import SocketIOError

from rooms.ids import ParticipantId, new_id
from rooms.participant import Kind
from rooms.permissions import Role
from server.catalogue import Catalogue
from server.config import Settings
from server.control import ControlServer
from server.keys import SETTINGS
from server.live import LiveMeeting, LiveMeetings
from server.logs import configure
from server.media import MediaPlane
from server.pages import STATIC_DIRECTORY
from server.presence import Presence
from server.services import utc_now
from server.signalling import Signalling
from server.storage import Storage
from tests.support.seat import Seat
from tests.support.wait import until


class House:
    """One meeting behind real sockets, without a media worker."""

    def __init__(self, storage: Storage, live: LiveMeeting, signalling: Signalling, origin: str) -> None:
        self.storage = storage
        self.live = live
        self.signalling = signalling
        self.origin = origin

    async def token(self, name: str) -> tuple[ParticipantId, str]:
        """A new seat's participant and join token."""
        participant_id, until = ParticipantId(new_id()), utc_now() + timedelta(hours=1)
        issue = self.storage.seats.issue
        return participant_id, await issue(
            self.live.meeting_id, participant_id, name, Role.DELEGATE, Kind.PERSON, until
        )

    def seat(self, token: str) -> Seat:
        """A client of that seat, not connected yet."""
        return Seat(self.origin, token)

    def holds(self, **wanted: bool) -> Callable[[], bool]:
        """Whether every participant is as wanted: `connected`, `present`."""
        people = self.live.meeting.participants
        return lambda: all(
            getattr(p, name) is value for p in people.values() for name, value in wanted.items()
        )


@pytest.fixture
async def house(
    tmp_path: Any, storage: Storage, meetings: LiveMeetings, live: LiveMeeting
) -> AsyncIterator[House]:
    presence = Presence(meetings)
    media = MediaPlane(ControlServer(tmp_path / "control.sock"))
    catalogue = Catalogue.load(STATIC_DIRECTORY / "locales")
    signalling = Signalling(storage, meetings, media, presence, catalogue)
    app = web.Application()
    app[SETTINGS] = Settings(data=tmp_path)
    signalling.setup_routes(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield House(storage, live, signalling, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await signalling.close()
    await runner.cleanup()
    await presence.close()


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
