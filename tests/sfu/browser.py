"""A real Chromium page that makes and takes session descriptions."""

import http.server
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]

SCRIPT = """
window.connections = [];
window.publish = async (kinds) => {
  const pc = new RTCPeerConnection({bundlePolicy: 'balanced'});
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  const [audio] = stream.getAudioTracks(), [video] = stream.getVideoTracks();
  for (const kind of kinds)
    pc.addTransceiver((kind === 'audio' ? audio : video).clone(), {direction: 'sendonly', streams: [stream]});
  await pc.setLocalDescription();
  window.connections.push(pc);
  return pc.localDescription.sdp;
};
window.play = async (kinds) => {
  const pc = new RTCPeerConnection();
  for (const kind of kinds) pc.addTransceiver(kind, {direction: 'recvonly'});
  await pc.setLocalDescription();
  window.connections.push(pc);
  return pc.localDescription.sdp;
};
window.offerAgain = async (change) => {
  const pc = window.connections.at(-1);
  if (change === 'stop last') pc.getTransceivers().at(-1).stop();
  if (change === 'data') pc.createDataChannel('x');
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
};
window.take = async (sdp) => {
  const pc = window.connections.at(-1);
  await pc.setRemoteDescription({type: 'answer', sdp});
  return window.state(pc);
};
window.receive = () => { window.connections.push(new RTCPeerConnection()); };
window.answer = async (sdp) => {
  const pc = window.connections.at(-1);
  await pc.setRemoteDescription({type: 'offer', sdp});
  await pc.setLocalDescription();
  return {sdp: pc.localDescription.sdp, ...window.state(pc)};
};
window.state = (pc) => ({
  signaling: pc.signalingState,
  sections: pc.getTransceivers().map((t) => ({
    mid: t.mid, direction: t.currentDirection, kind: t.receiver.track.kind,
    codecs: t.sender.getParameters().codecs.map((c) => c.mimeType),
    extensions: t.sender.getParameters().headerExtensions.map((e) => e.uri),
  })),
});
"""


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>test</title><script>{SCRIPT}</script>".encode())

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@asynccontextmanager
async def chromium_page() -> AsyncIterator[Page]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{server.server_port}/")
            yield page
            await browser.close()
    finally:
        server.shutdown()
        server.server_close()
