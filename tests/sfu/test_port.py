"""Bursts over a real socket: one system call where the kernel segments them, one for each packet where it does not."""

import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest

from sfu.port import UdpPath, UdpPort

# asm-generic/socket.h: without checksums the kernel refuses to segment (EINVAL).
SO_NO_CHECK = 11
SEGMENT = 700
BURST = memoryview(b"".join(bytes((number,)) * SEGMENT for number in range(4)) + b"rest")


@pytest.fixture
def path() -> Iterator[tuple[UdpPath, socket.socket]]:
    """A way to a socket that reads."""
    with contextlib.closing(UdpPort("127.0.0.1", 0)) as port, socket.socket(type=socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(2)
        yield port.path(far.getsockname()), far


def came(far: socket.socket) -> bytes:
    """The burst as it came, in five packets."""
    packets = [far.recv(2048) for _ in range(5)]
    assert [len(packet) for packet in packets] == [SEGMENT] * 4 + [4]
    return b"".join(packets)


def test_a_burst_comes_as_its_packets(path: tuple[UdpPath, socket.socket]) -> None:
    way, far = path
    assert way.send_burst(BURST, SEGMENT)
    assert came(far) == BURST
    assert way.port.segmentation


def test_a_burst_that_the_kernel_refuses_goes_packet_by_packet(path: tuple[UdpPath, socket.socket]) -> None:
    way, far = path
    way.port.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    assert way.send_burst(BURST, SEGMENT)
    assert came(far) == BURST
    assert way.port.segmentation, "other paths may be wide enough"


def test_where_nothing_is_segmented_it_is_not_tried(path: tuple[UdpPath, socket.socket]) -> None:
    way, far = path
    way.port.segmentation = False
    assert way.send_burst(BURST, SEGMENT)
    assert came(far) == BURST


def test_what_cannot_be_sent_is_lost_and_told(path: tuple[UdpPath, socket.socket]) -> None:
    way, _ = path
    assert not way.send(bytes(70_000))
    way.port.close()
    with pytest.raises(OSError, match=rf"\[Errno {errno.EBADF}\]"):
        way.port.socket.getsockname()
    assert not way.send(b"late")
    assert not way.send_burst(BURST, SEGMENT)
