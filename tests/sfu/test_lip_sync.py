"""Browsers play the tracks of one stream in step: a stream's slots hold tracks of one publisher at a time."""

import pytest

from sfu import sdp
from tests.sfu.clients import MEETING, Server, running_node


def wants(*tracks: str) -> list[dict[str, str]]:
    return [dict(zip(("owner", "source"), track.split("/"), strict=True)) for track in tracks]


class Subscriber:
    """Asks for tracks and knows, by the offers, which stream each lies in."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: dict[str, str] = {}
        self.offers = 0

    async def want(self, *tracks: str) -> dict[str, str]:
        """Track → stream."""
        reply = await self._server.node.subscribe(MEETING, "s1", wants(*tracks))
        if reply["sdp"]:
            self.offers += 1
            self._streams = {media.mid: media.msid[0] for media in sdp.parse(reply["sdp"]).media}
        return {f"{slot['owner']}/{slot['source']}": self._streams[slot["mid"]] for slot in reply["slots"]}


async def test_a_publishers_picture_and_sound_share_a_stream_of_their_own() -> None:
    async with running_node() as server:
        subscriber = Subscriber(server)
        streams = await subscriber.want("alice/microphone", "bob/camera", "alice/camera", "bob/microphone")
        assert streams["alice/microphone"] == streams["alice/camera"]
        assert streams["bob/microphone"] == streams["bob/camera"]
        assert streams["alice/camera"] != streams["bob/camera"]


async def test_a_shared_screen_is_in_step_with_its_own_sound_only() -> None:
    async with running_node() as server:
        streams = await Subscriber(server).want("alice/camera", "alice/screen", "alice/screen_audio")
        assert streams["alice/screen"] == streams["alice/screen_audio"] != streams["alice/camera"]


async def test_who_comes_takes_over_whole_streams_without_an_offer() -> None:
    async with running_node() as server:
        subscriber = Subscriber(server)
        await subscriber.want("alice/microphone", "alice/camera", "bob/microphone", "bob/camera")
        streams = await subscriber.want("bob/microphone", "bob/camera", "carol/camera", "carol/microphone")
        assert streams["carol/camera"] == streams["carol/microphone"] != streams["bob/camera"]
        assert subscriber.offers == 1


async def test_a_slot_waits_for_its_streams_publisher() -> None:
    async with running_node() as server:
        subscriber = Subscriber(server)
        await subscriber.want("alice/microphone", "alice/camera")
        streams = await subscriber.want("alice/microphone", "bob/camera")
        assert streams["alice/microphone"] != streams["bob/camera"]
        assert subscriber.offers == 2


async def test_where_there_are_no_more_slots_any_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfu.receiver.MOST_SLOTS", 2)
    async with running_node() as server:
        subscriber = Subscriber(server)
        await subscriber.want("alice/microphone", "alice/camera")
        assert len(await subscriber.want("alice/microphone", "bob/camera")) == 2
        assert subscriber.offers == 1
