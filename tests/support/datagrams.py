"""Numbered, timed datagrams: what a line does to packets is seen by what comes out, and when.

Sender and receiver are on one machine and so on one monotonic clock, in whatever namespaces they are.
`python -m tests.support.datagrams PORT` receives until half a second has been silent and prints a list of
[number, delay_ms] as JSON.
"""

import json
import socket
import struct
import subprocess
import sys
import time
from typing import Self

from tests.support.network import ROOT, Host

PORT = 9
SILENCE_S = 0.5
# Until then the first packet has to come.
PATIENCE_S = 10.0
STAMP = struct.Struct("!Id")
HEADERS = {socket.AF_INET: 28, socket.AF_INET6: 48}


def send(address: str, count: int, per_s: float, size: int = 100) -> None:
    """Send IP packets of `size` bytes, so many a second, to a receiver."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    padding = bytes(size - HEADERS[family] - STAMP.size)
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
            sender.sendto(STAMP.pack(number, time.monotonic()) + padding, (address, PORT))


def receive() -> list[tuple[int, float]]:
    """Number and delay in ms of each datagram, in the order they came, until half a second has been silent."""
    came = []
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.bind(("::", PORT))
        receiver.settimeout(PATIENCE_S)
        print("ready", flush=True)
        try:
            while True:
                number, sent_at = STAMP.unpack_from(receiver.recv(2048))
                came.append((number, (time.monotonic() - sent_at) * 1000))
                receiver.settimeout(SILENCE_S)
        except TimeoutError:
            return came


class Receiver:
    """A receiver in a host."""

    def __init__(self, host: Host) -> None:
        self._command = host.command(sys.executable, "-m", "tests.support.datagrams")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def came(self) -> list[tuple[int, float]]:
        """Wait for the silence; number and delay in ms of each datagram, in the order they came."""
        output, _ = self._process.communicate(timeout=30)
        return [(number, delay_ms) for number, delay_ms in json.loads(output)]


if __name__ == "__main__":
    print(json.dumps(receive()))
