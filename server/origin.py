"""Where a browser's request comes from: one of our pages, or another site."""

from urllib.parse import urlsplit

from aiohttp import web

from server.keys import SETTINGS


def is_same_origin(request: web.Request) -> bool:
    """Whether one of our pages makes the request. Every browser since 2020 says so; what does not is a program."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    return names_us(request)


def names_us(request: web.Request) -> bool:
    """Whether the Origin header, which a browser sends with every WebSocket, is ours. A program sends none."""
    origin = request.headers.get("Origin")
    if origin is None or origin == request.app[SETTINGS].public_url:
        return True
    try:
        return urlsplit(origin).netloc == request.host
    except ValueError:  # such as a bracket without its other half
        return False
