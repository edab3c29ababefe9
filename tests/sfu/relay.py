"""A UDP relay between one client and the node that loses packets, the same on every run."""

import asyncio
import contextlib
import socket


class Relay:
    """Stands before the node: `disguise` makes a description point here. Loses every `lose_every`-th media
    packet.

    Both directions are relayed, only what the node sends is lost; what it sends again can be lost again.
    """

    def __init__(self, lose_every: int) -> None:
        self.lost = self.passed = 0
        self._lose_every = lose_every
        self._front, self._back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (self._front, self._back):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        self._client: tuple[str, int] | None = None
        self._node: tuple[str, int] | None = None

    def __enter__(self) -> "Relay":
        loop = asyncio.get_running_loop()
        loop.add_reader(self._front, self._from_client)
        loop.add_reader(self._back, self._from_node)
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._front, self._back):
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    def disguise(self, description: str, port: int) -> str:
        """The description, with the relay's port for the node's."""
        self._node = ("127.0.0.1", port)
        return description.replace(f" {port} ", f" {self._front.getsockname()[1]} ")

    def _from_client(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, self._client = self._front.recvfrom(2048)
                self._back.sendto(data, self._node)

    def _from_node(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._back.recv(2048)
                if data[0] >= 128 and not 192 <= data[1] <= 223 and self._loses():
                    continue
                self._front.sendto(data, self._client)

    def _loses(self) -> bool:
        self.passed += 1
        loses = self.passed % self._lose_every == 0
        self.lost += loses
        return loses
