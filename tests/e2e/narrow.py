"""A network that lets out nothing but TCP to one port, and Debian's Chromium in it.

It is a network namespace behind a pair of virtual Ethernet interfaces, so this needs root. What may leave is
said by routing rules: everything else is prohibited, UDP first of all.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.support.network import PREFIX, ip, remove, sweep

_numbers = count()


@dataclass(frozen=True)
class Narrow:
    """`name` is the namespace, `host` the address of ours that is reached from inside."""

    name: str
    host: str
    directory: Path

    def let_out(self, port: int) -> None:
        """From now on, TCP to this port."""
        rule = ("pref", "10", "ipproto", "tcp", "dport", str(port), "table", "main")
        ip("-n", self.name, "rule", "add", *rule)

    def sent_udp(self) -> int:
        """How many UDP packets have left the namespace."""
        table = ip("netns", "exec", self.name, "cat", "/proc/net/snmp")
        names, values = (line.split() for line in table.splitlines() if line.startswith("Udp:"))
        return int(dict(zip(names[1:], values[1:], strict=True))["OutDatagrams"])

    def executable(self, program: str) -> Path:
        """A script that starts `program` inside."""
        script = self.directory / Path(program).name
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        script.chmod(0o755)
        return script


@contextlib.contextmanager
def narrow_network(directory: Path) -> Iterator[Narrow]:
    """Nothing gets out until `let_out`; what ran inside is ended with it."""
    sweep()
    number = next(_numbers)
    name = f"{PREFIX}{os.getpid()}-narrow-{number}"
    subnet = f"10.{200 + number % 50}.{os.getpid() % 250}"
    ip("netns", "add", name)
    try:
        _connect(name, f"na{os.getpid()}n{number}", subnet)
        yield Narrow(name, f"{subnet}.1", directory)
    finally:
        remove(name)


def _connect(name: str, link: str, subnet: str) -> None:
    ip("link", "add", link, "type", "veth", "peer", "name", "out", "netns", name)
    ip("addr", "add", f"{subnet}.1/24", "dev", link)
    ip("link", "set", link, "up")
    ip("-n", name, "addr", "add", f"{subnet}.2/24", "dev", "out")
    for interface in ("lo", "out"):
        ip("-n", name, "link", "set", interface, "up")
    ip("-n", name, "route", "add", "default", "via", f"{subnet}.1")
    ip("-n", name, "rule", "add", "pref", "20", "prohibit")
