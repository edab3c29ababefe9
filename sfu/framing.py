"""Packets on a TCP connection, each behind its length in 16 bits (RFC 4571, as RFC 6544 uses it)."""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

from sfu.errors import ParseError

HEADER_BYTES: Final = 2
# What we take on UDP, too.
LONGEST_FRAME: Final = 1500
# What waits for a connection that is slower than its media. It is late before it is lost; a picture that is
# late by more than the queue of a common router (300 ms, RFC 8867, 4.1) is better replaced by a newer one.
MOST_WAITING_BYTES: Final = 64 * 1024
MOST_WAITING_S: Final = 0.3
# IOV_MAX is 1,024; a burst has 64 packets at most.
_MOST_AT_ONCE: Final = 64


class FrameReader:
    """Cuts a stream into frames; keeps less than one of them."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def frames(self, data: bytes) -> Iterator[bytes]:
        """The frames that `data` completes. Raises ParseError at one that is too long: the stream is of no more use."""
        stream, at = self._rest + data, 0
        while len(stream) - at >= HEADER_BYTES:
            start = at + HEADER_BYTES
            end = start + int.from_bytes(stream[at:start], "big")
            if end - start > LONGEST_FRAME:
                raise ParseError("TCP frame is too long")
            if end > len(stream):
                break
            yield stream[start:end]
            at = end
        self._rest = stream[at:]


class FrameQueue:
    """Frames that wait for room in the socket, few and not for long.

    A frame that is begun is completed, or the other end would lose its place in the stream; the others are
    given up whole when they have waited for too long.
    """

    __slots__ = ("_begun", "_frames", "_waiting_bytes")

    def __init__(self) -> None:
        # When it came, and what is left of it.
        self._frames: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._begun = False

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, packet: bytes | memoryview, now: float) -> bool:
        """Append a packet as a frame. False when there is no room for it."""
        size = HEADER_BYTES + len(packet)
        if self._waiting_bytes + size > MOST_WAITING_BYTES:
            return False
        self._frames.append((now, b"".join((len(packet).to_bytes(HEADER_BYTES, "big"), packet))))
        self._waiting_bytes += size
        return True

    def next(self) -> list[bytes]:
        """What is to be written first."""
        return [frame for _, frame in islice(self._frames, _MOST_AT_ONCE)]

    def written(self, count: int) -> None:
        """So many bytes of what `next` gave have gone."""
        self._waiting_bytes -= count
        while count:
            arrival, frame = self._frames.popleft()
            self._begun = len(frame) > count
            if self._begun:
                self._frames.appendleft((arrival, frame[count:]))
            count -= min(count, len(frame))

    def give_up_late(self, now: float) -> int:
        """Drop what has waited for too long; how many frames that were."""
        begun = self._frames.popleft() if self._begun else None
        given_up = 0
        while self._frames and now - self._frames[0][0] > MOST_WAITING_S:
            self._waiting_bytes -= len(self._frames.popleft()[1])
            given_up += 1
        if begun:
            self._frames.appendleft(begun)
        return given_up
