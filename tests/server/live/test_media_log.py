"""What the media plane writes into a meeting's log, and how often."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from recording.minutes import assemble
from rooms import log
from server import media_log
from server.media_log import QUALITY_INTERVAL_S
from server.storage.errors import StorageError
from tests.server.live.house import House
from tests.server.live.test_media_news import enter, publish, tell
from tests.support.children import FakeSfu
from tests.support.seat import Seat
from tests.support.wait import until


class Scene:
    """A participant who publishes, and the worker that carries them."""

    def __init__(self, house: House, worker: FakeSfu, lan: str, seat: Seat) -> None:
        self.house, self.worker, self.lan, self.seat = house, worker, lan, seat

    def tell(self, event: str, **params: Any) -> None:
        tell(self.house, self.worker, event, **params)

    def speaks(self, owner: str | None) -> None:
        self.tell("speakers", speakers=[], dominant=owner)

    def silent(self, silent: bool) -> None:
        self.tell("track_silent", owner=self.lan, source="camera", silent=silent)

    def quality(self, **scores: float) -> None:
        ids = {"lan": self.lan}
        links = {
            ids.get(name, name): {"score": score, "up": {}, "down": {}} for name, score in scores.items()
        }
        self.tell("quality", links=links)

    async def data(self, event_type: str) -> list[dict[str, Any]]:
        return [event.data for event in await self.house.logged(event_type)]

    async def until_told(self, *types: str) -> None:
        """Wait until the participant was told of events that end with these."""
        await until(lambda: [event["type"] for event in self.seat.events][-len(types) :] == list(types))


@pytest.fixture
async def scene(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(media_log, "WRITE_INTERVAL_S", 0.1)
    worker = await house.worker()
    lan, seat = await enter(house)
    await publish(seat)
    yield Scene(house, worker, lan, seat)
    await seat.client.disconnect()


async def test_a_speaker_is_logged_once_while_it_is_the_same(scene: Scene) -> None:
    minh, other = await enter(scene.house, "Lê Minh")
    scene.speaks(scene.lan)
    await scene.until_told("SpeakerChanged")
    for owner in (scene.lan, minh, scene.lan, "nobody-here", minh):
        scene.speaks(owner)
    await scene.until_told("SpeakerChanged", "SpeakerChanged")
    scene.speaks(None)
    await until(lambda: scene.house.live.meeting.speaker is None)
    told = [data.get("participant_id") for data in await scene.data("SpeakerChanged")]
    assert told == [scene.lan, minh, None]
    log.verify(await scene.house.live.events_after(0))
    await other.client.disconnect()


async def test_nobody_speaks_when_the_worker_is_gone(scene: Scene) -> None:
    scene.speaks(scene.lan)
    await scene.until_told("SpeakerChanged")
    await scene.worker.die()
    await until(lambda: scene.house.live.meeting.speaker is None)


async def test_a_lost_picture_is_logged_until_it_is_back(scene: Scene) -> None:
    scene.silent(True)
    await scene.until_told("MediaLost")
    scene.silent(True)
    scene.silent(False)
    await scene.until_told("MediaLost", "MediaReturned")
    lost = {"participant_id": scene.lan, "source": "camera", "reason": "no_packets"}
    assert await scene.data("MediaLost") == [lost]


async def test_a_lost_picture_is_back_with_the_first_packet_of_another_connection(scene: Scene) -> None:
    scene.silent(True)
    await scene.until_told("MediaLost")
    scene.tell("track_started", owner=scene.lan, source="camera", kind="video", codec="VP8")
    await scene.until_told("MediaReturned")


async def test_what_is_muted_is_not_missed(scene: Scene) -> None:
    mute = {"type": "mute", "source": "camera", "muted": True}
    await scene.seat.ask("command", mute)
    scene.silent(True)
    scene.tell("track_silent", owner=scene.lan, source="screen", silent=True)
    scene.speaks(scene.lan)
    await scene.until_told("TrackMuted", "SpeakerChanged")


async def test_lines_are_logged_at_intervals_and_when_they_turn(scene: Scene) -> None:
    async def heard(count: int) -> list[int]:
        await until(lambda: sum(event["type"] == "LinkQuality" for event in scene.seat.events) == count)
        return [data["links"][scene.lan]["score"] for data in await scene.data("LinkQuality")]

    scene.quality(lan=4.6, ghost=1)
    assert await heard(1) == [4]
    # Falls, stays, hovers, and recovers: between the bounds a line is what it was.
    for score, count in [(2.0, 1), (1.9, 2), (0.5, 2), (2.5, 2), (3.0, 2), (3.2, 3), (2.0, 3)]:
        scene.quality(lan=score)
        await heard(count)
    scene.house.seconds.now_s += QUALITY_INTERVAL_S
    scene.quality(lan=2.2)
    assert await heard(4) == [4, 1, 3, 2]
    assert all(list(data["links"]) == [scene.lan] for data in await scene.data("LinkQuality"))


async def test_nothing_is_noted_of_a_meeting_that_everybody_has_left(scene: Scene) -> None:
    scene.quality(lan=4)
    await scene.until_told("LinkQuality")
    notes, heard = scene.house.media_log._notes, []
    assert notes
    await scene.seat.ask("command", {"type": "leave"})
    scene.house.media.on_report.append(lambda name, *_: heard.append(name))
    scene.tell("track_ended", owner=scene.lan, source="camera")
    scene.tell("layers_wanted", owner=scene.lan, source="camera", rids=[])
    await until(lambda: len(heard) == 2)
    assert not notes


async def test_a_line_is_logged_in_whole_numbers(scene: Scene) -> None:
    up = {"loss": 0.0214, "jitter_ms": 12.6, "bitrate_bps": 1_500_000.4}
    down = {"loss": 0, "rtt_ms": 81.5, "bitrate_bps": 800_000}
    told = {"score": 2.9, "reason": "loss", "up": up, "down": down}
    scene.tell("quality", links={scene.lan: told})
    await scene.until_told("LinkQuality")
    (data,) = await scene.data("LinkQuality")
    assert data["links"][scene.lan] == {
        "score": 2,
        "loss_up_permille": 21,
        "rtt_ms": 82,
        "jitter_up_ms": 13,
        "bitrate_up_bps": 1_500_000,
        "bitrate_down_bps": 800_000,
        "reason": "loss",
    }


async def test_the_minutes_pass_over_it(scene: Scene) -> None:
    scene.speaks(scene.lan)
    scene.silent(True)
    scene.quality(lan=4)
    await scene.until_told("LinkQuality")
    minutes = assemble(await scene.house.live.events_after(0))
    assert (minutes.last_seq, len(minutes.attendance)) == (scene.house.live.meeting.seq, 1)


async def test_what_cannot_be_written_stops_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = asyncio.Event()

    async def fail(_: object) -> None:
        tried.set()
        raise StorageError("disk full")

    monkeypatch.setattr(scene.house.storage.events, "append", fail)
    scene.speaks(scene.lan)
    await tried.wait()
    monkeypatch.undo()
    scene.tell("quality", links={scene.lan: {"no": "score"}})
    scene.silent(True)
    await scene.until_told("MediaLost")
