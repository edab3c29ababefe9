"""Flights of a DTLS handshake, said again soon when the handshake does not go on."""

import asyncio
from collections.abc import Callable
from typing import Final

# OpenSSL waits for a second at first (RFC 6347, 4.2.4.1), too long on a bad link: of the handshakes at 30 % loss
# one in seven took more than ten seconds. Browsers begin at 50 ms.
FIRST_REPEAT_S: Final = 0.1
# Up to 1.5 s; after that OpenSSL's own timer goes on alone.
REPEATS: Final = 4


class Flights:
    """Sends each flight again, byte by byte the same, until the next one.

    For the other end that is a packet the network has doubled: a record that came once is not looked at again
    (RFC 6347, 4.1.2.6).
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._last = b""
        self._timer: asyncio.TimerHandle | None = None

    def send(self, flight: bytes) -> None:
        """Send the next flight: the other end has answered the one before."""
        self.stop()
        self._last = flight
        self._repeat(0)

    def again(self) -> None:
        """The other end repeats itself after we are done: it has missed our last word (RFC 6347, 4.2.4)."""
        self._send(self._last)

    def stop(self) -> None:
        """We are done: what is not asked for must not be said (FFmpeg stumbles over it), or nobody is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _repeat(self, repeated: int) -> None:
        self._send(self._last)
        if repeated < REPEATS:
            delay = FIRST_REPEAT_S * 2**repeated
            self._timer = asyncio.get_running_loop().call_later(delay, self._repeat, repeated + 1)
