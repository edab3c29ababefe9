"""A TCP line to the server that can be cut and mended; media, which goes over UDP, does not notice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Line:
    """Passes connections on to a port of this machine while it is whole."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.number = 0

    @property
    def origin(self) -> str:
        """What is typed into a browser to come over this line."""
        return f"http://127.0.0.1:{self.number}"

    async def mend(self) -> None:
        """Take connections, on the port of before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.number)
        self.number = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End every connection and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers |= {writer, onward}
            try:
                await asyncio.gather(_pass_on(reader, onward), _pass_on(onward_reader, writer))
            finally:
                self._writers -= {writer, onward}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A whole line, cut at the end."""
    line = Line(port)
    await line.mend()
    try:
        yield line
    finally:
        await line.cut()
