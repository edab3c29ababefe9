"""Files in pieces: a player that asks for "from here to the end" gets the next few megabytes.

A browser has six connections to a host (HTTP/1.1), and an open-ended answer holds one for as long as the
element buffers; a recording of a dozen tracks would starve itself. A server may send a part of what a range
asks for (RFC 9110, 15.3.7), and the player then asks for the next.
"""

import re

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

PIECE_BYTES = 4 * 1024 * 1024

_OPEN_ENDED = re.compile(r"bytes=(\d{1,15})-")


class FileInPieces(web.FileResponse):
    """A file whose open-ended ranges are answered piece by piece; without a range it comes whole."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the headers and the bytes."""
        return await super().prepare(_bounded(request))


def _bounded(request: web.BaseRequest) -> web.BaseRequest:
    """The request with an end to its range."""
    open_ended = _OPEN_ENDED.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if open_ended is None:
        return request
    start = int(open_ended[1])
    headers = request.headers.copy()
    headers[hdrs.RANGE] = f"bytes={start}-{start + PIECE_BYTES - 1}"
    return request.clone(headers=headers)
