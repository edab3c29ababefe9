"""What one server needs for itself: its data, the address of its pages, the ports of its media.

All of it is claimed before anything is read or changed, so that a start that cannot succeed disturbs nobody: a
second one on the same data would otherwise take the first one's meetings for left over from a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from server.addresses import media_hosts
from server.config import Listen, Settings, SettingsError, usable
from sfu.port import UdpPort
from sfu.tcp import listener

# The workers of a server that was killed a moment ago need another one to notice.
MEDIA_PORTS_WITHIN_S = 3.0
_MEDIA_PORTS_PAUSE_S = 0.1


@contextlib.contextmanager
def held_data(directory: Path) -> Iterator[None]:
    """Make the directory where missing and let no other server use it. Raises SettingsError.

    The kernel lets go of the lock when the process ends, however it ends. Commands that only read or write the
    database (`diemcau check`, `diemcau user`) do not ask for it: SQLite is there for several.
    """
    with usable("DIEMCAU_DATA"):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with usable("DIEMCAU_DATA"):
            _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"DIEMCAU_DATA: another server is running on {directory}.") from None


@contextlib.contextmanager
def listening(listen: Listen) -> Iterator[list[socket.socket]]:
    """One socket for each address of the host; who connects waits until it is served. Raises SettingsError."""
    with contextlib.ExitStack() as opened, usable("DIEMCAU_LISTEN"):
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)
        sockets = [
            opened.enter_context(socket.create_server(address, family=family))
            for family, _, _, _, address in dict.fromkeys(found)
        ]
        closing = opened.pop_all()
    with closing:
        yield sockets


async def free_media_ports(settings: Settings) -> None:
    """See that every worker will get its ports, for one that does not can only end. Raises SettingsError."""
    deadline = time.monotonic() + MEDIA_PORTS_WITHIN_S
    for number in range(settings.media_port, settings.media_port + settings.sfu_workers):
        for host in media_hosts(settings):
            with usable(f"DIEMCAU_MEDIA_PORT: {host}:{number}"):
                await _free_port(host, number, deadline)


async def _free_port(host: str, number: int, deadline: float) -> None:
    while True:
        try:
            UdpPort(host, number).close()
            listener(host, number).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        else:
            return
        await asyncio.sleep(_MEDIA_PORTS_PAUSE_S)
