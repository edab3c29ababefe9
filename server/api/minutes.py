"""The minutes of a meeting, made from its log when asked for."""

import asyncio
import base64
import hashlib
import re

from aiohttp import web

from recording.documents import CONTENT_TYPES, Format
from recording.documents.catalogue import Language
from server.access import managed_meeting
from server.api.models import MEETING_ID
from server.audit import audit
from server.auth import Identity
from server.keys import MINUTES, STORAGE
from server.routes import Api, Query

api = Api("meetings")

_STYLE = re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL)


class MinutesQuery(Query):
    """As which document, in which language."""

    format: Format = "html"
    lang: Language = "vi"


@api.get(
    f"/api/v1/meetings/{MEETING_ID}/minutes",
    "Get the minutes",
    errors=("meeting_unknown",),
    media_types=tuple(CONTENT_TYPES.values()),
)
async def get_minutes(request: web.Request, identity: Identity, query: MinutesQuery) -> web.Response:
    """Return the minutes as far as the meeting has come."""
    meeting = await managed_meeting(request, identity)
    events = await request.app[STORAGE].events.read(meeting.meeting_id)
    body = await asyncio.to_thread(request.app[MINUTES], events, query.format, query.lang)
    audit(request, "minutes_read", user=identity.user.user_id, meeting=meeting.meeting_id)
    response = web.Response(body=body, content_type=CONTENT_TYPES[query.format])
    response.headers["Cache-Control"] = "no-store"
    shown = "inline" if query.format in {"html", "json"} else "attachment"
    filename = f"bien-ban-{meeting.code}.{query.format}"
    response.headers["Content-Disposition"] = f'{shown}; filename="{filename}"'
    if query.format == "html":
        _protect(response, body)
    return response


def _protect(response: web.Response, body: bytes) -> None:
    """Let a printed page have the style it brings and nothing else: what people typed stands in it."""
    response.charset = "utf-8"
    hashes = (hashlib.sha256(style).digest() for style in _STYLE.findall(body))
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes) or "'none'"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {styles}; img-src data:; font-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; sandbox allow-modals"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
