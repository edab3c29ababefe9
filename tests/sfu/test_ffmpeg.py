"""FFmpeg's WHIP muxer, whose end of DTLS is the server unless it is told otherwise."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from sfu.drops import DropReason
from sfu.transport import State, Transport
from tests.sfu.clients import until
from tests.sfu.ends import CERTIFICATE, FINGERPRINTS, Owner, running_mux
from tests.sfu.whipper import PICTURES

TRANSPORT_LINES = ("a=ice-", "a=fingerprint", "a=setup", "a=candidate", "a=ssrc", "a=msid", "a=mid")


def line(description: str, start: str) -> str:
    """What follows `start` in the first line that has it."""
    return next(one.removeprefix(start) for one in description.splitlines() if one.startswith(start))


def answer(offer: str, transport: Transport, port: int, setup: str) -> str:
    """Take the one section of FFmpeg's offer."""
    kept = [one for one in offer.splitlines() if not one.startswith(TRANSPORT_LINES)]
    credentials = transport.ice.credentials
    ours = [
        f"a=mid:{line(offer, 'a=mid:')}",
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        "a=fingerprint:{} {}".format(*FINGERPRINTS[0]),
        f"a=setup:{setup}",
        f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host",
    ]
    return "\r\n".join([*kept, *ours, ""]).replace("a=sendonly", "a=recvonly")


@contextlib.asynccontextmanager
async def whip_endpoint(transport: Transport, port: int) -> AsyncIterator[str]:
    """Where FFmpeg is sent."""

    async def publish(request: web.Request) -> web.Response:
        offer = await request.text()
        algorithm, _, value = line(offer, "a=fingerprint:").partition(" ")
        passive = line(offer, "a=setup:") == "passive"
        transport.describe_remote([(algorithm, value)], "client" if passive else "server")
        text = answer(offer, transport, port, "active" if passive else "passive")
        headers = {"Location": "/session"}
        return web.Response(status=201, text=text, content_type="application/sdp", headers=headers)

    async def delete(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/whip", publish)
    app.router.add_delete("/session", delete)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/whip"
    finally:
        await runner.cleanup()


def key_files(directory: Path) -> tuple[str, str]:
    """A certificate on P-256 and its key."""
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    certificate, key = directory / "whip.pem", directory / "whip.key"
    certificate.write_bytes(CERTIFICATE._cert.public_bytes(pem))
    key.write_bytes(CERTIFICATE._key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return str(certificate), str(key)


@pytest.mark.parametrize("flags", ["", "dtls_active"])
async def test_ffmpeg_publishes(flags: Literal["", "dtls_active"], tmp_path: Path) -> None:
    async with running_mux() as gate:
        owner = Owner()
        transport = Transport("whip", gate, CERTIFICATE, owner)
        async with whip_endpoint(transport, gate.number) as url:
            program = [sys.executable, "-m", "tests.sfu.whipper", url, *key_files(tmp_path), flags]
            process = await asyncio.create_subprocess_exec(*program)
            try:
                assert await asyncio.wait_for(process.wait(), 20) == 0
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await until(lambda: transport.state is State.CLOSED)
        assert transport.reason == "closed_by_peer"
        # A server of DTLS sends media right behind its last word; the first packet may be there before the keys.
        early = gate.drops[DropReason.KEYS_MISSING]
        assert early <= 5
        assert len(owner.rtp) + early >= PICTURES
        await transport.wait_closed()
