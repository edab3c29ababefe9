"""What hangs on the aiohttp application, by name."""

from pathlib import Path

from aiohttp import web

from server.auth import Auth
from server.catalogue import Catalogue
from server.config import Settings
from server.first_times import FirstTimes
from server.limits import Limits
from server.media import MediaPlane
from server.media_quality import MediaQuality
from server.metrics import HttpMetrics
from server.readiness import Readiness
from server.services import Archive, Clock, MeetingService, MinutesWriter
from server.storage import Storage

SETTINGS = web.AppKey("settings", Settings)
STORAGE = web.AppKey("storage", Storage)
CATALOGUE = web.AppKey("catalogue", Catalogue)
AUTH = web.AppKey("auth", Auth)
LIMITS = web.AppKey("limits", Limits)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
METRICS = web.AppKey("metrics", HttpMetrics)
STATIC = web.AppKey("static", Path)
READINGS = web.AppKey("readings", FirstTimes)
MEDIA = web.AppKey("media", MediaPlane)
QUALITY = web.AppKey("quality", MediaQuality)
READINESS = web.AppKey("readiness", Readiness)

MEETINGS: web.AppKey[MeetingService] = web.AppKey("meetings")
ARCHIVE: web.AppKey[Archive] = web.AppKey("archive")
MINUTES: web.AppKey[MinutesWriter] = web.AppKey("minutes")
