"""The real HTTP application on a free port, and a client for it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from argon2 import PasswordHasher

from rooms.ids import MeetingId, ParticipantId, new_id
from rooms.log import LoggedEvent
from rooms.permissions import Role
from server.auth import Auth
from server.config import Settings
from server.control import ControlServer
from server.http_app import RUNNER_OPTIONS, make_application
from server.live import LiveMeetings
from server.media import MediaPlane
from server.meeting_service import LiveMeetingService
from server.pages import STATIC_DIRECTORY
from server.passwords import Passwords
from server.storage import Storage
from tests.support.clock import FakeClock

PASSWORD = "Mat-khau-dai-2026"
# A hundred sites in a test run cannot each spend half a second on a password.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Site:
    """A running server and what is behind it."""

    url: str
    app: web.Application
    storage: Storage
    auth: Auth
    clock: FakeClock
    meetings: LiveMeetings
    archive: Path
    control: ControlServer
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)

    def client(self, token: str | None = None, **headers: str) -> aiohttp.ClientSession:
        """Return a program's client: no cookies kept, a bearer token if there is one."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        jar = aiohttp.DummyCookieJar()
        session = aiohttp.ClientSession(self.url, headers=headers, cookie_jar=jar)
        self.sessions.append(session)
        return session

    def browser(self, **headers: str) -> aiohttp.ClientSession:
        """Return a client that keeps cookies and tells where its requests come from, as browsers do."""
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} | headers
        jar = aiohttp.CookieJar(unsafe=True)
        session = aiohttp.ClientSession(self.url, headers=headers, cookie_jar=jar)
        self.sessions.append(session)
        return session

    async def sign_in(self, username: str = "admin", password: str = PASSWORD) -> aiohttp.ClientSession:
        """Return a client that is signed in by bearer token."""
        async with self.client().post(
            "/api/v1/login", json={"username": username, "password": password}
        ) as answer:
            return self.client((await answer.json())["token"])

    async def admit(self, meeting_id: str, name: str, role: Role = Role.DELEGATE) -> ParticipantId:
        """Let somebody into a meeting."""
        participant_id, live = ParticipantId(new_id()), await self.meetings.get(MeetingId(meeting_id))
        await live.execute(participant_id, lambda meeting, _: meeting.admit(participant_id, name, role))
        return participant_id

    async def user(self, username: str) -> aiohttp.ClientSession:
        """Add an ordinary account and return a client signed in as it."""
        await self.auth.add_user(username, PASSWORD, is_admin=False)
        return await self.sign_in(username)


class FolderArchive:
    """Recordings in one folder each."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def file_path(self, recording_id: str, name: str) -> Path:
        """Return where a file lies."""
        return self._root / recording_id / name


def plain_minutes(events: list[LoggedEvent], document_format: str, language: str) -> bytes:
    """Return the log's types as a document: enough to see that the right events came."""
    types = [event.type for event in events]
    if document_format == "html":
        return f"<!doctype html><style>p{{color:red}}</style><p lang={language}>{types}".encode()
    return json.dumps({"format": document_format, "language": language, "types": types}).encode()


@asynccontextmanager
async def serve(
    directory: Path, static: Path = STATIC_DIRECTORY, idle_s: float = 15, **settings: Any
) -> AsyncIterator[Site]:
    """Run a site with a signed-up administrator until the block ends; `idle_s` closes silent connections."""
    values = {"data": directory / "data", "tls": "off", "admin_password": PASSWORD} | settings
    read, clock = Settings(**values), FakeClock()
    storage = await Storage.open(read)
    auth = Auth(storage, read, clock, Passwords(_CHEAP, _CHEAP.hash("nobody")))
    await auth.first_run()
    meetings, archive = LiveMeetings(storage, clock, video_codec=read.video_codec), directory / "archive"
    control = ControlServer(directory / "control.sock")
    media = MediaPlane(control)
    app = make_application(
        read,
        storage,
        auth,
        LiveMeetingService(meetings),
        FolderArchive(archive),
        plain_minutes,
        media,
        static=static,
        clock=clock,
    )
    runner = web.AppRunner(app, **RUNNER_OPTIONS | {"keepalive_timeout": idle_s})
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        site = Site(url, app, storage, auth, clock, meetings, archive, control)
        yield site
        for session in site.sessions:
            await session.close()
    finally:
        await runner.cleanup()
        auth.close()
        await storage.close()
