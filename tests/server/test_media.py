"""A meeting's codec and its media's statistics over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms.ids import MeetingId
from rooms.media import VideoCodec
from server.keys import MEDIA
from tests.server.test_meetings import get, new_meeting, post
from tests.support.children import FakeSfu
from tests.support.site import Site, serve
from tests.support.wait import until


@pytest.fixture
async def worker(site: Site) -> AsyncIterator[FakeSfu]:
    await site.control.start()
    worker = FakeSfu(site.control.path, [])
    await until(lambda: site.control.of_kind("sfu"))
    yield worker
    await worker.die()
    await site.control.close()


class TestCodec:
    async def test_a_meeting_has_its_own(self, site: Site) -> None:
        client = await site.sign_in()
        _, made = await post(client, "/api/v1/meetings", {"title": "Phòng họp", "video_codec": "h264"})
        details = await get(client, f"/api/v1/meetings/{made['id']}")
        assert (details["video_codec"], details["snapshot"]["video_codec"]) == ("h264", "h264")

    async def test_without_one_it_has_the_servers(self, tmp_path: Path) -> None:
        async with serve(tmp_path, video_codec="av1") as site:
            client = await site.sign_in()
            made = await new_meeting(client)
            assert (await get(client, f"/api/v1/meetings/{made['id']}"))["video_codec"] == "av1"

    @pytest.mark.parametrize("codec", ["VP8", "h265", "", 8, ["vp8"]])
    async def test_another_is_refused(self, site: Site, codec: object) -> None:
        body = {"title": "Phòng họp", "video_codec": codec}
        status, answer = await post(await site.sign_in(), "/api/v1/meetings", body)
        assert (status, answer["code"]) == (400, "field_invalid")

    async def test_programs_are_told_the_choice(self, site: Site) -> None:
        schemas = (await get(site.client(), "/api/v1/openapi.json"))["components"]["schemas"]
        assert schemas["VideoCodec"]["enum"] == ["vp8", "h264", "vp9", "av1"]

    @pytest.mark.parametrize(
        ("codec", "preferred"),
        [
            ("vp8", ["VP8"]),
            ("h264", ["H264", "VP8"]),
            ("vp9", ["VP9", "VP8"]),
            ("av1", ["AV1", "VP9", "VP8"]),
        ],
    )
    async def test_the_worker_is_told_what_is_preferred(
        self, site: Site, worker: FakeSfu, codec: str, preferred: list[str]
    ) -> None:
        media = site.app[MEDIA]
        await media.publish(MeetingId("m"), "lan/whip/1", "lan", "offer", None, VideoCodec(codec))
        assert worker.asked["publish"][0]["codecs"] == preferred


class TestStatistics:
    async def test_a_manager_sees_every_connection(self, site: Site, worker: FakeSfu) -> None:
        client = await site.sign_in()
        meeting_id = MeetingId((await new_meeting(client))["id"])
        lan = await site.admit(meeting_id, "Bùi Thị Lan")
        encoder = await site.admit(meeting_id, "Bộ mã hóa")
        tracks = {"camera": {"packets": 9, "octets": 9000}}
        worker.statistics = {
            "peers": {
                f"{lan}/publishing/1": {"state": "connected", "tracks": tracks},
                f"{lan}/receiving/2": {"state": "connected", "slots": {}},
                f"{encoder}/whip/3": {"state": "connected", "tracks": {}},
            }
        }
        media, link = site.app[MEDIA], {"score": 4.5, "up": {"loss": 0}, "down": {}}
        await media.publish(meeting_id, f"{lan}/publishing/1", lan, "offer", None, VideoCodec.VP8)
        heard: list[str] = []
        media.on_report.append(lambda name, *_: heard.append(name))
        worker.tell("quality", meeting=meeting_id, links={lan: link})
        await until(lambda: heard)
        answer = await get(client, f"/api/v1/meetings/{meeting_id}/media")
        of_lan, of_encoder = answer["participants"]
        assert (of_lan["participant_id"], of_lan["name"], of_lan["link"]) == (lan, "Bùi Thị Lan", link)
        assert [one["connection"] for one in of_lan["connections"]] == ["publishing", "receiving"]
        assert of_lan["connections"][0]["statistics"]["tracks"] == tracks
        assert (of_encoder["link"], of_encoder["connections"][0]["connection"]) == (None, "whip")
        assert worker.asked["meeting_stats"] == [{"meeting": meeting_id}]

    async def test_a_meeting_without_media_has_none(self, site: Site) -> None:
        client = await site.sign_in()
        meeting_id = (await new_meeting(client))["id"]
        answer = await get(client, f"/api/v1/meetings/{meeting_id}/media")
        assert answer == {"meeting_id": meeting_id, "participants": []}

    async def test_it_is_for_managers(self, site: Site) -> None:
        path = f"/api/v1/meetings/{(await new_meeting(await site.sign_in()))['id']}/media"
        async with (await site.user("lan")).get(path) as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, "meeting_unknown")
        async with site.client().get(path) as answer:
            assert answer.status == 401

    async def test_a_worker_that_refuses_is_told_of(self, site: Site, worker: FakeSfu) -> None:
        client = await site.sign_in()
        meeting_id = MeetingId((await new_meeting(client))["id"])
        await site.app[MEDIA].publish(meeting_id, "lan/whip/1", "lan", "offer", None, VideoCodec.VP8)
        worker.refused["meeting_stats"] = "internal"
        async with client.get(f"/api/v1/meetings/{meeting_id}/media") as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "media_unavailable")
