"""The gate: one UDP port and its TCP twin, who may pass, and to whom what passes belongs.

A packet is told apart by its first byte (RFC 7983), a datagram and a frame of a TCP connection alike. STUN is
authenticated before anything is remembered of it; everything else passes only from an address from which a live
peer has sent an authenticated check. So a stranger can neither start a DTLS handshake nor get an answer to one,
and no empty or short packet goes any further.
"""

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from pylibsrtp._binding import ffi

from sfu import stun
from sfu.drops import DropCounter, DropReason
from sfu.errors import ParseError
from sfu.ice import Credentials, IceAgent
from sfu.limits import LogLimiter
from sfu.port import Address, Path, Port, UdpPort
from sfu.tcp import Admissions, TcpPort

_log = logging.getLogger(__name__)

# Packets taken at one wake-up: enough for a frame's burst, few enough that, each sent to some hundred
# subscribers, timers and requests still get their turn.
BATCH = 32
# Nothing we take is longer than an Ethernet frame; the buffer holds any datagram, so that none is cut.
LONGEST_DATAGRAM = 1500
_BUFFER_BYTES = 65536
# A browser checks every 2.5 to 6 s. One that was silent for longer has left its address to others.
_ADDRESS_HELD_S = 10.0
_DTLS_HEADER = 13
_RTP_HEADER = 12
# A number the kernel chose for UDP is nearly always free for TCP, too.
_TRIES_FOR_ANY_NUMBER = 8


class Session(Protocol):
    """What the gate needs of a peer's transport. Methods may raise: it costs the packet."""

    ice: IceAgent

    def address_checked(self) -> None:
        """An authenticated check has come in; `ice` knows."""

    def receive_dtls(self, data: bytes) -> None:
        """A DTLS record, header complete."""

    def receive_media(self, length: int) -> None:
        """RTP or RTCP of `length` bytes lies in the mux's buffer, to be decrypted in place."""


class Mux:
    """The worker's sockets (for each address one of UDP and one of TCP), its table of addresses and its read loop.

    Packets are handled as they are read; what they were collected for is done once a batch, see
    `after_batch`.
    """

    def __init__(self, drops: DropCounter) -> None:
        self.drops = drops
        self.pointer = ffi.new("unsigned char[]", _BUFFER_BYTES)
        self.view = memoryview(ffi.buffer(self.pointer)).cast("B")
        self.received = 0
        self._ports: list[Port] = []
        self._tables: dict[Port, dict[Address, Session]] = {}
        self._ufrags: dict[str, Session] = {}
        self._deferred: list[Callable[[], None]] = []
        self._admissions = Admissions()
        self._limiter = LogLimiter(_log)

    # Opening and closing

    def open(self, hosts: Sequence[str], number: int) -> None:
        """Bind the same port number on each address, for UDP and TCP; 0 leaves it to the kernel. Raises OSError.

        An address of our own answers from itself. A wildcard answers from whatever the kernel routes by, which a
        browser that asked another address of this machine takes for a stranger.
        """
        for tries_left in reversed(range(1 if number else _TRIES_FOR_ANY_NUMBER)):
            try:
                self._open(hosts, number)
                break
            except OSError:
                self.close()
                if not tries_left:
                    raise

    def _open(self, hosts: Sequence[str], number: int) -> None:
        loop = asyncio.get_running_loop()
        for host in hosts:
            udp = UdpPort(host, self.number if self._ports else number)
            self._add_port(udp)
            loop.add_reader(udp.socket, self._read, udp)
            self._add_port(TcpPort(host, udp.number, self, self._admissions))

    def _add_port(self, port: Port) -> None:
        self._ports.append(port)
        self._tables[port] = {}

    @property
    def number(self) -> int:
        """The port number of both."""
        return self._ports[0].number

    def close(self) -> None:
        """Stop reading and release the port. Idempotent."""
        for port in self._ports:
            if isinstance(port, UdpPort):
                asyncio.get_running_loop().remove_reader(port.socket)
            port.close()
        self._ports.clear()
        self._tables.clear()
        self._ufrags.clear()
        self._deferred.clear()

    # Who is where

    def add(self, credentials: Credentials, session: Session) -> None:
        """Let checks with these credentials through to `session`."""
        self._ufrags[credentials.ufrag] = session

    def remove(self, credentials: Credentials) -> None:
        """Know these credentials no longer."""
        self._ufrags.pop(credentials.ufrag, None)

    def forget(self, session: Session, paths: Iterable[Path]) -> None:
        """Nothing from these addresses passes to `session` any more, and TCP connections to it are closed."""
        for path in paths:
            table = self._tables.get(path.port, {})
            if table.get(path.address) is session:
                del table[path.address]
                path.close()

    def path_closed(self, path: Path) -> None:
        """A TCP connection has ended: whose it was is not there any more."""
        session = self._tables.get(path.port, {}).pop(path.address, None)
        if session is not None:
            session.ice.forget(path)

    def counts(self) -> dict[str, int]:
        """How large the tables are."""
        return {"addresses": sum(map(len, self._tables.values())), "ufrags": len(self._ufrags)}

    # Reading

    def after_batch(self, action: Callable[[], None]) -> None:
        """Do `action` once the packets now waiting have been read."""
        self._deferred.append(action)

    def receive_frame(self, path: Path, frame: bytes) -> bool:
        """A frame of a TCP connection passes as a datagram does. Whether the connection is a session's now."""
        table = self._tables[path.port]
        self.view[: len(frame)] = frame
        self.received += 1
        try:
            self._dispatch(path.port, table, len(frame), path.address)
        except Exception:
            self._failed()
        return path.address in table

    def _read(self, port: UdpPort) -> None:
        receive, view, table = port.socket.recvfrom_into, self.view, self._tables[port]
        for _ in range(BATCH):
            try:
                length, address = receive(view)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.EBADF:
                    return
                break
            self.received += 1
            try:
                self._dispatch(port, table, length, address)
            except Exception:
                self._failed()
        self.finish_batch()

    def finish_batch(self) -> None:
        """What was waiting has been read: do what was put off until now."""
        deferred, self._deferred = self._deferred, []
        for action in deferred:
            try:
                action()
            except Exception:
                self._failed()

    def _failed(self) -> None:
        self.drops.count(DropReason.HANDLER_FAILED)
        self._limiter.exception("Mux x a packet's handler failed")

    def _dispatch(self, port: Port, table: dict[Address, Session], length: int, address: Address) -> None:
        if length == 0:
            return self.drops.count(DropReason.TOO_SHORT)
        first = self.view[0]
        if first < 4:
            return self._receive_stun(port.path(address), table, bytes(self.view[:length]))
        session = table.get(address)
        if session is None:
            return self.drops.count(DropReason.ADDRESS_UNKNOWN)
        if length > LONGEST_DATAGRAM:
            return self.drops.count(DropReason.PROTOCOL_UNKNOWN)
        if 128 <= first < 192:
            return self._receive_media(session, length)
        if 20 <= first < 64:
            return self._receive_dtls(session, length)
        return self.drops.count(DropReason.PROTOCOL_UNKNOWN)

    def _receive_media(self, session: Session, length: int) -> None:
        # The shortest RTCP (8 bytes) carries an SRTCP index and a tag besides.
        if length < _RTP_HEADER:
            return self.drops.count(DropReason.TOO_SHORT)
        return session.receive_media(length)

    def _receive_dtls(self, session: Session, length: int) -> None:
        if length < _DTLS_HEADER:
            return self.drops.count(DropReason.TOO_SHORT)
        return session.receive_dtls(bytes(self.view[:length]))

    def _receive_stun(self, path: Path, table: dict[Address, Session], data: bytes) -> None:
        try:
            request = stun.parse_binding_request(data)
        except ParseError:
            return self.drops.count(DropReason.STUN_MALFORMED)
        session = self._ufrags.get(request.ufrag)
        password = session.ice.password(request.ufrag) if session else None
        if session is None or password is None:
            return self.drops.count(DropReason.STUN_USER_UNKNOWN)
        if not stun.verify(request, password):
            return self.drops.count(DropReason.STUN_UNAUTHENTICATED)
        now = time.monotonic()
        if not self._take_address(path, table, session, now):
            return self.drops.count(DropReason.ADDRESS_LIMIT)
        evicted = session.ice.checked(path, request.use_candidate, now)
        if evicted is not None:
            self.drops.count(DropReason.ADDRESS_LIMIT)
            self.forget(session, [evicted])
        path.send(stun.success_response(request, path.address[:2], password))
        return session.address_checked()

    def _take_address(self, path: Path, table: dict[Address, Session], session: Session, now: float) -> bool:
        holder = table.get(path.address)
        if holder is not None and holder is not session:
            # Whoever spoofs the address of another must not get its packets.
            if now - holder.ice.heard_from(path) < _ADDRESS_HELD_S:
                return False
            holder.ice.forget(path)
        table[path.address] = session
        return True
