"""The composition root: builds the parts, joins them, starts them in order and ends them in the reverse."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from aiohttp import web

from server.addresses import media_addresses, media_hosts
from server.archive import RecordingFolders
from server.auth import Auth
from server.config import Settings
from server.control import ControlServer
from server.effects import MediaEffects
from server.follower import Follower
from server.http_app import make_application
from server.ice_servers import IceServers
from server.keys import CATALOGUE, MEDIA, METRICS, QUALITY, READINESS
from server.live import LiveMeetings
from server.media import MediaPlane
from server.media_log import MediaLog
from server.media_metrics import MediaMetrics
from server.meeting_service import LiveMeetingService
from server.minutes import write_minutes
from server.presence import Presence
from server.recordings import Recordings
from server.signalling import Signalling
from server.storage import Storage
from server.supervisor import ChildCommand, Supervisor
from server.whip import HttpIngest


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[web.Application]:
    """The whole server, its child processes running, as the application to serve. Raises what
    Storage.open raises."""
    async with contextlib.AsyncExitStack() as closing:
        # Unix socket paths are short (107 bytes), so the sockets do not lie in the data directory.
        runtime = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="diemcau-")))
        storage = await Storage.open(settings)
        closing.push_async_callback(storage.close)
        auth = Auth(storage, settings)
        closing.callback(auth.close)
        meetings = LiveMeetings(
            storage, participant_limit=settings.participant_limit, video_codec=settings.video_codec
        )
        folders = RecordingFolders(settings.data)
        control = ControlServer(runtime / "control.sock")
        turn = IceServers(settings)
        app = make_application(
            settings,
            storage,
            auth,
            LiveMeetingService(meetings),
            folders,
            write_minutes,
            MediaPlane(control, lambda participant: turn.ice_servers(participant, time.time())),
        )
        await _start_live(closing, app, settings, runtime, storage, meetings, folders, control)
        yield app


async def _start_live(
    closing: contextlib.AsyncExitStack,
    app: web.Application,
    settings: Settings,
    runtime: Path,
    storage: Storage,
    meetings: LiveMeetings,
    folders: RecordingFolders,
    control: ControlServer,
) -> None:
    """What meetings need while they run. Each part is ended before those it stands on."""
    media, presence = app[MEDIA], Presence(meetings)
    closing.push_async_callback(presence.close)
    recordings = Recordings(storage, control, media, meetings, folders, runtime / "tap.sock")
    closing.push_async_callback(recordings.close)
    effects = Follower("media effects", MediaEffects(media))
    meetings.listeners.append(effects)
    closing.push_async_callback(effects.close)
    closing.push_async_callback(MediaLog(media, meetings).close)
    signalling = Signalling(storage, meetings, media, presence, app[CATALOGUE])
    ingest = HttpIngest(storage, meetings, media, presence)
    for part in (signalling, ingest):
        part.setup_routes(app)

    async def say_goodbye(_: web.Application) -> None:
        await signalling.close()

    # Before the runner waits for open connections: a socket is one for as long as its client is there.
    app.on_shutdown.append(say_goodbye)
    metrics = MediaMetrics(control, app[QUALITY])
    app[METRICS].registry.register(metrics)
    app[METRICS].refreshers.append(metrics.refresh)
    app[READINESS].checks |= {
        "media": media.check,
        "recorder": recordings.check,
        "processes": control.check,
    }
    for live in await meetings.load_running():
        await presence.abandon(live)
    await control.start()
    closing.push_async_callback(control.close)
    supervisor = Supervisor(_children(settings, runtime))
    control.on_stuck.append(lambda child: supervisor.restart(child.name))
    await supervisor.start()
    closing.push_async_callback(supervisor.close)
    closing.push_async_callback(recordings.suspend)
    closing.push_async_callback(ingest.close)


def _children(settings: Settings, runtime: Path) -> Sequence[ChildCommand]:
    control = str(runtime / "control.sock")
    hosts = [argument for host in media_hosts(settings) for argument in ("--listen", host)]
    addresses = [argument for address in media_addresses(settings) for argument in ("--address", address)]
    workers = [
        ChildCommand(
            name := f"sfu{number}",
            [
                *(sys.executable, "-m", "sfu", "--control", control, "--name", name),
                *("--port", str(settings.media_port + number), *hosts, *addresses),
            ],
        )
        for number in range(settings.sfu_workers)
    ]
    tap = str(runtime / "tap.sock")
    recorder = [sys.executable, "-m", "recording", "--control", control, "--tap", tap]
    return [*workers, ChildCommand("recorder", recorder)]
