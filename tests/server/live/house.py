"""One meeting behind real sockets, with a control link on which a test may put a worker."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from rooms.ids import ParticipantId, new_id
from rooms.log import LoggedEvent
from rooms.participant import Kind
from rooms.permissions import Role
from server.catalogue import Catalogue
from server.config import Settings
from server.control import ControlServer
from server.keys import SETTINGS
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.media_log import MediaLog
from server.pages import STATIC_DIRECTORY
from server.presence import Presence
from server.services import utc_now
from server.signalling import Signalling
from server.storage import Storage
from tests.support.children import FakeSfu
from tests.support.clock import Seconds
from tests.support.seat import Seat
from tests.support.wait import until


@dataclass
class House:
    """What is behind the sockets, and who is there."""

    storage: Storage
    live: LiveMeeting
    control: ControlServer
    media: MediaPlane
    signalling: Signalling
    media_log: MediaLog
    seconds: Seconds
    origin: str
    workers: list[FakeSfu] = field(default_factory=list)

    async def token(self, name: str) -> tuple[ParticipantId, str]:
        """A new seat's participant and join token."""
        participant_id, until = ParticipantId(new_id()), utc_now() + timedelta(hours=1)
        issue = self.storage.seats.issue
        return participant_id, await issue(
            self.live.meeting_id, participant_id, name, Role.DELEGATE, Kind.PERSON, until
        )

    def seat(self, token: str) -> Seat:
        """A client of that seat, not connected yet."""
        return Seat(self.origin, token)

    def holds(self, **wanted: bool) -> Callable[[], bool]:
        """Whether every participant is as wanted: `connected`, `present`."""
        people = self.live.meeting.participants
        return lambda: all(
            getattr(p, name) is value for p in people.values() for name, value in wanted.items()
        )

    async def worker(self) -> FakeSfu:
        """A media worker, connected."""
        worker = FakeSfu(self.control.path, [])
        self.workers.append(worker)
        await until(lambda: self.control.of_kind("sfu"))
        return worker

    async def logged(self, event_type: str) -> list[LoggedEvent]:
        """The events of a type so far."""
        return [event for event in await self.live.events_after(0) if event.type == event_type]


@asynccontextmanager
async def open_house(
    directory: Path, storage: Storage, meetings: LiveMeetings, live: LiveMeeting
) -> AsyncIterator[House]:
    """Let people in until the block ends."""
    presence, control, seconds = Presence(meetings), ControlServer(directory / "control.sock"), Seconds()
    await control.start()
    media = MediaPlane(control, lambda participant_id: [{"urls": f"turn:{participant_id}"}])
    media_log = MediaLog(media, meetings, seconds)
    catalogue = Catalogue.load(STATIC_DIRECTORY / "locales")
    signalling = Signalling(storage, meetings, media, presence, catalogue)
    app = web.Application()
    app[SETTINGS] = Settings(data=directory)
    signalling.setup_routes(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    house = House(storage, live, control, media, signalling, media_log, seconds, origin)
    yield house
    await signalling.close()
    await runner.cleanup()
    for worker in house.workers:
        await worker.die()
    await control.close()
    await media_log.close()
    await presence.close()
