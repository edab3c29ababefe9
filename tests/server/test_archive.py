"""Recordings over HTTP: search, files with ranges, nobody else's, nothing that was not reported."""

import hashlib
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from rooms.ids import MeetingId, RecordingId, new_id
from server.logs import configure
from server.storage.recordings import RecordingFile, RecordingRow, RecordingState
from tests.server.test_meetings import get, new_meeting
from tests.support.site import Site

CONTENT = bytes(range(256)) * 40
NAME = "lan-camera-1.webm"


async def record(site: Site, meeting_id: str, state: RecordingState = RecordingState.READY) -> str:
    """Store a recording with one file, on the disk too."""
    recording_id = RecordingId(new_id())
    row = RecordingRow(recording_id, MeetingId(meeting_id), state, site.clock(), 1500)
    await site.storage.recordings.add(row)
    if state is RecordingState.READY:
        await site.storage.recordings.update(
            recording_id, state, site.clock() + timedelta(seconds=7), duration_ms=7000
        )
    await add_file(site, recording_id, NAME)
    folder = site.archive / recording_id
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT)
    (folder / "ledger.jsonl").write_text("secret")
    return recording_id


async def add_file(site: Site, recording_id: str, name: str, participant_id: str = "lan") -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    values = (participant_id, "camera", "video", "VP8", 0, 6900, len(CONTENT), sha256, [], 640, 360)
    await site.storage.recordings.add_file(RecordingFile(RecordingId(recording_id), name, *values))


@pytest.fixture
async def admin(site: Site) -> aiohttp.ClientSession:
    return await site.sign_in()


@pytest.fixture
async def recording_id(site: Site, admin: aiohttp.ClientSession) -> str:
    return await record(site, (await new_meeting(admin))["id"])


async def test_a_recording_is_found(site: Site, admin: aiohttp.ClientSession, recording_id: str) -> None:
    (found,) = (await get(admin, "/api/v1/recordings?q=hop giao"))["recordings"]
    assert found["id"] == recording_id
    assert (found["state"], found["duration_ms"], found["size"]) == ("ready", 7000, len(CONTENT))
    assert (found["started_at"], found["start_ms"]) == ("2026-11-23T01:00:00.000Z", 1500)
    assert (await get(admin, "/api/v1/recordings?q=khac"))["recordings"] == []
    by_meeting = await get(admin, f"/api/v1/recordings?q=&meeting={found['meeting_id']}")
    assert len(by_meeting["recordings"]) == 1
    assert (await get(admin, "/api/v1/recordings?meeting=x"))["recordings"] == []
    assert (await get(admin, "/api/v1/meetings"))["meetings"][0]["recordings"] == 1


async def test_a_recording_tells_its_files(admin: aiohttp.ClientSession, recording_id: str) -> None:
    details = await get(admin, f"/api/v1/recordings/{recording_id}")
    (file,) = details["files"]
    assert file == {
        "name": NAME,
        "url": f"/api/v1/recordings/{recording_id}/files/{NAME}",
        "participant_id": "lan",
        "participant_name": "",
        "source": "camera",
        "kind": "video",
        "codec": "VP8",
        "start_ms": 0,
        "end_ms": 6900,
        "duration_ms": 6900,
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "gaps": [],
        "width": 640,
        "height": 360,
    }


async def test_files_are_told_by_name(site: Site, admin: aiohttp.ClientSession, recording_id: str) -> None:
    meeting_id = (await get(admin, f"/api/v1/recordings/{recording_id}"))["meeting_id"]
    lan = await site.admit(meeting_id, "Bùi Thị Lan")
    nan = await site.admit(meeting_id, "Điểm cầu Gia Lai")
    await add_file(site, recording_id, f"{lan}-camera-1.webm", lan)
    details = await get(admin, f"/api/v1/recordings/{recording_id}")
    assert details["participants"] == [
        {"participant_id": lan, "name": "Bùi Thị Lan"},
        {"participant_id": nan, "name": "Điểm cầu Gia Lai"},
    ]
    assert {file["participant_name"] for file in details["files"]} == {"", "Bùi Thị Lan"}


async def test_a_running_recording_lasts_as_long_as_its_files(
    site: Site, admin: aiohttp.ClientSession
) -> None:
    running = await record(site, (await new_meeting(admin))["id"], RecordingState.RECORDING)
    assert (await get(admin, f"/api/v1/recordings/{running}"))["duration_ms"] == 6900


@pytest.mark.parametrize(
    ("requested", "status", "content"),
    [
        (None, 200, CONTENT),
        ("bytes=0-", 206, CONTENT),
        ("bytes=10-19", 206, CONTENT[10:20]),
        ("bytes=-5", 206, CONTENT[-5:]),
        ("bytes=10000-99999", 206, CONTENT[10000:]),
        ("bytes=20000-", 416, None),
    ],
)
async def test_ranges(
    admin: aiohttp.ClientSession, recording_id: str, requested: str | None, status: int, content: bytes | None
) -> None:
    path = f"/api/v1/recordings/{recording_id}/files/{NAME}"
    async with admin.get(path, headers={"Range": requested} if requested else {}) as answer:
        assert answer.status == status
        if content is not None:
            assert await answer.read() == content
            assert answer.content_type == "video/webm"
            assert answer.headers["Content-Disposition"] == f'inline; filename="{NAME}"'
            assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("requested", "content"),
    [
        ("bytes=0-", CONTENT[:1000]),
        ("bytes=10000-", CONTENT[10000:11000]),
        ("bytes=0-1999", CONTENT[:2000]),
        (None, CONTENT),
    ],
)
async def test_what_is_asked_for_to_the_end_comes_in_pieces(
    admin: aiohttp.ClientSession,
    recording_id: str,
    requested: str | None,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.ranges.PIECE_BYTES", 1000)
    path = f"/api/v1/recordings/{recording_id}/files/{NAME}"
    async with admin.get(path, headers={"Range": requested} if requested else {}) as answer:
        assert await answer.read() == content


async def test_whoever_reads_is_in_the_log_wherever_he_begins(
    site: Site, admin: aiohttp.ClientSession, recording_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    path = f"/api/v1/recordings/{recording_id}/files/{NAME}"

    async def read(client: aiohttp.ClientSession, *ranges: str) -> int:
        for requested in ranges:
            async with client.get(path, headers={"Range": requested}) as answer:
                await answer.read()
        return capsys.readouterr().err.count("recording_read")

    assert await read(admin, "bytes=-999999999", "bytes=5-9", "bytes=1-") == 1
    assert await read(admin, "bytes=0-", "bytes=1000-") == 1
    assert await read(await site.sign_in(), "bytes=1-", "bytes=10-") == 1


async def test_a_file_is_not_sent_twice(admin: aiohttp.ClientSession, recording_id: str) -> None:
    path = f"/api/v1/recordings/{recording_id}/files/{NAME}"
    async with admin.head(path) as answer:
        assert (answer.status, answer.content_length) == (200, len(CONTENT))
        etag = answer.headers["ETag"]
    async with admin.get(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with admin.get(f"{path}?download=1") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    ["ledger.jsonl", "..%2f..%2fdata%2fdiemcau.db", "%2e%2e", f"{NAME}.part", "%00", "CON", "a" * 3000, "."],
)
async def test_only_what_was_reported_is_served(
    site: Site, admin: aiohttp.ClientSession, recording_id: str, name: str
) -> None:
    url = URL(f"{site.url}/api/v1/recordings/{recording_id}/files/{name}", encoded=True)
    async with admin.get(url) as answer:
        assert answer.status == 404


async def test_a_missing_file_is_told(site: Site, admin: aiohttp.ClientSession, recording_id: str) -> None:
    await add_file(site, recording_id, "gone.webm")
    async with admin.get(f"/api/v1/recordings/{recording_id}/files/gone.webm") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "file_missing")


async def test_another_agencys_recording_does_not_exist(site: Site, recording_id: str) -> None:
    nan, nobody = await site.user("nan"), site.client()
    base = f"/api/v1/recordings/{recording_id}"
    for path in (base, f"{base}/files/{NAME}", f"{base}/files/none"):
        for method in ("GET", "HEAD"):
            async with nan.request(method, path, headers={"Range": "bytes=0-1"}) as answer:
                assert answer.status == 404
            async with nobody.request(method, path) as answer:
                assert answer.status == 401
    assert (await get(nan, "/api/v1/recordings"))["recordings"] == []


async def test_a_range_of_a_list_is_checked(admin: aiohttp.ClientSession) -> None:
    for wrong in ("limit=0", "limit=501", "offset=-1", "limit=x", "q=" + "x" * 201):
        async with admin.get(f"/api/v1/recordings?{wrong}") as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "field_invalid")
