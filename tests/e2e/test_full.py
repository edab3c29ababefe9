"""A meeting that is full refuses the next, who is told why, and goes on."""

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
