"""ICE over TCP (RFC 6544): the passive candidate of each address, for networks that let no UDP out.

A browser connects to the port number of our UDP socket and sends the same packets as frames. All of them pass
the mux's gate. A connection costs a file descriptor, so one that does not prove soon that it belongs to a peer
is closed.
"""

import asyncio
import contextlib
import errno
import resource
import socket
import time
from collections import Counter
from typing import Final, Protocol

from sfu.drops import DropCounter, DropReason
from sfu.errors import ParseError
from sfu.framing import HEADER_BYTES, FrameQueue, FrameReader
from sfu.limits import TokenBucket
from sfu.port import Address, Path

# A browser's first check follows its SYN.
PROOF_S: Final = 5.0
# A dozen checks of about 120 bytes.
MOST_UNPROVEN_BYTES: Final = 2048
# Chromium also connects where UDP works and closes later; an office of a hundred people may share an address.
MOST_FROM_ONE_HOST: Final = 256
MOST_CONNECTIONS: Final = 4000
# What else the worker has open: UDP ports, listeners, the control link, taps.
_OTHER_DESCRIPTORS: Final = 200
# What the kernel holds besides what is under way; more would only be late.
_UNSENT_BYTES: Final = 32 * 1024
# A dozen full packets at a time, or some thousand empty ones: then it is others' turn.
_READ_BYTES: Final = 16_384
# More than any peer may send by its own budget; who sends more makes us cut frames for nothing.
FRAMES_PER_S, FRAMES_BURST = 10_000, 10_000
_ACCEPT_BATCH: Final = 32
_BACKLOG: Final = 128
# When the process or the machine has no room for a connection, asking again at once would only spin.
_ACCEPT_PAUSE_S: Final = 1.0
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Gate(Protocol):
    """Where frames go: the mux."""

    drops: DropCounter

    def receive_frame(self, path: Path, frame: bytes) -> bool:
        """Take a frame. Whether the connection has proved to be a peer's."""

    def finish_batch(self) -> None:
        """What was waiting has been read."""

    def path_closed(self, path: Path) -> None:
        """The connection is no more."""


class Admissions:
    """How many connections there are, in all and from each remote host."""

    def __init__(self) -> None:
        self._hosts: Counter[str] = Counter()
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        unlimited = descriptors == resource.RLIM_INFINITY
        self._most = (
            MOST_CONNECTIONS if unlimited else min(MOST_CONNECTIONS, descriptors - _OTHER_DESCRIPTORS)
        )

    def enter(self, host: str) -> bool:
        """Count one more, unless there are enough."""
        if self._hosts.total() >= self._most or self._hosts[host] >= MOST_FROM_ONE_HOST:
            return False
        self._hosts[host] += 1
        return True

    def leave(self, host: str) -> None:
        """One less."""
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]


def listener(host: str, number: int) -> socket.socket:
    """A listening, non-blocking socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # Connections of a worker that ended a moment ago do not keep the number.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, number))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class TcpPort:
    """The listening socket of one address and the connections it has accepted."""

    def __init__(self, host: str, number: int, gate: Gate, admissions: Admissions) -> None:
        self.gate = gate
        self._admissions = admissions
        self._connections: dict[Address, TcpPath] = {}
        self._socket = listener(host, number)
        self._pause: asyncio.TimerHandle | None = None
        self._listen()

    @property
    def number(self) -> int:
        """The port number."""
        return int(self._socket.getsockname()[1])

    def path(self, address: Address) -> "TcpPath":
        """The connection from that address."""
        return self._connections[address]

    def close(self) -> None:
        """End every connection and release the number."""
        asyncio.get_running_loop().remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()
        self._socket.close()
        for path in list(self._connections.values()):
            path.close()

    def remove(self, path: "TcpPath") -> None:
        """A connection has been closed."""
        del self._connections[path.address]
        self._admissions.leave(path.address[0])
        self.gate.path_closed(path)

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._accept_waiting)

    def _accept_waiting(self) -> None:
        for _ in range(_ACCEPT_BATCH):
            try:
                sock, address = self._socket.accept()
            except OSError as error:
                # Besides these: nobody waits, or who waited has gone before we came to it.
                if error.errno in _NO_ROOM:
                    self._pause_listening()
                break
            self._accept(sock, address)

    def _pause_listening(self) -> None:
        self.gate.drops.count(DropReason.TCP_CONNECTION_LIMIT)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        self._pause = loop.call_later(_ACCEPT_PAUSE_S, self._listen)

    def _accept(self, sock: socket.socket, address: Address) -> None:
        if not self._admissions.enter(address[0]):
            self.gate.drops.count(DropReason.TCP_CONNECTION_LIMIT)
            return sock.close()
        sock.setblocking(False)
        self._connections[address] = TcpPath(self, sock, address)
        return None


class TcpPath:
    """One connection. What comes in goes through the gate, what goes out waits here for room, not for long."""

    def __init__(self, port: TcpPort, sock: socket.socket, address: Address) -> None:
        self.port = port
        self.address = address
        self._socket = sock
        self._closed = False
        self._proven = False
        self._unproven_bytes = 0
        self._reader = FrameReader()
        self._queue = FrameQueue()
        self._frames_budget = TokenBucket(FRAMES_PER_S, FRAMES_BURST, time.monotonic())
        self._blocked = False
        with contextlib.suppress(OSError):  # it may be gone already; then the first read tells
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._read)
        self._deadline = self._loop.call_later(PROOF_S, self._end_unproven)

    def close(self) -> None:
        """End the connection; what waits is lost. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._deadline.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self.port.remove(self)

    # What comes in

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES if self._proven else MOST_UNPROVEN_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self.close()

    def _take(self, data: bytes) -> None:
        try:
            self._take_frames(data)
        except ParseError:
            self._end(DropReason.TCP_FRAME_TOO_LONG)
        self.port.gate.finish_batch()

    def _take_frames(self, data: bytes) -> None:
        """Raises ParseError."""
        now = time.monotonic()
        for frame in self._reader.frames(data):
            self._charge(frame, now)
            if self._closed:
                return
            known = self.port.gate.receive_frame(self, frame)
            self._proven = self._proven or known

    def _charge(self, frame: bytes, now: float) -> None:
        """End the connection when this frame is one too many."""
        if not self._proven:
            self._unproven_bytes += HEADER_BYTES + len(frame)
        if self._unproven_bytes > MOST_UNPROVEN_BYTES:
            self._end(DropReason.TCP_UNPROVEN)
        elif not self._frames_budget.take(1, now):
            self._end(DropReason.RATE_LIMITED)

    def _end_unproven(self) -> None:
        if not self._proven:
            self._end(DropReason.TCP_UNPROVEN)

    def _end(self, reason: DropReason) -> None:
        self.port.gate.drops.count(reason)
        self.close()

    # What goes out

    def send(self, data: bytes | memoryview) -> bool:
        """Send one packet, or let it wait. False when the connection is too far behind or has ended."""
        taken = self._put(data)
        if not self._blocked:
            self._write()
        return taken

    def send_burst(self, data: memoryview, segment: int) -> bool:
        """Send `data` as packets of `segment` bytes, the last perhaps shorter."""
        taken = [self._put(data[at : at + segment]) for at in range(0, len(data), segment)]
        if not self._blocked:
            self._write()
        return all(taken)

    def _put(self, data: bytes | memoryview) -> bool:
        now = time.monotonic()
        if self._queue.put(data, now):
            return not self._closed
        # A keyframe may be larger than the queue and still find room in the kernel.
        if not self._blocked:
            self._write()
        self._give_up_late(now)
        return not self._closed and self._queue.put(data, now)

    def _give_up_late(self, now: float) -> None:
        late = self._queue.give_up_late(now)
        if late:
            self.port.gate.drops.count(DropReason.SOCKET_FULL, late)

    def _write(self) -> None:
        while self._queue and not self._closed:
            try:
                self._queue.written(self._socket.sendmsg(self._queue.next()))
            except BlockingIOError:
                return self._await_room()
            except OSError:
                return self.close()
        return self._all_written()

    def _all_written(self) -> None:
        if self._blocked and not self._closed:
            self._blocked = False
            self._loop.remove_writer(self._socket)

    def _await_room(self) -> None:
        if not self._blocked:
            self._blocked = True
            self._loop.add_writer(self._socket, self._resume)

    def _resume(self) -> None:
        self._give_up_late(time.monotonic())
        self._write()
