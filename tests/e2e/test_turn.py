"""Networks that let out TCP to one port only: Chromium reaches the media node by ICE-TCP or by TURN over TLS."""

import asyncio
import contextlib
import os
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import create_turn_endpoint
from playwright.async_api import Browser, Page, async_playwright
from pydantic import SecretStr

from server.config import Settings
from server.ice_servers import IceServer, IceServers
from sfu.node import Node
from tests.e2e.coturn import SECRET, TURNSERVER, Turn, coturn, trusting_home
from tests.e2e.narrow import Narrow, narrow_network
from tests.support.browser import CHROMIUM, until
from tests.support.network import lacking_for_namespaces

needs_coturn = pytest.mark.skipif(
    not Path(TURNSERVER).exists() or not shutil.which("certutil"),
    reason="needs the packages coturn and libnss3-tools",
)
MEETING = "meeting"
# The port that the narrowest network lets out.
HTTPS = 443
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
PAGE = """<!doctype html><meta charset="utf-8"><title>peer</title><script>
const connections = {};
async function publish(peer, iceServers) {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 180}});
  const pc = connections[peer] = new RTCPeerConnection({iceServers});
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  await pc.setLocalDescription();
  const sources = {};
  for (const t of pc.getTransceivers()) {
    sources[t.mid] = t.sender.track.kind === "audio" ? "microphone" : "camera";
  }
  const {sdp} = await window.call("publish", {peer, owner: peer, offer: pc.localDescription.sdp, sources});
  await pc.setRemoteDescription({type: "answer", sdp});
}
async function want(peer, wants, iceServers) {
  const pc = connections[peer] = new RTCPeerConnection({iceServers});
  pc.ontrack = ({track}) => {
    const element = document.createElement(track.kind);
    Object.assign(element, {autoplay: true, muted: true, srcObject: new MediaStream([track])});
    document.body.append(element);
  };
  const {sdp} = await window.call("subscribe", {peer, wants});
  await pc.setRemoteDescription({type: "offer", sdp});
  await pc.setLocalDescription();
  await window.call("answer", {peer, sdp: pc.localDescription.sdp});
}
async function stats(peer) {
  const all = [...(await connections[peer].getStats()).values()];
  const pair = all.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
  const local = all.find((one) => one.id === pair?.localCandidateId);
  const inbound = all.filter((one) => one.type === "inbound-rtp");
  return {
    type: local?.candidateType, protocol: local?.protocol, relayProtocol: local?.relayProtocol, url: local?.url,
    frames: inbound.find((one) => one.kind === "video")?.framesDecoded ?? 0,
    samples: inbound.find((one) => one.kind === "audio")?.totalSamplesReceived ?? 0,
  };
}
</script>"""


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Narrow]:
    """A narrow network; without the means for one, the test is skipped."""
    if missing := lacking_for_namespaces():
        pytest.skip(missing)
    with narrow_network(tmp_path) as network:
        yield network


@contextlib.asynccontextmanager
async def node_on(host: str) -> AsyncIterator[Node]:
    """A media node that is reached at `host`."""
    node = Node(lambda event, **params: None)
    await node.open([host])
    try:
        yield node
    finally:
        await node.close()


@contextlib.asynccontextmanager
async def page_inside(network: Narrow, node: Node, home: Path) -> AsyncIterator[Page]:
    """A page whose calls to the node go past the network: only media is put to the test."""

    async def call(method: str, params: dict[str, Any]) -> Any:
        meeting = {} if method == "answer" else {"meeting": MEETING}
        result = await getattr(node, method)(**meeting, **params)
        return {"sdp": result["sdp"]} if result else None

    async with browser_inside(network, home) as browser:
        page = await browser.new_page()
        await page.expose_function("call", call)
        await page.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        await page.goto("http://localhost/")
        yield page


@contextlib.asynccontextmanager
async def browser_inside(network: Narrow, home: Path) -> AsyncIterator[Browser]:
    """Chromium in the namespace, with a home of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=network.executable(CHROMIUM),
            args=FLAGS,
            env={**os.environ, "HOME": str(home)},
        )
        try:
            yield browser
        finally:
            await browser.close()


async def call_inside(page: Page, ice_servers: list[IceServer]) -> dict[str, Any]:
    """One page publishes and receives itself: media goes out and comes back. How it got there."""
    await page.evaluate("(servers) => publish('alice', servers)", ice_servers)
    wants = [{"owner": "alice", "source": source} for source in ("microphone", "camera")]
    await page.evaluate("([wants, servers]) => want('bob', wants, servers)", [wants, ice_servers])

    async def flowing() -> dict[str, Any] | None:
        stats: dict[str, Any] = await page.evaluate("stats('bob')")
        return stats if stats["frames"] > 30 and stats["samples"] > 48_000 else None

    await until(flowing, "media there and back", 20)
    sent: dict[str, Any] = await page.evaluate("stats('alice')")
    received: dict[str, Any] = await page.evaluate("stats('bob')")
    assert {**sent, "frames": 0, "samples": 0} == {**received, "frames": 0, "samples": 0}
    return sent


def servers_for(*urls: str) -> list[IceServer]:
    """What the join acknowledgement would name."""
    settings = Settings(turn_urls=urls, turn_secret=SecretStr(SECRET))
    return IceServers(settings).ice_servers("p1", time.time())


@pytest.mark.browser
async def test_chromium_without_udp_comes_by_tcp(network: Narrow, tmp_path: Path) -> None:
    """[REL-14] Straight to the node's own port."""
    async with node_on(network.host) as node, page_inside(network, node, tmp_path) as page:
        network.let_out(node.port)
        way = await call_inside(page, [])
        assert (way["type"], way["protocol"]) in (("host", "tcp"), ("prflx", "tcp"))
        assert network.sent_udp() == 0


@pytest.mark.browser
@needs_coturn
async def test_chromium_comes_by_turn_over_tls(network: Narrow, tmp_path: Path) -> None:
    """[REL-14] The only way out is TCP to port 443, the TURN server's; its certificate is checked."""
    async with coturn(network.host, tmp_path, HTTPS) as turn, node_on(network.host) as node:
        network.let_out(turn.tls_port)
        async with page_inside(network, node, trusting_home(tmp_path, turn.authority)) as page:
            url = f"turns:{turn.host}:{turn.tls_port}?transport=tcp"
            way = await call_inside(page, servers_for(url))
            assert (way["type"], way["relayProtocol"], way["url"]) == ("relay", "tls", url)
            assert network.sent_udp() == 0
            assert "p1" in turn.log.read_text()


@needs_coturn
async def test_credentials_open_the_turn_server_until_they_end(tmp_path: Path) -> None:
    """What we say is what coturn believes; yesterday's credentials, and others' secrets, open nothing."""
    async with coturn("127.0.0.1", tmp_path) as turn:
        url = f"turns:{turn.host}:{turn.tls_port}?transport=tcp"
        assert await allocated(turn, servers_for(url)[0])
        ended = Settings(turn_urls=(url,), turn_secret=SecretStr(SECRET), turn_lifetime=600)
        (old,) = IceServers(ended).ice_servers("p1", time.time() - 700)
        foreign = Settings(turn_urls=(url,), turn_secret=SecretStr("bi-mat-cua-nguoi-khac"))
        (other,) = IceServers(foreign).ice_servers("p1", time.time())
        for refused in (old, other):
            assert not await allocated(turn, refused)


class Allocation(asyncio.DatagramProtocol):
    """An address at the TURN server, until it has been given back."""

    def __init__(self) -> None:
        self.given_back = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server knows."""
        self.given_back.set()


async def allocated(turn: Turn, server: IceServer) -> bool:
    """Whether the TURN server gives us an address, by TLS with its certificate checked."""
    trust = ssl.create_default_context(cafile=turn.authority)
    server_address = (turn.host, turn.tls_port)
    names = {"username": server["username"], "password": server["credential"]}
    try:
        transport, allocation = await create_turn_endpoint(
            Allocation, server_address, ssl=trust, transport="tcp", **names
        )
    except TransactionFailed:
        return False
    transport.close()
    await asyncio.wait_for(allocation.given_back.wait(), 5)
    return True
