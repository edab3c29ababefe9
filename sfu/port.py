"""Ways to one remote address: what a path is, and those through a UDP socket of the worker."""

import errno
import socket
import struct
from dataclasses import dataclass
from typing import Any, Protocol

# linux/udp.h; Python has no names for them.
_SOL_UDP = 17
_UDP_SEGMENT = 103
# A busy meeting's keyframes arrive within a millisecond; the kernel's default holds 208 kB.
_BUFFER_BYTES = 4 * 1024 * 1024
# socket.SO_RCVBUFFORCE, SO_SNDBUFFORCE: past the system's limit when we are privileged.
_FORCED = ((socket.SO_RCVBUF, 33), (socket.SO_SNDBUF, 32))
_segment_size = struct.Struct("H").pack

Address = tuple[Any, ...]


class Path(Protocol):
    """From one of our ports to one remote address. Equal paths lead there through the same socket."""

    @property
    def port(self) -> "Port":
        """Ours."""

    @property
    def address(self) -> Address:
        """Theirs."""

    def send(self, data: bytes | memoryview) -> bool:
        """Send one packet. False when there is no room or no way: it is lost, as on any network."""

    def send_burst(self, data: memoryview, segment: int) -> bool:
        """Send `data` as packets of `segment` bytes, the last perhaps shorter. False when one was lost."""

    def close(self) -> None:
        """Nothing more goes this way. Idempotent."""


class Port(Protocol):
    """A bound socket of ours, and the paths through it."""

    @property
    def number(self) -> int:
        """The port number; the kernel's choice where 0 was asked for."""

    def path(self, address: Address) -> Path:
        """The way to a remote address from which something has just come in here."""

    def close(self) -> None:
        """Release the number."""


class UdpPort:
    """A bound, non-blocking UDP socket."""

    def __init__(self, host: str, number: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._configure(family)
            self.socket.bind((host, number))
        except OSError:
            self.socket.close()
            raise
        self.segmentation = True

    def _configure(self, family: int) -> None:
        self.socket.setblocking(False)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option, forced in _FORCED:
            self.socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
            except PermissionError:
                continue

    @property
    def number(self) -> int:
        """The port number; the kernel's choice where 0 was asked for."""
        return int(self.socket.getsockname()[1])

    def path(self, address: Address) -> "UdpPath":
        """The way to any address."""
        return UdpPath(self, address)

    def close(self) -> None:
        """Release the number."""
        self.socket.close()


@dataclass(frozen=True, slots=True)
class UdpPath:
    """From one of our sockets to one remote address."""

    port: UdpPort
    address: Address

    def send(self, data: bytes | memoryview) -> bool:
        """Send one datagram. False when the kernel has no room or no way: it is lost, as on any network."""
        try:
            self.port.socket.sendto(data, self.address)
        except OSError:
            return False
        return True

    def send_burst(self, data: memoryview, segment: int) -> bool:
        """Send `data` as datagrams of `segment` bytes, the last perhaps shorter; in one call if possible."""
        if self.port.segmentation:
            try:
                self.port.socket.sendmsg(
                    (data,), ((_SOL_UDP, _UDP_SEGMENT, _segment_size(segment)),), 0, self.address
                )
                return True
            except BlockingIOError:
                return False
            except OSError as error:
                # No checksum offload (EIO), or a path too narrow for the segment.
                self.port.segmentation = error.errno not in (errno.EIO, errno.EOPNOTSUPP)
        return self._send_each(data, segment)

    def _send_each(self, data: memoryview, segment: int) -> bool:
        sent = [self.send(data[at : at + segment]) for at in range(0, len(data), segment)]
        return all(sent)

    def close(self) -> None:
        """There is nothing to close: the socket is everybody's."""
