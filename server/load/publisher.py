"""A light peer that sends a microphone and a camera of ready-made packets at an even pace."""

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from server.load.packets import ABS_SEND_TIME, RID, TRANSPORT_WIDE_CC, Audio, HeaderExtension, Stream, Video
from server.load.peer import AUDIO_LEVEL, MID, VP8, LightPeer
from server.load.plan import SIMULCAST_RIDS, Plan
from sfu import rtcp, sdp
from sfu.rtp import is_rtcp

# The smallest encoding's width and height; each next one doubles them.
_SIZE = (320, 180)
REPORT_S = 1.0
CHECK_S = 4.0
_NTP_1900_S = 2_208_988_800


class Publisher(LightPeer):
    """Offers, is answered, sends; `late_s` has by how much each moment of sending was missed.

    `start` is when its first moment falls, in shares of a frame: publishers are not in step.
    """

    extensions: ClassVar[Mapping[int, str]] = {
        1: AUDIO_LEVEL, 2: ABS_SEND_TIME, 3: TRANSPORT_WIDE_CC, 4: MID, 10: RID,
    }  # fmt: skip

    def __init__(self, plan: Plan, host: str = "127.0.0.1", start: float = 0.0) -> None:
        super().__init__(silent=True, host=host)
        self.plan = plan
        self.late_s: list[float] = []
        self.audio: Audio | None = None
        self.video: list[Video] = []
        self._start = start
        self._audio_owed = 0.0
        self._number = 0
        self._reported = self._checked = 0.0
        self._ssrcs = {mid: secrets.randbits(31) | 1 for mid in ("audio", "video", "rtx")}

    def describe(self) -> str:
        """The offer."""
        ssrcs: dict[str, tuple[int, ...]] = {}
        for mid in self.plan.sources:
            ssrcs[mid] = (self._ssrcs[mid], self._ssrcs["rtx"]) if mid == "video" else (self._ssrcs[mid],)
        return self.offer(ssrcs, rids={"video": SIMULCAST_RIDS} if self.plan.simulcast else {})

    async def begin(self, answer: str) -> None:
        """Agree and connect. Raises LinkFailed."""
        for media in sdp.parse(answer).media:
            self.agreed[media.mid] = {uri: number for number, uri in media.extensions.items()}
            if media.mid == "audio":
                plan, ssrc = self.plan, self._ssrcs["audio"]
                self.audio = Audio(self.agreed["audio"], "audio", ssrc, plan.audio_bytes, plan.audio_rate)
            elif media.mid == "video":
                self.video = list(self._encodings([rid for rid, _ in media.rids]))
        await self.connect(answer)

    def _encodings(self, rids: list[str]) -> Iterator[Video]:
        """Those that were agreed on; without simulcast the highest alone."""
        for step, (rid, parts) in enumerate(zip(SIMULCAST_RIDS, self.plan.parts, strict=True)):
            if rid in rids or (not rids and rid == SIMULCAST_RIDS[-1]):
                fixed = {MID: b"video"} | ({RID: rid.encode()} if rids else {})
                extension = HeaderExtension(self.agreed["video"], fixed)
                ssrc = self._ssrcs["video"] + step if rids else self._ssrcs["video"]
                stream = Stream(VP8.payload_type, self.plan.video_bytes, extension, ssrc)
                size = (_SIZE[0] << step, _SIZE[1] << step)
                yield Video(stream, parts, self.plan.frame_rate, size, rid if rids else "")

    # Sending

    @property
    def sent(self) -> dict[str, int]:
        """Packets so far by source, simulcast encodings together."""
        counts = {"microphone": self.audio.stream.sent} if self.audio else {}
        return counts | ({"camera": sum(one.stream.sent for one in self.video)} if self.video else {})

    def restart(self) -> None:
        """Count from nothing."""
        self.late_s.clear()
        for stream in self._streams():
            stream.sent = stream.octets = 0

    def change(self, plan: Plan) -> None:
        """Other rates and bursts from now on; tracks and lengths stay what they were."""
        self.plan = plan
        for encoding, parts in zip(self.video, plan.parts[-len(self.video) :], strict=True):
            encoding.pace(parts, plan.frame_rate)

    def _streams(self) -> Iterator[Stream]:
        if self.audio:
            yield self.audio.stream
        yield from (one.stream for one in self.video)

    async def send_for(self, seconds: float) -> None:
        """Send at the plan's pace for so long; for ever when that is infinite."""
        every = 1 / self.plan.frame_rate
        start = time.monotonic() + self._start * every
        for moment in itertools.count():
            due = start + moment * every
            if due >= start + seconds:
                return
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.late_s.append(time.monotonic() - due)
            self._send_moment()

    def _send_moment(self) -> None:
        self._audio_owed += self.plan.audio_rate / self.plan.frame_rate
        while self.audio and self._audio_owed > 0.999:
            self._audio_owed -= 1
            self._send(self.audio.packet(self._number))
        for encoding in self.video:
            if encoding.active:
                for packet in encoding.frame(self._number):
                    self._send(packet)

    def _send(self, packet: bytes) -> None:
        self._number += 1
        self.send_rtp(packet)

    def activate(self, rids: list[str]) -> None:
        """Send only these encodings of the camera from now on."""
        for encoding in self.video:
            if encoding.rid:
                encoding.keyframe_wanted |= encoding.rid in rids and not encoding.active
                encoding.active = encoding.rid in rids

    # RTCP

    def tick(self, now: float) -> None:
        """Consent (RFC 7675) and sender reports. To be called several times a second."""
        if now - self._checked > CHECK_S:
            self._checked = now
            self.send(bytes(self.check()))
        if now - self._reported > REPORT_S:
            self._reported = now
            for stream in self._streams():
                self._report(stream)

    def _report(self, stream: Stream) -> None:
        ntp = int((time.time() + _NTP_1900_S) * 2**32)
        counts = stream.sent & 0xFFFFFFFF, stream.octets & 0xFFFFFFFF
        report = rtcp.SenderReport(stream.ssrc, ntp, stream.timestamp & 0xFFFFFFFF, *counts)
        self.send_rtcp(report.to_bytes())

    def _take_media(self, data: bytes) -> None:
        if not is_rtcp(data) or self.dtls._rx_srtp is None:
            return
        for message in rtcp.parse(self.dtls._rx_srtp.unprotect_rtcp(data)).messages:
            if isinstance(message, rtcp.Pli):
                self._want_keyframes((message.media_ssrc,))
            elif isinstance(message, rtcp.Fir):
                self._want_keyframes(message.ssrcs)

    def _want_keyframes(self, ssrcs: tuple[int, ...]) -> None:
        for encoding in self.video:
            encoding.keyframe_wanted |= encoding.stream.ssrc in ssrcs
