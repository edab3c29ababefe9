"""Meetings over HTTP: plan, seats, link, recording, end, log, minutes; and nobody else's."""

import base64
import hashlib

import aiohttp
import pytest

from rooms.permissions import Role
from tests.support.site import PASSWORD, Site

TITLE = "Họp giao ban tuần 47"


async def new_meeting(client: aiohttp.ClientSession, title: str = TITLE) -> dict[str, str]:
    async with client.post("/api/v1/meetings", json={"title": title}) as answer:
        assert answer.status == 201
        return await answer.json()


async def get(client: aiohttp.ClientSession, path: str) -> dict:
    async with client.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def post(client: aiohttp.ClientSession, path: str, body: object) -> tuple[int, dict]:
    async with client.post(path, json=body) as answer:
        return answer.status, await answer.json()


async def test_a_meeting_is_planned_and_listed(site: Site) -> None:
    client = await site.sign_in()
    made = await new_meeting(client)
    assert made["join_url"] == f"{site.url}/m/{made['code']}"
    (listed,) = (await get(client, "/api/v1/meetings"))["meetings"]
    assert listed == {
        "id": made["id"],
        "code": made["code"],
        "title": TITLE,
        "state": "planned",
        "created_at": "2026-11-23T01:00:00.000Z",
        "started_at": None,
        "ended_at": None,
        "join_url": made["join_url"],
        "recordings": 0,
    }
    details = await get(client, f"/api/v1/meetings/{made['id']}")
    assert details["snapshot"]["title"] == TITLE


@pytest.mark.parametrize(
    ("title", "code"), [("", "title_invalid"), ("\u200b", "title_invalid"), ("x" * 10_000, "title_invalid")]
)
async def test_a_title_that_cannot_be_read_is_refused(site: Site, title: str, code: str) -> None:
    assert (await post(await site.sign_in(), "/api/v1/meetings", {"title": title}))[1]["code"] == code


async def test_a_seat_is_issued(site: Site) -> None:
    client = await site.sign_in()
    made = await new_meeting(client)
    body = {"name": "  Điểm cầu\u202e Gia Lai ", "role": "operator", "kind": "room"}
    status, answer = await post(client, f"/api/v1/meetings/{made['id']}/tokens", body)
    assert status == 200
    assert answer["join_url"] == f"{made['join_url']}#t={answer['token']}"
    seat = await site.storage.seats.find(answer["token"])
    assert seat is not None
    assert (seat.name, seat.role.value, seat.kind.value) == ("Điểm cầu Gia Lai", "operator", "room")
    assert seat.participant_id == answer["participant_id"]
    site.clock.advance(days=30)
    assert not seat.is_valid(site.clock())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x" * 10_000}, "name_invalid"),
        ({"name": " \u200b"}, "name_invalid"),
        ({"name": "Lan", "role": "admin"}, "field_invalid"),
        ({"name": "Lan", "kind": "robot"}, "field_invalid"),
        ({"name": 5}, "field_invalid"),
        ({"name": "Lan", "participant_id": "x"}, "field_unknown"),
        ({}, "field_missing"),
        ([], "field_invalid"),
    ],
)
async def test_a_wrong_seat_is_refused(site: Site, body: object, code: str) -> None:
    client = await site.sign_in()
    path = f"/api/v1/meetings/{(await new_meeting(client))['id']}/tokens"
    status, answer = await post(client, path, body)
    assert (status, answer["code"]) == (400, code)


async def test_markup_in_a_name_stays_a_name(site: Site) -> None:
    client = await site.sign_in()
    path = f"/api/v1/meetings/{(await new_meeting(client))['id']}/tokens"
    _, answer = await post(client, path, {"name": "<img src=x onerror=alert(1)>"})
    seat = await site.storage.seats.find(answer["token"])
    assert seat is not None
    assert seat.name == "<img src=x onerror=alert(1)>"


class TestLink:
    async def test_a_stranger_gets_a_delegates_seat(self, site: Site) -> None:
        made = await new_meeting(await site.sign_in())
        stranger, path = site.client(), f"/api/v1/links/{made['code']}"
        assert await get(stranger, path) == {
            "meeting_id": made["id"],
            "title": TITLE,
            "state": "planned",
            "signed_in_as": None,
            "manages": False,
        }
        seats = [(await post(stranger, f"{path}/seats", {"name": "Lan"}))[1] for _ in range(2)]
        assert seats[0]["participant_id"] != seats[1]["participant_id"]
        seat = await site.storage.seats.find(seats[0]["token"])
        assert seat is not None
        assert (seat.role, seat.meeting_id) == (Role.DELEGATE, seats[0]["meeting_id"])

    async def test_a_manager_gets_the_same_chair_on_every_device(self, site: Site) -> None:
        owner, admin = await site.user("lan"), await site.sign_in()
        made = await new_meeting(owner)
        path = f"/api/v1/links/{made['code']}"
        assert (await get(owner, path)) | {"title": ""} == {
            "meeting_id": made["id"],
            "title": "",
            "state": "planned",
            "signed_in_as": "lan",
            "manages": True,
        }
        seats = [(await post(owner, f"{path}/seats", {"name": "Lan"}))[1] for _ in range(2)]
        assert seats[0]["participant_id"] == seats[1]["participant_id"]
        assert seats[0]["token"] != seats[1]["token"]
        other = (await post(admin, f"{path}/seats", {"name": "Quản trị"}))[1]
        assert other["participant_id"] != seats[0]["participant_id"]
        for answer in (*seats, other):
            seat = await site.storage.seats.find(answer["token"])
            assert seat is not None
            assert seat.role is Role.CHAIR

    async def test_another_user_is_a_delegate(self, site: Site) -> None:
        made = await new_meeting(await site.sign_in())
        nan = await site.user("nan")
        _, answer = await post(nan, f"/api/v1/links/{made['code']}/seats", {"name": "Nan"})
        seat = await site.storage.seats.find(answer["token"])
        assert seat is not None
        assert seat.role is Role.DELEGATE

    async def test_a_browser_takes_the_chair_by_cookie(self, site: Site) -> None:
        browser = site.browser()
        await post(browser, "/api/v1/login", {"username": "admin", "password": PASSWORD})
        made = await new_meeting(browser)
        _, answer = await post(browser, f"/api/v1/links/{made['code']}/seats", {"name": "Chủ trì"})
        seat = await site.storage.seats.find(answer["token"])
        assert seat is not None
        assert seat.role is Role.CHAIR

    async def test_nobody_chooses_a_role_by_link(self, site: Site) -> None:
        made = await new_meeting(await site.sign_in())
        body = {"name": "Lan", "role": "chair"}
        status, answer = await post(site.client(), f"/api/v1/links/{made['code']}/seats", body)
        assert (status, answer["code"]) == (400, "field_unknown")
        assert answer["messages"]["vi"] == "Không có trường dữ liệu “role”."

    @pytest.mark.parametrize("code", ["mfqk7-txx4p-9hcwa", "x", "a" * 41, "%2e%2e"])
    async def test_a_wrong_code_leads_nowhere(self, site: Site, code: str) -> None:
        async with site.client().get(f"/api/v1/links/{code}") as answer:
            assert answer.status == 404

    async def test_an_ended_meeting_is_told_and_gives_no_seat(self, site: Site) -> None:
        client = await site.sign_in()
        made = await new_meeting(client)
        await site.admit(made["id"], "Lan")
        assert (await post(client, f"/api/v1/meetings/{made['id']}/end", {}))[0] == 200
        assert (await get(client, f"/api/v1/links/{made['code']}"))["state"] == "ended"
        status, answer = await post(client, f"/api/v1/links/{made['code']}/seats", {"name": "Lan"})
        assert (status, answer["code"]) == (409, "meeting_ended")
        status, answer = await post(client, f"/api/v1/meetings/{made['id']}/tokens", {"name": "Lan"})
        assert (status, answer["code"]) == (409, "meeting_ended")

    async def test_an_address_that_asks_too_often_is_slowed_and_issued_seats_are_not(
        self, site: Site
    ) -> None:
        client = await site.sign_in()
        made = await new_meeting(client)
        path = f"/api/v1/links/{made['code']}"
        statuses, waits = [], []
        for _ in range(140):
            async with client.get(path) as answer:
                statuses.append(answer.status)
                if answer.status == 429:
                    waits.append(int(answer.headers["Retry-After"]))
        assert statuses[:120] == [200] * 120
        assert waits
        assert min(waits) >= 1
        tokens = f"/api/v1/meetings/{made['id']}/tokens"
        for _ in range(5):
            assert (await post(client, tokens, {"name": "Lan"}))[0] == 200


async def test_the_recording_is_commanded(site: Site) -> None:
    client = await site.sign_in()
    made = await new_meeting(client)
    path = f"/api/v1/meetings/{made['id']}/recording"
    assert (await post(client, path, {"action": "start"}))[1]["code"] == "meeting_not_running"
    await site.admit(made["id"], "Lan")
    for action, state in (
        ("start", "recording"),
        ("pause", "paused"),
        ("resume", "recording"),
        ("stop", "stopped"),
    ):
        status, answer = await post(client, path, {"action": action})
        assert (status, answer["state"]) == (200, state)
        assert len(answer["recording_id"]) == 26
    assert await post_code(client, path, {"action": "stop"}) == (409, "recording_not_running")
    assert await post_code(client, path, {"action": "erase"}) == (400, "field_invalid")


async def post_code(client: aiohttp.ClientSession, path: str, body: object) -> tuple[int, str]:
    status, answer = await post(client, path, body)
    return status, answer["code"]


async def test_ending_twice_is_a_conflict(site: Site) -> None:
    client = await site.sign_in()
    made = await new_meeting(client)
    await site.admit(made["id"], "Lan")
    path = f"/api/v1/meetings/{made['id']}/end"
    assert await post(client, path, {}) == (200, {"id": made["id"], "state": "ended"})
    assert await post_code(client, path, {}) == (409, "meeting_ended")


async def test_the_log_is_read_as_it_is_kept(site: Site) -> None:
    client = await site.sign_in()
    made = await new_meeting(client)
    participant_id = await site.admit(made["id"], "Lan", Role.CHAIR)
    answer = await get(client, f"/api/v1/meetings/{made['id']}/events?after=1")
    started, joined = answer["events"]
    assert (started["type"], joined["seq"]) == ("MeetingStarted", 3)
    assert joined["previous_hash"] == started["hash"]
    assert joined["data"]["participant_id"] == participant_id
    limited = await get(client, f"/api/v1/meetings/{made['id']}/events?limit=1")
    assert [event["type"] for event in limited["events"]] == ["MeetingCreated"]
    async with client.get(f"/api/v1/meetings/{made['id']}/events?after=-1") as refused:
        assert (refused.status, (await refused.json())["code"]) == (400, "field_invalid")


class TestMinutes:
    @pytest.mark.parametrize(
        ("document", "media_type", "shown"),
        [
            ("html", "text/html", "inline"),
            ("json", "application/json", "inline"),
            ("pdf", "application/pdf", "attachment"),
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "attachment"),
        ],
    )
    async def test_each_format(self, site: Site, document: str, media_type: str, shown: str) -> None:
        client = await site.sign_in()
        made = await new_meeting(client)
        async with client.get(f"/api/v1/meetings/{made['id']}/minutes?format={document}&lang=en") as answer:
            assert (answer.status, answer.content_type) == (200, media_type)
            disposition = answer.headers["Content-Disposition"]
            assert disposition == f'{shown}; filename="bien-ban-{made["code"]}.{document}"'
            body = await answer.text()
            assert "MeetingCreated" in body
            assert "en" in body

    async def test_a_page_of_minutes_runs_nothing(self, site: Site) -> None:
        client = await site.sign_in()
        made = await new_meeting(client)
        async with client.get(f"/api/v1/meetings/{made['id']}/minutes") as answer:
            policy = answer.headers["Content-Security-Policy"]
        digest = base64.b64encode(hashlib.sha256(b"p{color:red}").digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "unsafe" not in policy

    async def test_other_formats_are_refused(self, site: Site) -> None:
        client = await site.sign_in()
        made = await new_meeting(client)
        async with client.get(f"/api/v1/meetings/{made['id']}/minutes?format=exe") as answer:
            assert answer.status == 400


async def test_what_is_not_ones_own_does_not_exist(site: Site) -> None:
    made = await new_meeting(await site.sign_in())
    nan, nobody = await site.user("nan"), site.client()
    base = f"/api/v1/meetings/{made['id']}"
    for path in (base, f"{base}/events", f"{base}/minutes"):
        for method in ("GET", "HEAD"):
            async with nan.request(method, path) as answer:
                assert answer.status == 404
            async with nobody.request(method, path) as answer:
                assert answer.status == 401
    for action, body in (("tokens", {"name": "x"}), ("recording", {"action": "start"}), ("end", {})):
        assert await post_code(nan, f"{base}/{action}", body) == (404, "meeting_unknown")
        assert await post_code(nobody, f"{base}/{action}", body) == (401, "sign_in_required")
    assert (await get(nan, "/api/v1/meetings"))["meetings"] == []
    for wrong in ("x", "A" * 26, "a" * 27, "..%2f..%2fetc"):
        async with nan.get(f"/api/v1/meetings/{wrong}") as answer:
            assert answer.status == 404
