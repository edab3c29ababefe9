"""The lines of a test network, a process of its own: carries packets between TUN devices, impaired on the way.

A TUN device hands over whole IP packets, cut to size and with their checksums, so that neither segmentation nor
neighbour discovery has to be thought of. The devices go with the process, and the process with its standard input.

One JSON request a line on standard input, one JSON answer a line on standard output:

    {"do": "open", "near": device, "far": device, "seed": number}   a line between two new devices
    {"do": "set", "line": near, "way": "up" | "down", "to": {…}}    be so from now on; up leaves the far end
    {"do": "counts", "line": near, "way": …}                        what became of the packets of that way
    {"do": "rebind", "line": near, "mask": number}                  change the UDP ports that the near end sees
"""

import fcntl
import gc
import heapq
import json
import os
import select
import struct
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from tests.support.impairment import Channel, Impairment
from tests.support.nat import DESTINATION, SOURCE, translated

TUN = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
# More than the devices' MTU of 1500.
LARGEST = 2048
# Packets taken from one device before the others have their turn.
BATCH = 64
CONTROL = 0
# A rest after each turn, so that packets gather and are handled together: a delay nobody measures.
REST_S = 0.0005


def open_tun(name: str) -> int:
    """A new TUN device of this name in our namespace; it is gone when the descriptor is closed. Raises OSError."""
    descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


@dataclass(slots=True)
class Way:
    """One direction of a line: where it leads, how good it is, and whose port a translator changes in it."""

    to: int
    channel: Channel
    port_at: int
    mask: int = 0


class Wire:
    """All lines, in one loop."""

    def __init__(self) -> None:
        self._ways: dict[tuple[str, str], Way] = {}
        self._from: dict[int, Way] = {}
        self._on_the_way: list[tuple[float, int, int, bytes]] = []
        self._number = 0

    def run(self) -> None:
        """Carry packets until standard input ends."""
        while True:
            ready, _, _ = select.select([CONTROL, *self._from], [], [], self._idle_s())
            for descriptor in ready:
                if descriptor != CONTROL:
                    self._take(descriptor, self._from[descriptor])
                elif not self._obey():
                    return
            self._deliver()
            time.sleep(REST_S)

    def _idle_s(self) -> float | None:
        if not self._on_the_way:
            return None
        return max(0.0, self._on_the_way[0][0] - time.monotonic())

    def _take(self, descriptor: int, way: Way) -> None:
        # Nothing more is there, or the device is not up yet.
        with suppress(OSError):
            for _ in range(BATCH):
                packet = translated(os.read(descriptor, LARGEST), way.port_at, way.mask)
                for at in way.channel.departures(time.monotonic(), len(packet)):
                    self._number += 1
                    heapq.heappush(self._on_the_way, (at, self._number, way.to, packet))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._on_the_way and self._on_the_way[0][0] <= now:
            _, _, to, packet = heapq.heappop(self._on_the_way)
            # A device that is down takes nothing; so does a line whose end is unplugged.
            with suppress(OSError):
                os.write(to, packet)

    def _obey(self) -> bool:
        line = sys.stdin.readline()
        if line:
            print(json.dumps(self._answer(json.loads(line))), flush=True)
        return bool(line)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "open":
            self._open(request["near"], request["far"], request["seed"])
            return {}
        if request["do"] == "rebind":
            for way in ("up", "down"):
                self._ways[request["line"], way].mask = request["mask"]
            return {}
        channel = self._ways[request["line"], request["way"]].channel
        if request["do"] == "set":
            channel.set(Impairment(**request["to"]))
        return asdict(channel.counts)

    def _open(self, near: str, far: str, seed: int) -> None:
        inside, outside = open_tun(far), open_tun(near)
        up = Way(outside, Channel(2 * seed), SOURCE)
        down = Way(inside, Channel(2 * seed + 1), DESTINATION)
        self._ways |= {(near, "up"): up, (near, "down"): down}
        self._from |= {inside: up, outside: down}


def main() -> None:
    """Before everyone else on the machine: what waits here is measured as delay."""
    os.nice(-15)
    gc.disable()
    Wire().run()


if __name__ == "__main__":
    main()
