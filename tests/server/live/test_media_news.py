"""What browsers and media workers ask and tell each other, through real sockets and a control link."""

from typing import Any

import pytest

from server import narrow_socketio
from tests.server.live.house import House
from tests.support.children import FakeSfu
from tests.support.seat import Seat
from tests.support.wait import until

SOURCES = {"0": "microphone", "1": "camera"}


async def enter(house: House, name: str = "Bùi Thị Lan") -> tuple[str, Seat]:
    """A participant who has joined."""
    participant_id, token = await house.token(name)
    seat = house.seat(token)
    await seat.connect()
    await seat.join()
    return participant_id, seat


async def publish(seat: Seat, **more: Any) -> None:
    answer = await seat.ask("publish", {"sdp": "offer", "sources": SOURCES, **more})
    assert answer == {"ok": True, "sdp": "answer"}


async def come_back(house: House, seat: Seat, after: int | None) -> Seat:
    """The same seat on a new socket."""
    again = house.seat(seat.token)
    await again.connect()
    await again.join(after)
    return again


def tell(house: House, worker: FakeSfu, event: str, **params: Any) -> None:
    worker.tell(event, meeting=house.live.meeting_id, **params)


@pytest.fixture
async def worker(house: House) -> FakeSfu:
    return await house.worker()


async def test_join_names_the_ice_servers(house: House) -> None:
    participant_id, token = await house.token("Bùi Thị Lan")
    async with house.seat(token) as seat:
        for after in (None, 2):
            answer = await seat.join(after)
            assert answer["ice_servers"] == [{"urls": f"turn:{participant_id}"}]


async def test_a_publisher_is_known_by_codec_and_hints(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    await publish(seat)
    await publish(seat, hints={"screen": "detail"})
    first, second = worker.asked["publish"]
    assert (first["owner"], first["codecs"], first["hints"]) == (lan, ["VP8"], None)
    assert second["hints"] == {"screen": "detail"}
    await seat.client.disconnect()


@pytest.mark.parametrize(
    ("refused", "told"), [("sdp_invalid", "sdp_invalid"), ("internal", "media_unavailable")]
)
async def test_a_worker_s_refusal_has_its_sentences(
    house: House, worker: FakeSfu, refused: str, told: str
) -> None:
    _, seat = await enter(house)
    worker.refused["publish"] = refused
    error = (await seat.ask("publish", {"sdp": "offer", "sources": SOURCES}))["error"]
    assert error["code"] == told
    assert not any(sentence.startswith("errors.") for sentence in error["messages"].values())
    await seat.client.disconnect()


async def test_a_subscriber_says_sizes_and_voices(house: House, worker: FakeSfu) -> None:
    lan, first = await enter(house)
    minh, second = await enter(house, "Lê Minh")
    large = {"participant_id": lan, "source": "screen", "width": 1920, "height": 1080}
    tracks = [
        large,
        {"participant_id": lan, "source": "camera"},
        {"participant_id": minh, "source": "camera"},
    ]
    answer = await second.ask("subscribe", {"tracks": tracks, "speakers": 3})
    assert answer["speakers"] == ["2", "3", "4"]
    assert [slot["source"] for slot in answer["slots"]] == ["screen", "camera"]
    (asked,) = worker.asked["subscribe"]
    assert (asked["owner"], asked["speakers"]) == (minh, 3)
    assert asked["wants"] == [
        {"owner": lan, "source": "screen", "width": 1920, "height": 1080},
        {"owner": lan, "source": "camera"},
    ]
    for seat in (first, second):
        await seat.client.disconnect()


async def test_wanted_layers_are_told_to_their_owner_alone(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    _, other = await enter(house, "Lê Minh")
    await publish(seat)
    tell(house, worker, "layers_wanted", owner="an-encoder", source="camera", rids=["l"])
    tell(house, worker, "layers_wanted", owner=lan, source="camera", rids=["l", "h"])
    await until(lambda: seat.told["layers"])
    assert seat.told["layers"] == [{"source": "camera", "rids": ["l", "h"]}]
    assert not other.told["layers"]
    for one in (seat, other):
        await one.client.disconnect()


async def test_who_comes_back_is_told_again_what_is_wanted(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    await publish(seat)
    tell(house, worker, "layers_wanted", owner=lan, source="camera", rids=["l", "h"])
    tell(house, worker, "layers_wanted", owner=lan, source="camera", rids=[])
    tell(house, worker, "renegotiate", owner=lan)
    await until(lambda: seat.told["renegotiate"])
    again = await come_back(house, seat, after=house.live.meeting.seq)
    await until(lambda: again.told["renegotiate"])
    assert again.told["layers"] == [{"source": "camera", "rids": []}]
    await publish(again)
    once_more = await come_back(house, again, after=house.live.meeting.seq)
    await until(lambda: once_more.told["layers"])
    assert not once_more.told["renegotiate"]
    # A page that knows nothing has no connections, and nothing is wanted of it.
    new_page = await come_back(house, once_more, after=None)
    await new_page.ask("command", {"type": "chat", "text": "Xin chào"})
    assert not new_page.told["layers"]
    await new_page.client.disconnect()


async def test_what_was_wanted_ends_with_the_connection(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    await publish(seat)
    tell(house, worker, "layers_wanted", owner=lan, source="camera", rids=["l"])
    await until(lambda: seat.told["layers"])
    worker.tell("peer_state", peer=worker.asked["publish"][0]["peer"], state="failed", reason="consent")
    again = await come_back(house, seat, after=house.live.meeting.seq)
    await again.ask("command", {"type": "chat", "text": "Xin chào"})
    assert not again.told["layers"]
    await again.client.disconnect()


async def test_everybody_hears_who_speaks(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    _, other = await enter(house, "Lê Minh")
    await publish(seat)
    tell(house, worker, "speakers", speakers=[{"owner": lan, "level": 0.5}], dominant=lan)
    told = {"speakers": [{"participant_id": lan, "level": 0.5}], "dominant": lan}
    for one in (seat, other):
        await until(lambda one=one: one.told["speakers"] == [told])
    await worker.die()
    silence = {"speakers": [], "dominant": None}
    for one in (seat, other):
        await until(lambda one=one: one.told["speakers"] == [told, silence])
        await one.client.disconnect()


async def test_everybody_sees_how_the_lines_fare(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    minh, other = await enter(house, "Lê Minh")
    await publish(seat)
    full = {
        lan: {"score": 1.5, "reason": "loss", "up": {"loss": 0.2}, "down": {}},
        minh: {"score": 5, "reason": "none", "up": {}, "down": {"rtt_ms": 9}},
    }
    tell(house, worker, "quality", links=full)
    await until(lambda: seat.told["quality"] and other.told["quality"])
    assert seat.told["quality"] == [{"links": {lan: full[lan], minh: {"score": 5}}}]
    own = {"score": 5, "up": {}, "down": {"rtt_ms": 9}}
    assert other.told["quality"] == [{"links": {lan: {"score": 1.5, "reason": "loss"}, minh: own}}]
    for one in (seat, other):
        await one.client.disconnect()


async def test_a_slow_reader_gets_the_latest_alone(
    house: House, worker: FakeSfu, monkeypatch: pytest.MonkeyPatch
) -> None:
    lan, seat = await enter(house)
    await publish(seat)
    monkeypatch.setattr(narrow_socketio, "BEHIND_CHARACTERS", -1)
    for level in (0.1, 0.2, 0.3):
        tell(house, worker, "speakers", speakers=[{"owner": lan, "level": level}], dominant=lan)
    await until(lambda: house.live.meeting.speaker == lan)
    await seat.ask("command", {"type": "chat", "text": "Xin chào"})
    assert not seat.told["speakers"]
    monkeypatch.undo()
    tell(house, worker, "quality", links={})
    await until(lambda: seat.told["quality"])
    assert [told["speakers"][0]["level"] for told in seat.told["speakers"]] == [0.3]
    await seat.client.disconnect()


async def test_a_worker_is_believed_only_about_its_meetings(house: House, worker: FakeSfu) -> None:
    lan, seat = await enter(house)
    tell(house, worker, "speakers", speakers=[], dominant=lan)
    worker.tell("speakers", meeting="nowhere", speakers=[], dominant=lan)
    await publish(seat)
    tell(house, worker, "speakers", speakers=[], dominant=None)
    await until(lambda: seat.told["speakers"])
    assert seat.told["speakers"] == [{"speakers": [], "dominant": None}]
    assert not await house.logged("SpeakerChanged")
    await seat.client.disconnect()
