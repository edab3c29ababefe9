"""Bad input to the running product: each is refused by name or counted and dropped, and nothing else notices.

Everything here is done while an encoder is watched and recorded in a meeting of its own; the last test judges
what that meeting saw of it.
"""

import asyncio
import io
import os
import random
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.support import files, material
from tests.support.browser import until
from tests.support.ruler import unwrapped
from tests.support.seat import Seat
from tests.support.server import Api, Server
from tests.support.streams import Player, Publisher

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

MARKUP = "<img src=x onerror=alert(1)><b>Trần</b>"
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


@dataclass
class Canary:
    """A meeting that goes on beside it all."""

    meeting: str
    encoder_id: str
    publisher: Publisher
    player: Player
    pids: set[int]
    since: float


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def canary(server: Server, api: Api, materials: list[material.Material]) -> AsyncIterator[Canary]:
    """An encoder, a viewer, a recording, all running before the first bad byte."""
    meeting = (await api.create_meeting("Cuộc họp bên cạnh"))["id"]
    encoder, viewer = await api.seat(meeting, "Bộ mã hóa"), await api.seat(meeting, "Người xem")
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(server.origin, encoder["token"]))
        await publisher.publish(meeting, materials[0])
        await api.record(meeting, "start")
        player = await stack.enter_async_context(Player(server.origin, viewer["token"]))
        await player.play(meeting, encoder["participant_id"])
        await until(lambda: pictures(player, 5), "the canary sings", 20)
        pids = {server.pid, *(child.pid for child in server.children())}
        yield Canary(meeting, encoder["participant_id"], publisher, player, pids, time.monotonic())


async def pictures(player: Player, count: int, since: float = 0) -> bool:
    """Whether so many pictures came."""
    return len(player.numbers(since)) >= count


@pytest.fixture
def bad_port(server: Server):
    """A socket that sends to the media port from an address nobody knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", server.media_port))
        sender.setblocking(False)
        yield sender


def problem(answer: tuple[int, object], status: int, code: str) -> None:
    """The answer is a problem by this name, with a sentence in both languages."""
    got, body = answer
    assert (got, body["code"]) == (status, code), answer
    assert body["status"] == status
    assert body["messages"]["vi"]
    assert body["messages"]["en"]


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{not json", "application/json", 400, None),
        (b"[1, 2]", "application/json", 400, None),
        (b"\xff\xfe\x00", "application/json", 400, None),
        (b'{"title": 5}', "application/json", 400, None),
        (b"{}", "application/json", 400, None),
        (b'{"title": "x", "title": "y", "created_by": "z"}', "application/json", 400, None),
        (b'{"title": "' + b"x" * 2_000_000 + b'"}', "application/json", 413, "body_too_large"),
        (b"[" * 100_000, "application/json", 400, None),
        (b"title=x", "application/x-www-form-urlencoded", 415, None),
    ],
)
async def test_a_body_that_is_no_json_of_ours_is_refused(api, body, kind, status, code):
    headers = api.headers | {"Content-Type": kind}
    got, answer = await api.request("POST", "/api/v1/meetings", headers=headers, data=io.BytesIO(body))
    assert got == status, answer
    assert answer["messages"]["vi"]
    assert code is None or answer["code"] == code


@pytest.mark.parametrize("name", ["", "   ", "x" * 10_000, "\u202e\u200b", None, 7, ["x"]])
async def test_a_name_that_is_none_is_refused(api, name):
    meeting = await api.create_meeting("Họp thử tên")
    status, answer = await api.request("POST", f"/api/v1/links/{meeting['code']}/seats", {"name": name})
    assert status == 400, answer
    if isinstance(name, str):
        problem((status, answer), 400, "name_invalid")


async def test_a_name_with_markup_is_kept_as_text(api, server):
    meeting = await api.create_meeting("Họp thử tên")
    seat = await api.ask("POST", f"/api/v1/links/{meeting['code']}/seats", {"name": MARKUP})
    async with Seat(server.origin, seat["token"]) as guest:
        joined = await guest.join()
    (own,) = joined["snapshot"]["participants"]
    assert own["name"] == MARKUP
    minutes = await api.minutes(meeting["id"], "html")
    assert b"<img src=x" not in minutes
    assert b"&lt;img src=x" in minutes


async def test_a_wrong_token_is_refused_everywhere(api, server):
    headers = {"Authorization": "Bearer " + "x" * 43}
    for method, path in (
        ("GET", "/api/v1/meetings"),
        ("POST", "/api/v1/meetings"),
        ("GET", "/api/v1/recordings"),
    ):
        status, answer = await api.request(method, path, headers=headers)
        assert status == 401, answer
        assert answer["messages"]["vi"]
    for token in ("x" * 43, "", None, 7, {"a": 1}, "x" * 60_000):
        assert await Seat(server.origin, token).refused() in {"seat_invalid", "request_invalid"}


async def test_an_ended_meeting_lets_nobody_in_and_says_so(api, server):
    meeting = await api.create_meeting("Họp đã xong")
    seat, late = await api.seat(meeting["id"], "Đúng giờ"), await api.seat(meeting["id"], "Đến muộn")
    async with Seat(server.origin, seat["token"]) as guest:
        await guest.join()
        await api.end(meeting["id"])
        await until(lambda: told(guest), "the guest is told")
        assert guest.closed["code"] == "meeting_ended"
    assert await Seat(server.origin, late["token"]).refused() == "meeting_ended"
    answer = await api.request("POST", f"/api/v1/links/{meeting['code']}/seats", {"name": "Đến muộn"})
    problem(answer, 409, "meeting_ended")
    answer = await api.request("POST", f"/api/v1/meetings/{meeting['id']}/tokens", {"name": "Đến muộn"})
    problem(answer, 409, "meeting_ended")


async def told(guest: Seat) -> bool:
    """Whether the server said that it is over."""
    return guest.closed is not None


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fdiemcau.db", "x.webm", "%00", "a" * 5000])
async def test_a_file_name_that_was_never_given_leads_nowhere(api, canary, path):
    (recording,) = await api.recordings(canary.meeting)
    status, _ = await api.request("GET", f"/api/v1/recordings/{recording['id']}/files/{path}")
    assert status in {400, 404, 414}


# ── signalling ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "data", "code"),
    [
        ("command", {"type": "chat", "text": ""}, "text_empty"),
        ("command", {"type": "chat", "text": "x" * 2_001}, "text_too_long"),
        ("command", {"type": "end_meeting"}, "not_allowed"),
        ("command", {"type": "start_recording"}, "not_allowed"),
        ("command", {"type": "mute", "source": "microphone", "muted": True, "participant_id": "x"}, None),
        ("command", {"type": "no_such_thing"}, None),
        ("command", {"type": ["chat"]}, None),
        ("command", None, None),
        ("command", "chat", None),
        ("join", {"after": "x"}, None),
        ("publish", {"sdp": "v=x", "sources": {}}, "sdp_invalid"),
        ("publish", {"sdp": SDP, "sources": {}}, "sdp_no_media"),
        ("publish", {"sdp": SDP + "a=x\r\n" * 14_000, "sources": {}}, None),
        ("publish", {"sdp": 5, "sources": []}, None),
        ("subscribe", {"tracks": [{"participant_id": "x", "source": "nose"}]}, None),
        ("subscribe", {"tracks": "all"}, None),
        ("answer", {"sdp": "v=0"}, None),
    ],
)
async def test_a_message_that_makes_no_sense_is_answered_and_the_seat_stays(api, server, message, data, code):
    meeting = (await api.create_meeting("Họp thử lệnh"))["id"]
    seat = await api.seat(meeting, "Người thử")
    async with Seat(server.origin, seat["token"]) as guest:
        await guest.join()
        answer = await guest.ask(message, data)
        assert answer["ok"] is False, answer
        assert answer["error"]["messages"]["vi"]
        assert code is None or answer["error"]["code"] == code
        assert (await guest.ask("command", {"type": "chat", "text": "vẫn ở đây"}))["ok"]


async def test_a_second_connection_with_the_token_takes_the_place_of_the_first(api, server):
    meeting = (await api.create_meeting("Họp hai thẻ"))["id"]
    seat = await api.seat(meeting, "Hai nơi")
    async with Seat(server.origin, seat["token"]) as first:
        await first.join()
        async with Seat(server.origin, seat["token"]) as second:
            answer = await second.join()
            await until(lambda: told(first), "the first is told")
            assert first.closed["code"] == "replaced"
            assert len(answer["snapshot"]["participants"]) == 1


@pytest.mark.parametrize("frame", ['59999999999-["m"]', "42" + "[" * 50_000, "4\x00", '451-["x",{}]', "999"])
async def test_frames_that_are_no_socket_io_end_only_their_own_connection(api, server, frame):
    async with api.client.ws_connect(f"{server.origin}/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive(timeout=5)
        await raw.send_str(frame)
        await raw.send_bytes(os.urandom(50))
    assert (await api.request("GET", "/readyz"))[0] == 200


async def test_another_origin_is_refused(api, server):
    url = f"{server.origin}/socket.io/?EIO=4&transport=polling"
    async with api.client.get(url, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status in {400, 403}


# ── the media port ───────────────────────────────────────────────────────────────────────────────────────


def stun(attributes: bytes, kind: int = 1) -> bytes:
    """A binding request with whatever attributes."""
    return struct.pack("!HHI", kind, len(attributes), 0x2112A442) + bytes(12) + attributes


def attribute(kind: int, value: bytes) -> bytes:
    """A STUN attribute, padded."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


HELLO_BODY = b"\xfe\xfd" + bytes(32) + b"\x00\x00\x00\x02\x00\x00\x01\x00"
LENGTH = struct.pack("!I", len(HELLO_BODY))[1:]
HANDSHAKE = b"\x01" + LENGTH + bytes(5) + LENGTH + HELLO_BODY
CLIENT_HELLO = b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", len(HANDSHAKE)) + HANDSHAKE


def garbage() -> list[bytes]:
    """What anybody may send to an open port."""
    rng = random.Random(2)
    short = [bytes(length) for length in range(20)]
    first_bytes = [bytes([first]) + rng.randbytes(size) for first in range(256) for size in (0, 11, 99, 1400)]
    wrong_lengths = [
        stun(attribute(0x0006, b"a:b") + attribute(kind, value))
        for kind, value in (
            (0x0024, b"12"),
            (0x8028, b"1"),
            (0x8029, b"123"),
            (0x000C, b""),
            (0x0006, b"\xff" * 300),
        )
    ]
    cut = [stun(attribute(0x0006, b"abcd:efgh"))[:length] for length in range(1, 32)]
    rtp = [struct.pack("!BBHII", 0x9F, 96, 1, 2, 3) + rng.randbytes(20), b"\x80\xc8\x00\x06" + bytes(8)]
    return [*short, *first_bytes, *wrong_lengths, *cut, *rtp, CLIENT_HELLO, rng.randbytes(60_000)]


async def test_garbage_on_the_media_port_is_counted_and_never_answered(api, server, canary, bad_port):
    before = await drops(api)
    for packet in garbage():
        bad_port.send(packet)
        await asyncio.sleep(0.0005)
    since = time.monotonic()
    await until(lambda: pictures(canary.player, 10, since), "the canary goes on")
    with pytest.raises(BlockingIOError):
        bad_port.recv(2000)
    assert await drops(api) - before >= 800


async def drops(api: Api) -> float:
    """Packets dropped under a named reason, by the metrics."""
    _, body = await api.request("GET", "/metrics")
    lines = [line for line in body.decode().splitlines() if "drop" in line and not line.startswith("#")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


async def test_garbage_from_the_encoders_own_address_costs_only_itself(server, canary):
    """Behind the gate, too: the canary's own socket sends what is not its media."""
    (transport,) = {id(item): item for item in transports(canary.publisher)}.values()
    for packet in garbage():
        if packet[:1] != b"\x16":
            await transport._send(packet)
            await asyncio.sleep(0.0005)
    since = time.monotonic()
    await until(lambda: pictures(canary.player, 10, since), "the canary goes on")


def transports(publisher: Publisher) -> list:
    """The ICE transports under an aiortc peer."""
    return [sender.transport.transport for sender in publisher.peer.getSenders()]


# ── what the canary saw of it ────────────────────────────────────────────────────────────────────────────


async def test_zz_nothing_was_disturbed_and_nothing_lost(api, server, canary, tmp_path):
    counted = unwrapped(canary.player.numbers(canary.since))
    assert counted == sorted(counted)
    share = len(set(counted)) / (counted[-1] - counted[0] + 1)
    assert share >= 0.95, f"{share:.1%} of the frames"
    assert {server.pid, *(child.pid for child in server.children())} == canary.pids
    await api.end(canary.meeting)
    await until(lambda: api.events(canary.meeting, "RecordingReady"), "the recording is ready")
    (item,) = await api.recordings(canary.meeting)
    recording = await api.recording(item["id"])
    cameras = [file for file in recording["files"] if file["source"] == "camera"]
    frames = [
        frame
        for file in cameras
        for frame in files.frames(await api.download(item["id"], file["name"], tmp_path))
    ]
    recorded = unwrapped([frame.code.number for frame in frames if frame.code])
    assert len(set(recorded)) / (recorded[-1] - recorded[0] + 1) >= 0.95
