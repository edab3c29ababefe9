"""Encoders and players without a browser: WHIP publishes, WHEP plays, what is wrong is refused by name."""

import json
import time

import pytest

from tests.support import material
from tests.support.browser import until
from tests.support.ruler import unwrapped
from tests.support.seat import Seat
from tests.support.server import Api
from tests.support.streams import Player, Publisher, Session

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

NO_MEDIA = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


async def meeting_with(api: Api, *names: str):
    """A new meeting and a seat for each name."""
    meeting = (await api.create_meeting("Họp thử đường truyền"))["id"]
    return meeting, [await api.seat(meeting, name) for name in names]


async def test_what_is_published_by_whip_is_played_by_whep(server, api, materials):
    meeting, (encoder, viewer) = await meeting_with(api, "Bộ mã hóa", "Người xem")
    async with Publisher(server.origin, encoder["token"]) as publisher:
        await publisher.publish(meeting, materials[1])
        async with Player(server.origin, viewer["token"]) as player:
            await player.play(meeting, encoder["participant_id"])
            await until(lambda: got(player, 45, 3), "three seconds of pictures and sound", 20)
            counted = unwrapped(player.numbers())
            assert counted == sorted(counted)
            assert len(set(counted)) / (counted[-1] - counted[0] + 1) >= 0.95
            assert {code.participant for _, code in player.codes if code} == {1}
            assert player.beeps(0) == []
            assert await player.delete() == 200
        assert await publisher.delete() == 200
    await until(lambda: api.events(meeting, "ParticipantLeft"), "the encoder's going is in the log")


async def got(player: Player, frames: int, beeps: int) -> bool:
    """Whether so much has come."""
    return len(player.numbers()) >= frames and len(player.beeps(1)) >= beeps


async def test_a_deleted_publication_sends_no_more(server, api, materials):
    meeting, (encoder, viewer) = await meeting_with(api, "Bộ mã hóa", "Người xem")
    async with Publisher(server.origin, encoder["token"]) as publisher:
        await publisher.publish(meeting, materials[0])
        async with Player(server.origin, viewer["token"]) as player:
            await player.play(meeting, encoder["participant_id"])
            await until(lambda: some(player, 0), "pictures come", 15)
            await publisher.delete()
            await until(lambda: silent(player), "pictures have stopped", 8)


async def some(player: Player, since: float) -> bool:
    """Whether any picture came since."""
    return bool(player.numbers(since))


async def silent(player: Player) -> bool:
    """Whether no picture came within a second."""
    return not player.numbers(time.monotonic() - 1)


async def test_a_camera_off_and_a_second_encoder_leave_the_first_alone(server, api, materials):
    meeting, (one, two, viewer) = await meeting_with(api, "Cầu một", "Cầu hai", "Người xem")
    async with (
        Publisher(server.origin, one["token"]) as first,
        Publisher(server.origin, two["token"]) as second,
        Player(server.origin, viewer["token"]) as player,
    ):
        await first.publish(meeting, materials[0])
        await second.publish(meeting, materials[1])
        await player.play(meeting, one["participant_id"])
        await until(lambda: some(player, 0), "pictures of the first", 15)
        await second.delete()
        since = time.monotonic()
        await until(lambda: enough(player, since), "the first goes on", 10)
        assert {code.participant for _, code in player.codes if code} == {0}


async def enough(player: Player, since: float) -> bool:
    """Whether two seconds of pictures came since."""
    return len(player.numbers(since)) >= 2 * material.FRAME_RATE


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        ("", "sdp_invalid"),
        ("garbage", "sdp_invalid"),
        ("v=x\r\n", "sdp_invalid"),
        (NO_MEDIA, "sdp_no_media"),
        (NO_MEDIA + "m=video x y z\r\n", "sdp_invalid"),
        (NO_MEDIA + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n", None),
        (NO_MEDIA + "a=x\r\n" * 30_000, "sdp_too_large"),
    ],
)
@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_a_bad_offer_is_refused_by_name(server, api, kind, offer, code):
    meeting, (present, seat) = await meeting_with(api, "Có mặt", "Bộ mã hóa")
    path = f"/whip/{meeting}" if kind == "whip" else f"/whep/{meeting}/{present['participant_id']}"
    async with Seat(server.origin, present["token"]) as other:
        await other.join()
        async with Session(server.origin, seat["token"]) as session:
            status, headers, body = await session.post(path, offer)
    assert status in {400, 413, 422}
    assert headers["Content-Type"].startswith("application/problem+json")
    assert code is None or f'"{code}"' in body


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_a_wrong_token_opens_nothing(server, api, kind):
    meeting, (seat,) = await meeting_with(api, "Bộ mã hóa")
    _, (stranger,) = await meeting_with(api, "Người họp khác")
    path = f"/whip/{meeting}" if kind == "whip" else f"/whep/{meeting}/{seat['participant_id']}"
    for token in ("", "x" * 43, stranger["token"], api.headers["Authorization"].removeprefix("Bearer ")):
        async with Session(server.origin, token) as session:
            status, headers, _ = await session.post(path, NO_MEDIA)
        assert status in {401, 403, 404}, f"{token!r}: {status}"
        assert headers["Content-Type"].startswith("application/problem+json")


async def test_an_ended_meeting_takes_no_encoder_and_ends_those_it_has(server, api, materials):
    meeting, (encoder, viewer) = await meeting_with(api, "Bộ mã hóa", "Người xem")
    async with Publisher(server.origin, encoder["token"]) as publisher:
        await publisher.publish(meeting, materials[0])
        async with Player(server.origin, viewer["token"]) as player:
            await player.play(meeting, encoder["participant_id"])
            await until(lambda: some(player, 0), "pictures come", 15)
            await api.end(meeting)
            await until(lambda: silent(player), "pictures have stopped", 8)
        status, _, body = await publisher.post(f"/whip/{meeting}", publisher.peer.localDescription.sdp)
        assert status in {403, 409, 410}
        assert '"meeting_ended"' in body


async def test_deleting_twice_or_anothers_session_is_refused(server, api, materials):
    meeting, (encoder, other) = await meeting_with(api, "Bộ mã hóa", "Người khác")
    async with Publisher(server.origin, encoder["token"]) as publisher:
        await publisher.publish(meeting, materials[0])
        publisher.token, own = other["token"], publisher.token
        assert await publisher.delete() in {403, 404}
        publisher.token = own
        assert await publisher.delete() == 200
        assert await publisher.delete() == 404


async def test_a_guest_watches_and_publishes_nothing(server, api, materials):
    """Refused before the media worker hears of it, by WHIP and by Socket.IO alike."""
    meeting, (encoder,) = await meeting_with(api, "Bộ mã hóa")
    guest = await api.seat(meeting, "Khách mời", role="guest")
    async with Publisher(server.origin, guest["token"]) as session:
        session.peer.addTransceiver("audio", direction="sendonly")
        await session.peer.setLocalDescription(await session.peer.createOffer())
        offer = session.peer.localDescription.sdp
        status, _, answer = await session.post(f"/whip/{meeting}", offer)
        assert (status, json.loads(answer)["code"]) == (403, "not_allowed")
    async with Seat(server.origin, guest["token"]) as seat:
        await seat.join()
        refused = await seat.ask("publish", {"sdp": offer, "sources": {"0": "microphone"}})
        assert refused["error"]["code"] == "not_allowed"
    async with Publisher(server.origin, encoder["token"]) as publisher:
        await publisher.publish(meeting, materials[0])
        async with Player(server.origin, guest["token"]) as player:
            await player.play(meeting, encoder["participant_id"])
            await until(lambda: some(player, 0), "a guest sees pictures", 15)
