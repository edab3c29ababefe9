"""The HTTP interface, one module per resource."""

from aiohttp import web

from server.api import (
    events,
    health,
    links,
    login,
    me,
    media,
    meetings,
    minutes,
    recording,
    recordings,
    setup,
    tokens,
)
from server.openapi import document
from server.routes import Endpoint

_MODULES = (login, setup, me, meetings, links, tokens, recording, events, media, minutes, recordings, health)


def endpoints() -> list[Endpoint]:
    """Return every route of the interface."""
    return [endpoint for module in _MODULES for endpoint in module.api.endpoints]


def setup_routes(app: web.Application) -> None:
    """Add every route, and the document that describes them."""
    for module in _MODULES:
        module.api.setup_routes(app)
    described = document(endpoints())

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(described, headers={"Cache-Control": "no-cache"})

    app.router.add_get("/api/v1/openapi.json", openapi)
