"""Networks of a test: hosts in namespaces of their own, each at the end of a line that is as bad as one likes.

    with Network() as network:
        host = network.host("commune")
        host.down.set(loss=0.1, delay_ms=50)
        subprocess.run(host.command("curl", f"http://{network.address}:8000/"))

The near end of every line is this machine as it is, at `network.address`: what listens there is reached from all
hosts, from the first host on. Needs root, the package iproute2 and /dev/net/tun, nothing of the kernel's traffic
control. What an earlier run left behind when it was killed is removed by the next one.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.support.impairment import Counts, Impairment

ROOT = Path(__file__).parents[2]
# Followed by the process that made it, so that what a dead one left can be told.
PREFIX = "diemcau-test-"
DEVICES = Path("/sys/class/net")
NO_IPV6 = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
NETWORKS = 250
# Hosts have the numbers from 2 on; after a move another one from here on.
MOVED = 100


def lacking() -> str:
    """What this machine lacks for such networks, in words; empty when it lacks nothing."""
    if not Path("/dev/net/tun").exists():
        return "test networks need the device /dev/net/tun"
    return lacking_for_namespaces()


@cache
def lacking_for_namespaces() -> str:
    """What it lacks for namespaces alone."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the package iproute2"
    probe = f"{PREFIX}{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True)
    return f"no network namespaces here: {made.stderr.strip()}" if made.returncode else ""


def has_ipv6() -> bool:
    """Whether this machine speaks IPv6 at all."""
    return NO_IPV6.exists() and NO_IPV6.read_text().strip() == "0"


class Way:
    """One direction of a host's line."""

    def __init__(self, network: "Network", line: str, name: str) -> None:
        self._network = network
        self._about = {"line": line, "way": name}

    def set(self, **impairment: float | None) -> None:
        """Be so from now on, and clean in all that is not named: see `Impairment`."""
        self._network.ask({"do": "set", "to": asdict(Impairment(**impairment))} | self._about)

    def counts(self) -> Counts:
        """What became of the packets so far."""
        return Counts(**self._network.ask({"do": "counts"} | self._about))


class Host:
    """A machine of the network: a namespace, one address of each kind, one line."""

    def __init__(self, network: "Network", name: str, number: int) -> None:
        self._network = network
        self._number = number
        self._moves = 0
        self._rebindings = 0
        self.namespace = f"{PREFIX}{os.getpid()}-{network.number}-{name}"
        self._near = f"dc{network.number}n{number}"
        self._far = f"dc{network.number}f{number}"
        self.up = Way(network, self._near, "up")
        self.down = Way(network, self._near, "down")

    @property
    def _last_part(self) -> int:
        return self._number if not self._moves else MOVED + 10 * self._number + self._moves % 10

    @property
    def address(self) -> str:
        """Its IPv4 address now."""
        return f"{self._network.prefix}.{self._last_part}"

    @property
    def address6(self) -> str:
        """Its IPv6 address now."""
        return f"{self._network.prefix6}::{self._last_part}"

    def set(self, **impairment: float | None) -> None:
        """Both directions of the line alike: a delay of 50 ms is a round trip of 100."""
        self.up.set(**impairment)
        self.down.set(**impairment)

    def command(self, *command: str) -> list[str]:
        """The same command, run in this host."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def executable(self, program: str, directory: Path) -> Path:
        """A program to start that runs another one in this host, for those who can only name a program."""
        script = directory / f"{Path(program).name}-in-{self.namespace}"
        script.write_text(f'#!/bin/sh\nexec {" ".join(self.command(program))} "$@"\n')
        script.chmod(0o755)
        return script

    def move(self) -> None:
        """Lose the address and get another one, as a laptop does that goes to another network."""
        for family, old in self._addresses():
            ip("-n", self.namespace, family, "address", "delete", old, "dev", self._far)
            ip(family, "route", "delete", old, "dev", self._near)
        self._moves += 1
        for family, new in self._addresses():
            ip(family, "route", "replace", new, "dev", self._near)
        self._settle()

    def rebind(self) -> None:
        """Be seen with other UDP ports from now on and not notice it, as behind a router that was restarted."""
        self._rebindings += 1
        # Other ports each time, in the upper half as before; a mask of zero would be no change.
        mask = 1 + self._rebindings % 0x7FFF
        self._network.ask({"do": "rebind", "line": self._near, "mask": mask})

    def open(self) -> None:
        """Make the namespace and plug in the line."""
        ip("netns", "add", self.namespace)
        self._network.ask(
            {"do": "open", "near": self._near, "far": self._far, "seed": self._network.seed + self._number}
        )
        ip("link", "set", self._far, "netns", self.namespace)
        ip("link", "set", self._near, "addrgenmode", "none", "up")
        for family, here in self._addresses():
            near = self._network.address if family == "-4" else self._network.address6
            ip(family, "address", "add", near, "peer", here, "dev", self._near, *quick(family))
        ip("-n", self.namespace, "link", "set", "lo", "up")
        ip("-n", self.namespace, "link", "set", self._far, "addrgenmode", "none", "up")
        self._settle()

    def close(self) -> None:
        """Remove it with all that runs there."""
        remove(self.namespace)

    def _addresses(self) -> list[tuple[str, str]]:
        both = [("-4", f"{self.address}/32"), ("-6", f"{self.address6}/128")]
        return both if has_ipv6() else both[:1]

    def _settle(self) -> None:
        for family, here in self._addresses():
            ip("-n", self.namespace, family, "address", "add", here, "dev", self._far, *quick(family))
            ip("-n", self.namespace, family, "route", "replace", "default", "dev", self._far)


class Network:
    """Hosts with lines to this machine; all gone when the `with` block ends."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.number = _free_number()
        # RFC 2544's range for tests of network devices, and a unique local prefix (RFC 4193).
        self.prefix = f"198.18.{self.number}"
        self.prefix6 = f"fd18:{self.number:x}"
        self.address = f"{self.prefix}.1"
        self.address6 = f"{self.prefix6}::1"
        self._hosts: list[Host] = []
        self._wire: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        sweep()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self._wire = subprocess.Popen([sys.executable, "-m", "tests.support.wire"], cwd=ROOT, **pipes)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for host in self._hosts:
                host.close()
        finally:
            self._unplug()

    def _unplug(self) -> None:
        """The lines go with the wire, and the wire with its standard input; one that hangs is killed."""
        if self._wire is None:
            return
        try:
            self._wire.communicate(timeout=5)
        finally:
            self._wire.kill()
            self._wire.wait()

    @property
    def wire_pid(self) -> int:
        """The process that carries the packets."""
        assert self._wire is not None, "not entered"
        return self._wire.pid

    def host(self, name: str) -> Host:
        """One more host, at the end of a clean line."""
        host = Host(self, name, len(self._hosts) + 2)
        self._hosts.append(host)
        host.open()
        return host

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request to the wire and its answer."""
        assert self._wire is not None, "not entered"
        assert self._wire.stdin is not None
        assert self._wire.stdout is not None
        self._wire.stdin.write(json.dumps(request) + "\n")
        line = self._wire.stdout.readline()
        assert line, f"the wire is dead: {self._wire.poll()}"
        return json.loads(line)


def ip(*arguments: str) -> str:
    """Run iproute2; what it printed. Fails with what it complained about."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout


def quick(family: str) -> tuple[str, ...]:
    """Nobody else can have an IPv6 address on a line of two: use it without asking around first."""
    return ("nodad",) if family == "-6" else ()


def sweep() -> None:
    """Remove the namespaces of runs that are no more. Their devices went with their wires."""
    for name in namespaces():
        maker = name.removeprefix(PREFIX).split("-")[0]
        if not Path("/proc", maker).exists():
            remove(name)


def namespaces() -> list[str]:
    """The namespaces that are ours, of whatever run."""
    names = [line.split()[0] for line in ip("netns", "list").splitlines()]
    return [name for name in names if name.startswith(PREFIX)]


def remove(namespace: str) -> None:
    """End what runs in a namespace and delete it, if it is there."""
    if namespace not in namespaces():
        return
    for pid in ip("netns", "pids", namespace).split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", namespace)


def _free_number() -> int:
    taken = {device.name[2:].split("n")[0] for device in DEVICES.glob("dc*n*")}
    return next(
        number
        for number in (((os.getpid() + step) % NETWORKS) + 1 for step in range(NETWORKS))
        if str(number) not in taken
    )
