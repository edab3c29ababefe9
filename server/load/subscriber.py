"""A light peer that receives and counts. RTP headers are in the clear; of the payloads only a sample is decrypted."""

import contextlib
import fcntl
import secrets
import socket
import time
from struct import Struct
from typing import ClassVar

from pylibsrtp import Error as SrtpError

from server.load.feedback import FeedbackWriter
from server.load.packets import ABS_SEND_TIME, TRANSPORT_WIDE_CC, sent_at_ns
from server.load.peer import AUDIO_LEVEL, MID, LightPeer
from server.load.publisher import CHECK_S, REPORT_S
from server.load.tally import Tally
from sfu import rtcp, sdp
from sfu.rtp import is_rtcp

# Decrypting costs more than counting.
SAMPLED_EVERY = 8
# asm-generic/sockios.h: the kernel's time of the datagram that was read last. The first call switches that on.
_SIOCGSTAMPNS = 0x8907
_TIMESPEC = Struct("@ll")
# asm-generic/socket.h and linux/sock_diag.h: the ninth number is of datagrams that the socket could not hold.
_SO_MEMINFO = 55
_MEMINFO = Struct("@9I")
_HEADER = Struct("!BBHII")
_HEADER_BYTES = 12
_MOST_BLOCKS = 31


class _Stream:
    """One SSRC that was announced to us, and what our last receiver report said of it."""

    __slots__ = ("last_sr", "lost", "received", "sr_at", "tally", "transport_wide")

    def __init__(self, tally: Tally, transport_wide: int | None) -> None:
        self.tally = tally
        self.transport_wide = transport_wide
        self.received = self.lost = self.last_sr = 0
        self.sr_at = 0.0

    def block(self, ssrc: int, now: float) -> rtcp.ReportBlock:
        """RFC 3550, 6.4.1; the jitter is left out."""
        tally = self.tally
        lost, received = max(0, tally.lost - self.lost), max(0, tally.received - self.received)
        self.lost, self.received = tally.lost, tally.received
        fraction = 256 * lost // max(1, lost + received)
        delay = round((now - self.sr_at) * 65_536) if self.last_sr else 0
        return rtcp.ReportBlock(
            ssrc, min(255, fraction), tally.lost, tally.highest, 0, self.last_sr, delay & 0xFFFFFFFF
        )


class Subscriber(LightPeer):
    """Is offered, answers, counts by mid in `tallies`; `delays_s` has the sampled ways of packets.

    The time of arrival is the kernel's, so a slow reader of ours is in no delay.
    """

    accepted: ClassVar[frozenset[str]] = frozenset({MID, AUDIO_LEVEL, ABS_SEND_TIME, TRANSPORT_WIDE_CC})

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(silent=True, host=host)
        self.tallies: dict[str, Tally] = {}
        self.delays_s: list[float] = []
        self._streams: dict[int, _Stream] = {}
        self._ssrc = secrets.randbits(31) | 1
        self._feedback = FeedbackWriter()
        self._buffer = bytearray(2048)
        self._stamp = bytearray(_TIMESPEC.size)
        self._reported = self._checked = 0.0
        self._dropped_before = 0

    def accept(self, offer: str) -> str:
        """The answer; the streams it announces are counted from now on, repair streams by themselves."""
        answer = self.answer(offer)
        for media in sdp.parse(offer).media:
            tally = self.tallies.setdefault(media.mid, Tally())
            number = self.agreed[media.mid].get(TRANSPORT_WIDE_CC)
            for ssrc in media.ssrcs:
                self._streams.setdefault(ssrc, _Stream(tally, number))
                tally = Tally()
        return answer

    @property
    def overflowed(self) -> int:
        """Packets that came, and were lost because we read too slowly."""
        return self._dropped() - self._dropped_before

    def _dropped(self) -> int:
        told = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(told)[-1])

    def restart(self) -> None:
        """Count from nothing."""
        self.delays_s.clear()
        self._dropped_before = self._dropped()
        for stream in self._streams.values():
            stream.tally.restart()
            stream.received = stream.lost = 0

    # Packets

    def _read(self) -> None:
        buffer, receive, unpack = self._buffer, self.socket.recv_into, _HEADER.unpack_from
        for _ in range(256):
            try:
                length = receive(buffer)
            except BlockingIOError:
                return
            first, second, sequence, _, ssrc = unpack(buffer)
            if length < _HEADER_BYTES or not 128 <= first < 192 or 192 <= second <= 223:
                self._take(bytes(buffer[:length]))
            elif ssrc in self._streams:
                self._count(self._streams[ssrc], first, sequence, length)

    def _count(self, stream: _Stream, first: int, sequence: int, length: int) -> None:
        stream.tally.take(sequence)
        if stream.transport_wide is not None and first & 0x10:
            number = _element(self._buffer, _HEADER_BYTES + 4 * (first & 0x0F), stream.transport_wide)
            if number is not None:
                self._feedback.arrived(number, self._arrived_ns())
        if sequence % SAMPLED_EVERY == 0:
            self._sample(length)

    def _sample(self, length: int) -> None:
        arrived_ns = self._arrived_ns() - time.time_ns() + time.monotonic_ns()
        session = self.dtls._rx_srtp
        if session is None:
            return
        # A packet that came twice does not pass a second time.
        with contextlib.suppress(SrtpError):
            sent_ns = sent_at_ns(session.unprotect(bytes(self._buffer[:length])))
            if sent_ns is not None:
                self.delays_s.append((arrived_ns - sent_ns) / 1e9)

    def _arrived_ns(self) -> int:
        """The wall clock at the arrival of what was read last."""
        try:
            fcntl.ioctl(self.socket, _SIOCGSTAMPNS, self._stamp)
        except OSError:
            # This one came before the kernel was asked to keep times, or it keeps none.
            return time.time_ns()
        seconds, nanoseconds = _TIMESPEC.unpack(self._stamp)
        return int(seconds * 1_000_000_000 + nanoseconds)

    # RTCP

    def tick(self, now: float) -> None:
        """Consent, receiver reports and transport-wide feedback. To be called every 50 to 100 ms."""
        if now - self._checked > CHECK_S:
            self._checked = now
            self.send(bytes(self.check()))
        if now - self._reported > REPORT_S:
            self._reported = now
            self._report(now)
        for message in self._feedback.flush(self._ssrc, next(iter(self._streams), 0)):
            self.send_rtcp(message)

    def _report(self, now: float) -> None:
        blocks = [one.block(ssrc, now) for ssrc, one in self._streams.items() if one.tally.received]
        for at in range(0, len(blocks), _MOST_BLOCKS):
            report = rtcp.ReceiverReport(self._ssrc, tuple(blocks[at : at + _MOST_BLOCKS]))
            self.send_rtcp(report.to_bytes())

    def _take_media(self, data: bytes) -> None:
        if not is_rtcp(data) or self.dtls._rx_srtp is None:
            return
        for message in rtcp.parse(self.dtls._rx_srtp.unprotect_rtcp(data)).messages:
            if isinstance(message, rtcp.SenderReport) and message.ssrc in self._streams:
                stream = self._streams[message.ssrc]
                stream.last_sr, stream.sr_at = message.ntp >> 16 & 0xFFFFFFFF, time.monotonic()


def _element(buffer: bytearray, at: int, identifier: int) -> int | None:
    """The two bytes of this element of a one-byte header extension that begins at `at` (RFC 8285, 4.2)."""
    if buffer[at : at + 2] != b"\xbe\xde":
        return None
    end = at + 4 + 4 * (buffer[at + 2] << 8 | buffer[at + 3])
    at += 4
    while at < end and at + 2 < len(buffer):
        if buffer[at] >> 4 == identifier:
            return buffer[at + 1] << 8 | buffer[at + 2]
        # A zero byte is padding; every other one tells its element's length.
        at += (buffer[at] & 0x0F) + 2 if buffer[at] else 1
    return None
