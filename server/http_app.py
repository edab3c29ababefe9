"""The HTTP application: joins what the other modules offer. Sockets, media and meetings are joined by the
program."""

from pathlib import Path
from typing import Any

from aiohttp import web

from server import api, headers, pages
from server.auth import Auth
from server.catalogue import Catalogue
from server.config import Settings
from server.first_times import FirstTimes
from server.keys import (
    ARCHIVE,
    AUTH,
    CATALOGUE,
    CLOCK,
    LIMITS,
    MEDIA,
    MEETINGS,
    METRICS,
    MINUTES,
    QUALITY,
    READINESS,
    READINGS,
    SETTINGS,
    STATIC,
    STORAGE,
)
from server.limits import Limits
from server.media import MediaPlane
from server.media_quality import MediaQuality
from server.metrics import HttpMetrics
from server.middlewares import MIDDLEWARES
from server.readiness import Readiness
from server.routes import BODY_MAX
from server.services import Archive, Clock, MeetingService, MinutesWriter, utc_now
from server.storage import Storage

# Of web.AppRunner: bodies are not inflated (nobody needs to, and a small one can become a huge one); the rest
# of a body that was refused is hardly read; a connection that sends no request, or one without end, is
# closed.
RUNNER_OPTIONS: dict[str, Any] = {
    "auto_decompress": False,
    "keepalive_timeout": 15.0,
    "lingering_time": 1.0,
    "access_log": None,
}


def make_application(
    settings: Settings,
    storage: Storage,
    auth: Auth,
    meetings: MeetingService,
    archive: Archive,
    minutes: MinutesWriter,
    media: MediaPlane,
    *,
    static: Path = pages.STATIC_DIRECTORY,
    clock: Clock = utc_now,
) -> web.Application:
    """Return the application with every route, to which the caller adds those of live meetings."""
    app = web.Application(middlewares=[*MIDDLEWARES, pages.show_missing_page], client_max_size=BODY_MAX)
    app[SETTINGS] = settings
    app[STORAGE] = storage
    app[AUTH] = auth
    app[MEETINGS] = meetings
    app[ARCHIVE] = archive
    app[MINUTES] = minutes
    app[MEDIA] = media
    app[QUALITY] = MediaQuality(media)
    app[CLOCK] = clock
    app[STATIC] = static
    app[CATALOGUE] = Catalogue.load(static / "locales")
    app[LIMITS] = Limits()
    app[READINGS] = FirstTimes()
    app[METRICS] = HttpMetrics()
    app[READINESS] = Readiness({"storage": storage.ping})
    headers.setup(app)
    api.setup_routes(app)
    pages.setup_routes(app)
    return app
