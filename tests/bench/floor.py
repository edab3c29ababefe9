"""What no forwarder on this machine can go below: the bare system call."""

import socket
import sys
import time

_SOL_UDP, _UDP_SEGMENT = 17, 103
_TAG_LENGTH = 16


def floor_us(length: int, segments: int) -> float:
    """CPU µs a packet over loopback: `sendto`, or one `sendmsg` for so many segments (UDP GSO)."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source,
    ):
        sink.bind(("127.0.0.1", 0))
        address, data = sink.getsockname(), memoryview(bytes((length + _TAG_LENGTH) * segments))
        ancillary = [(_SOL_UDP, _UDP_SEGMENT, (length + _TAG_LENGTH).to_bytes(2, sys.byteorder))]
        rounds, start = 40_000 // segments, time.process_time()
        for _ in range(rounds):
            if segments == 1:
                source.sendto(data, address)
            else:
                source.sendmsg([data], ancillary, 0, address)
        return (time.process_time() - start) / (rounds * segments) * 1e6
