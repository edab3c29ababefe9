"""The browser's side: one HTML shell for every page, its files, the catalogue."""

import asyncio
from pathlib import Path

from aiohttp import web

from server.keys import CATALOGUE, STATIC
from server.middlewares import Handler
from server.problems import Problem

STATIC_DIRECTORY = Path(__file__).parent.parent / "static"

_PAGES = ("/", "/setup", "/m/{code}", "/archive", "/archive/{recording_id}")
# What is served, by folder and by kind of file: nothing that merely lies there (sources of the bundles, type
# declarations, hidden files) gets out.
_FOLDERS = ("components", "media", "models", "player", "signalling", "styles", "vendor")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_HTML = "text/html; charset=utf-8"
# The browser asks each time and gets 304: after an upgrade no page runs half old, half new modules.
_REVALIDATE = {"Cache-Control": "no-cache"}


def setup_routes(app: web.Application) -> None:
    """Add pages, files and the catalogue. Needs STATIC; files that appear later are not served."""
    files = served_files(app[STATIC])

    async def static(request: web.Request) -> web.StreamResponse:
        path = files.get(request.match_info["path"])
        if path is None:
            raise Problem(404, "not_found")
        return web.FileResponse(path, headers={"Content-Type": _TYPES[path.suffix], **_REVALIDATE})

    for page in _PAGES:
        app.router.add_get(page, _shell)
    app.router.add_get("/locales/{language}.json", _locale)
    app.router.add_get("/static/{path:.+}", static)


def served_files(static: Path) -> dict[str, Path]:
    """Return what may be asked for, by its path below `static`: a table, so that no path that is typed is
    ever opened."""
    below = [path for folder in _FOLDERS for path in (static / folder).rglob("*")]
    return {
        path.relative_to(static).as_posix(): path
        for path in [*static.iterdir(), *below]
        if path.suffix in _TYPES and path.is_file() and not path.name.startswith(".")
    }


@web.middleware
async def show_missing_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell a person who followed a wrong address in the product's own page; programs get the problem."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
            raise
        body = await asyncio.to_thread((request.app[STATIC] / "index.html").read_bytes)
        return web.Response(body=body, status=404, headers={"Content-Type": _HTML, **_REVALIDATE})


async def _shell(request: web.Request) -> web.StreamResponse:
    headers = {"Content-Type": _HTML, **_REVALIDATE}
    return web.FileResponse(request.app[STATIC] / "index.html", headers=headers)


async def _locale(request: web.Request) -> web.Response:
    language = request.app[CATALOGUE].language(request.match_info["language"])
    if language is None:
        raise Problem(404, "not_found")
    if any(tag.value in {language.etag, "*"} for tag in request.if_none_match or ()):
        response = web.Response(status=304)
    else:
        response = web.Response(body=language.body, content_type="application/json", charset="utf-8")
    response.etag = language.etag
    response.headers.update(_REVALIDATE)
    return response
