"""Runs the server until it is told to stop, and tells whoever started it where to go."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aiohttp import web

from server.addresses import local_addresses
from server.app import running
from server.auth import setup_path
from server.claims import free_media_ports, held_data, listening
from server.config import Settings, TlsFiles, usable
from server.http_app import RUNNER_OPTIONS
from server.keys import AUTH, SETTINGS
from server.logs import configure
from server.tls import own_certificate, server_context

# Requests under way get this long after SIGTERM.
SHUTDOWN_TIMEOUT_S = 3.0


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError when what a setting names cannot be had."""
    configure()
    with held_data(settings.data), listening(settings.listen) as sockets:
        tls = _tls(settings)
        await free_media_ports(settings)
        async with running(settings) as app:
            await _serve(app, sockets, tls)


async def _serve(app: web.Application, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None) -> None:
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_TIMEOUT_S, **RUNNER_OPTIONS)
    await runner.setup()
    try:
        # Before anybody can sign in, or a script that waits for the port is told that its password is wrong.
        token = await app[AUTH].first_run()
        for listener in sockets:
            await web.SockSite(runner, listener, ssl_context=tls).start()
        _greet(app[SETTINGS], runner.addresses[0][1], token)
        await _stopped()
    finally:
        await runner.cleanup()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """Raises SettingsError for files that do not serve."""
    if settings.tls == "off":
        return None
    if isinstance(settings.tls, TlsFiles):
        return server_context(settings.tls)
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    names = [public] if public else []
    with usable("DIEMCAU_DATA"):
        return server_context(own_certificate(settings.data / "tls", names, datetime.now(UTC)))


async def _stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await stop.wait()


def _greet(settings: Settings, port: int, token: str | None) -> None:
    """Tell where we are and, while nobody can sign in yet, the set-up link of that token."""
    origins = _origins(settings, port)
    lines = ["", "  Diemcau đang chạy · is running", *(f"    {origin}" for origin in origins)]
    if token:
        lines += [
            "",
            "  Đăng nhập lần đầu: mở liên kết này một lần để đặt mật khẩu cho tài khoản admin.",
            "  First sign-in: open this link once to choose the password of user admin.",
            f"    {origins[0]}{setup_path(token)}",
        ]
    if settings.tls == "auto":
        lines += ["", f"  Chứng thực gốc · CA certificate for browsers: {settings.data / 'tls' / 'ca.pem'}"]
    print("\n".join([*lines, ""]), flush=True)


def _origins(settings: Settings, port: int) -> Sequence[str]:
    if settings.public_url:
        return [settings.public_url]
    scheme = "http" if settings.tls == "off" else "https"
    hosts = [settings.listen.host]
    if settings.listen.host == "0.0.0.0":  # noqa: S104 - a comparison
        hosts = ["localhost", *(address for address in local_addresses() if ":" not in address)]
    elif settings.listen.host == "::":
        hosts = ["localhost", *local_addresses()]
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" for host in hosts]
