"""FFmpeg publishes by WHIP into an H.264 meeting, and Chromium shows it."""

import asyncio
import datetime
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conftest import Say
from tests.media.company import Company, stats
from tests.support.browser import until
from tests.support.ruler import unwrapped

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(60),
]

# Nobody else in the meeting has this mark in the picture.
ENCODER = 2
# Looked at is what was painted in two seconds; a machine that is busy with the encoder too begins badly.
LOOK_MS, FRAMES = 2000, 25


async def test_ffmpeg_is_seen_and_heard_in_a_browser(two: Company, say: Say, tmp_path: Path) -> None:
    await two.meet("h264")
    seat = await two.api.seat(two.meeting, "Thiết bị phòng họp", kind="room")
    url = f"{two.server.origin}/whip/{two.meeting}"
    try:
        async with encoder(url, seat["token"], tmp_path):
            counted = await until(lambda: nearly_all(two), "its pictures are painted in Chromium", 25)
            inbound = await of_encoder(two)
            await until(lambda: both_sound(two), "its sound is played in Chromium")
    finally:
        await two.leave()
    say(
        f"FFmpeg by WHIP: {share(counted):.0%} of its pictures painted, {inbound['codec']},"
        f" {inbound['packetsLost']} lost"
    )
    assert counted == sorted(counted)
    assert inbound["codec"] == "video/H264"


async def nearly_all(two: Company) -> list[int]:
    """The numbers of the encoder's frames painted in the last seconds; none while many are missing."""
    painted = await two.viewer.ruler.painted(await two.viewer.ruler.now() - LOOK_MS)
    marked = (one for one in painted if one.participant == ENCODER)
    counted = unwrapped([one.number for one in marked if one.number is not None])
    return counted if len(counted) >= FRAMES and share(counted) >= 0.9 else []


def share(counted: list[int]) -> float:
    """Of the frames between the first and the last, how many were painted."""
    return len(set(counted)) / (counted[-1] - counted[0] + 1)


async def both_sound(two: Company) -> bool:
    """Whether the viewer's browser plays something of the speaker and of the encoder."""
    found = await stats(two.viewer, "inbound-rtp")
    return sum(one["kind"] == "audio" and one["totalAudioEnergy"] > 0 for one in found) == 2


async def of_encoder(two: Company) -> dict[str, Any]:
    """What the viewer's browser counts of the encoder's picture, which is 360 lines high."""
    found = await stats(two.viewer, "inbound-rtp")
    return next(one for one in found if one.get("frameHeight") == 360)


@asynccontextmanager
async def encoder(url: str, token: str, directory: Path) -> AsyncIterator[None]:
    """The process, while it sends."""
    certificate, key = write_certificate(directory)
    told = {
        "url": url,
        "token": token,
        "certificate": str(certificate),
        "key": str(key),
        "participant": ENCODER,
    }
    log = (directory / "encoder.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.encoder", json.dumps(told), stdout=log, stderr=log
    )
    try:
        yield
        assert process.returncode is None, (directory / "encoder.log").read_text("utf-8", "replace")
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        log.close()


def write_certificate(directory: Path) -> tuple[Path, Path]:
    """FFmpeg makes itself a key on the curve P-224, which OpenSSL takes for too weak."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "encoder")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = directory / "certificate.pem", directory / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path
