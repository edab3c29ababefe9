"""Light peers that reach the node by TCP, as a browser does whose network lets no UDP out."""

import asyncio
import contextlib
import socket

from server.load.peer import LightPeer
from sfu.errors import ParseError
from sfu.framing import FrameReader
from tests.sfu.calls import LightPublisher, LightSubscriber


def framed(data: bytes) -> bytes:
    """A packet behind its length."""
    return len(data).to_bytes(2, "big") + data


class OverTcp(LightPeer):
    """Packets are frames of a connection that is made when the node's address is known."""

    family = socket.AF_INET
    receive_buffer: int | None = None
    ended = False

    def _bind(self) -> socket.socket:  # type: ignore[override]
        self._reader = FrameReader()
        self._unsent = b""
        self.ended = False
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        if self.receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        return sock

    def use(self, description: str) -> None:
        """Connect at once: on loopback the kernel answers for the listener."""
        super().use(description)
        self._connect()

    def _connect(self) -> None:
        self.socket.connect(self.server)
        self.socket.setblocking(False)

    def leave(self) -> None:
        """Come back by another connection."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.socket)
        self.socket = self._bind()
        self._connect()
        loop.add_reader(self.socket, self._read)

    def send(self, data: bytes) -> None:
        """As a frame; what finds no room goes with the next one."""
        self._unsent += framed(data)
        with contextlib.suppress(OSError):
            self._unsent = self._unsent[self.socket.send(self._unsent) :]

    def _read(self) -> None:
        try:
            data = self.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended = True
            asyncio.get_running_loop().remove_reader(self.socket)
            return
        try:
            for frame in self._reader.frames(data):
                self._take(frame)
        except ParseError as error:
            raise AssertionError("the node lost its place in the stream") from error

    def stop_reading(self) -> None:
        """Let the connection fill."""
        asyncio.get_running_loop().remove_reader(self.socket)

    def go_on_reading(self) -> None:
        """Take what has waited."""
        asyncio.get_running_loop().add_reader(self.socket, self._read)


class TcpPublisher(OverTcp, LightPublisher):
    """Publishes by TCP."""


class TcpSubscriber(OverTcp, LightSubscriber):
    """Receives by TCP."""
