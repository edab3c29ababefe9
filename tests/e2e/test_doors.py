"""Who is not let in, and is told why: over the limit, after the time, with a link that was taken back."""

import json
import sqlite3

import aiohttp
import pytest

from tests.support.seat import Seat
from tests.support.server import Api, serving


async def test_who_comes_over_the_limit_is_refused(tmp_path):
    settings = {"DIEMCAU_PARTICIPANT_LIMIT": "2"}
    async with serving(tmp_path / "data", settings=settings) as server, Api(server.origin) as api:
        await api.login()
        meeting = await api.create_meeting("Phòng nhỏ")
        tokens = [(await api.seat(meeting["id"], name))["token"] for name in ("Một", "Hai", "Ba")]
        async with (
            Seat(server.origin, tokens[0]) as first,
            Seat(server.origin, tokens[1]) as second,
            Seat(server.origin, tokens[2]) as third,
        ):
            await first.join()
            await second.join()
            refused = await third.ask("join", {"after": None})
            assert refused["error"]["code"] == "meeting_full"
            assert refused["error"]["messages"]["vi"] == "Phòng họp đã đủ số điểm cầu cho phép."
            await second.ask("command", {"type": "leave"})
            assert (await third.join())["ok"]
            said = await first.ask("command", {"type": "chat", "text": "Vẫn họp"})
            assert said["ok"]


@pytest.mark.parametrize(("column", "code"), [("expires_at", "seat_expired"), ("revoked_at", "seat_revoked")])
async def test_a_link_whose_time_is_over_opens_no_door(tmp_path, column, code):
    async with serving(tmp_path / "data") as server, Api(server.origin) as api:
        await api.login()
        meeting = await api.create_meeting("Đã qua")
        token = (await api.seat(meeting["id"], "Đến muộn"))["token"]
        # Links live for weeks; the clock of the machine is not the test's to turn.
        with sqlite3.connect(server.data / "diemcau.db") as database:
            database.execute(f"UPDATE seats SET {column} = '2020-01-01 00:00:00.000000'")
        database.close()
        assert await Seat(server.origin, token).refused() == code
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        url = f"{server.origin}/whip/{meeting['id']}"
        async with aiohttp.ClientSession() as client, client.post(url, data="v=0", headers=headers) as answer:
            assert (answer.status, json.loads(await answer.text())["code"]) == (401, code)
