"""What is fuzzed: each parser of bytes that strangers choose, and what its caller does with the outcome."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct

from sfu import rtcp, sdp, stun, tapframes
from sfu.bwe.estimator import CEILING_BPS, FLOOR_BPS, LinkEstimator
from sfu.codecs import DEPENDENCY_DESCRIPTOR_URI, Descriptor, opus, reader, red
from sfu.control import ControlError, decode_line
from sfu.errors import ParseError, SdpError
from sfu.framing import FrameReader
from sfu.negotiation import answer_player, answer_publisher, offer_slots, read_answer
from sfu.redundancy import unpack
from sfu.rtp import ONE_BYTE_PROFILE, TWO_BYTE_PROFILE, RtpPacket
from sfu.transport_feedback import TransportFeedback
from tests.sfu.descriptions import LOCAL, SLOTS

EXTENSION_ID = 7
_rtp_header = Struct("!BBHII").pack
_STUN_HEADER = 20
_stun_header = Struct("!HHI").pack
_extension_header = Struct("!HH").pack
_PASSWORD = "local/password/of/24+chr"
_OFFER = offer_slots(SLOTS, LOCAL)


@dataclass(frozen=True, slots=True)
class Target:
    """One parser: `run` feeds it; `refusals` are all that may come out of it.

    `tokens` are pieces its inputs are made of, for mutations that random bytes would not find. No input of the
    network is longer than `longest`.
    """

    run: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...] = (ParseError,)
    tokens: tuple[bytes, ...] = ()
    longest: int = 2_048


def packet(payload: bytes, extension: bytes | None = None, profile: int = TWO_BYTE_PROFILE) -> RtpPacket:
    """An RTP packet around a payload and the body of a header extension."""
    if extension is None:
        return RtpPacket.parse(_rtp_header(0x80, 96, 1, 9_000, 1) + payload)
    body = extension + bytes(-len(extension) % 4)
    head = _rtp_header(0x90, 96, 1, 9_000, 1) + _extension_header(profile, len(body) // 4)
    return RtpPacket.parse(head + body + payload)


def _stun(data: bytes) -> None:
    """As it is, and with the first bytes that lead further in: nearly every change spoils the length."""
    with contextlib.suppress(ParseError):
        _check(data)
    body = data[_STUN_HEADER:]
    body += bytes(-len(body) % 4)
    _check(_stun_header(1, len(body), 0x2112A442) + b"transaction." + body)


def _check(data: bytes) -> None:
    request = stun.parse_binding_request(data)
    stun.verify(request, _PASSWORD)
    stun.success_response(request, ("192.0.2.1", 4_000), _PASSWORD)


def _rtp(data: bytes) -> None:
    _look_up_all(RtpPacket.parse(data))


def _extensions(data: bytes) -> None:
    """The first byte chooses the form, the others are elements."""
    profile = ONE_BYTE_PROFILE if data[:1] < b"\x80" else TWO_BYTE_PROFILE
    _look_up_all(packet(b"\x00", data[1:], profile))


def _look_up_all(parsed: RtpPacket) -> None:
    """Every id that could be there: those that occur as a byte, or as half of one."""
    heads = set(parsed.data[parsed.extension_start : parsed.extension_end])
    if parsed.extension_profile == ONE_BYTE_PROFILE:
        heads = {head >> 4 for head in heads}
    for identifier in {*heads, 0, 15, 255}:
        found = parsed.extension(identifier)
        assert found is None or len(found) < 256


def _rtcp(data: bytes) -> None:
    parsed = rtcp.parse(data)
    for message in parsed.messages:
        assert not isinstance(message, rtcp.Nack) or len(message.sequence_numbers) < rtcp.MOST_NACKED + 17
    if parsed.malformed:
        raise ParseError("part of it")


def _describe(codec: str, parsed: RtpPacket) -> None:
    read = reader(codec, {DEPENDENCY_DESCRIPTOR_URI: EXTENSION_ID})
    assert read is not None
    _use(read(parsed), parsed)
    _use(read(parsed), parsed)


def _use(descriptor: Descriptor, parsed: RtpPacket) -> None:
    payload = bytearray(parsed.data[parsed.payload_start : parsed.payload_end])
    assert 0 <= descriptor.length < len(payload)
    assert descriptor.width >= 0
    assert 0 <= descriptor.up_from <= descriptor.up_to <= 7
    descriptor.rewrite(payload, 0, 40_000, 300)
    assert (
        payload[descriptor.length :]
        == parsed.data[parsed.payload_start + descriptor.length : parsed.payload_end]
    )


def _video(codec: str) -> Callable[[bytes], None]:
    return lambda data: _describe(codec, packet(data))


def _described(codec: str) -> Callable[[bytes], None]:
    """The first byte is the length of the dependency descriptor, which follows; then comes the payload."""

    def run(data: bytes) -> None:
        length = data[0] if data else 0
        extension = data[1 : 1 + length]
        element = bytes((EXTENSION_ID, len(extension))) + extension
        _describe(codec, packet(data[1 + length :], element if extension else None))

    return run


def _opus(data: bytes) -> None:
    assert 0 < opus.duration_samples(data) <= 5_760


def _red(data: bytes) -> None:
    blocks = red.split(data)
    assert red.primary(data) == (blocks[-1].payload_type, blocks[-1].payload)
    assert sum(len(block.payload) for block in blocks) < len(data)
    assert unpack(packet(data))[-1].sequence_number == 1


def _sdp(data: bytes) -> None:
    """As an offer of tracks, as an offer of a player, and as an answer to ours."""
    description = sdp.parse(data.decode("utf-8", "replace"))
    takes: tuple[Callable[[], sdp.SessionDescription], ...] = (
        lambda: answer_publisher(description, LOCAL).description,
        lambda: answer_player(description, LOCAL, SLOTS).description,
        lambda: read_answer(_OFFER, description).description,
    )
    for take in takes:
        try:
            answer = take()
        except SdpError:
            continue
        if answer is not description:
            sdp.parse(sdp.serialise(answer))


def _tap(data: bytes) -> None:
    buffer = bytearray(data)
    for frame in tapframes.take_frames(buffer):
        assert frame.__class__.__module__ == tapframes.__name__


def _framing(data: bytes) -> None:
    """In pieces, as a connection brings them."""
    frames, cut = FrameReader(), len(data) // 3
    found = [
        frame for part in (data[:cut], data[cut : 2 * cut], data[2 * cut :]) for frame in frames.frames(part)
    ]
    assert sum(map(len, found)) <= len(data)


class _Feedback:
    """What a hostile receiver tells of packets, among them some that were sent."""

    def __init__(self) -> None:
        self.estimator = LinkEstimator()
        self.number = 0
        self.now = 0.0

    def __call__(self, data: bytes) -> None:
        self.now += 0.05
        self.estimator.sent(self.number, 10, 11_000, self.now)
        self.number += 10
        base = (self.number - 10 & 0xFFFF).to_bytes(2, "big")
        whole = bytes.fromhex("8fcd") + (2 + len(data) // 4).to_bytes(2, "big") + bytes(8)
        for body in (data, base + data[2:]):
            for message in rtcp.parse((whole + body)[: 12 + len(data) // 4 * 4]).messages:
                if isinstance(message, TransportFeedback):
                    self.estimator.feedback(message, self.now)
        self.estimator.tick(self.now)
        assert FLOOR_BPS <= self.estimator.bitrate_bps <= CEILING_BPS


def _control(data: bytes) -> None:
    assert isinstance(decode_line(data), dict)


_SDP_TOKENS = (
    b"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", b"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", b"m=application 9 ",
    b"a=group:BUNDLE 0 1\r\n", b"a=mid:", b"a=rtpmap:96 VP8/90000\r\n", b"a=rtpmap:111 opus/48000/2\r\n",
    b"a=fmtp:97 apt=96\r\n", b"a=rtcp-fb:* nack\r\n", b"a=extmap:4 ", b"a=ssrc:1 cname:a\r\n",
    b"a=ssrc-group:FID 1 2\r\n", b"a=rid:l send\r\n", b"a=simulcast:send l;m;h\r\n", b"a=rtcp-mux\r\n",
    b"a=setup:active\r\n", b"a=fingerprint:sha-256 ", b"a=ice-ufrag:", b"a=ice-pwd:", b"a=candidate:1 1 udp ",
    b"a=sendonly\r\n", b"a=recvonly\r\n", b"a=inactive\r\n", b"a=bundle-only\r\n", b"4294967296", b"\xc4\x90",
)  # fmt: skip
_JSON_TOKENS = (
    b"[" * 64,
    b"[" * 1_024,
    b"{" * 64,
    b'{"a":',
    b"1e999",
    b"-",
    b"\\ud800",
    b'"recording_id"',
    b"9" * 64,
    b"NaN",
)

TARGETS: dict[str, Target] = {
    "stun": Target(_stun, tokens=(b"\x21\x12\xa4\x42", b"\x00\x06", b"\x00\x08\x00\x14", b"\x80\x28\x00\x04")),
    "rtp": Target(_rtp, tokens=(b"\xbe\xde\x00\x01", b"\x10\x00\x00\x01", b"\x90")),
    "extensions": Target(_extensions),
    "rtcp": Target(_rtcp, tokens=(b"\x81\xc8", b"\x81\xca", b"\x81\xcd", b"\x8f\xcd", b"\x8f\xceREMB", b"\x00\x01")),
    "vp8": Target(_video("VP8"), tokens=(b"\x9d\x01\x2a",)),
    "vp9": Target(_video("VP9"), tokens=(b"\x49\x83\x42",)),
    "h264": Target(_video("H264"), tokens=(b"\x67\x42\xc0\x16", b"\x67\x64\x00\x1f", b"\x00\x00\x03", b"\x7c\x85")),
    "av1": Target(_described("AV1"), tokens=(b"\x0a\x0b", b"\x08", b"\x80\x00\x01\x80", b"\xff\x7f")),
    "described": Target(_described("VP8"), tokens=(b"\x80\x00\x01\x80", b"\xff\x7f")),
    "opus": Target(_opus),
    "red": Target(_red, tokens=(b"\xef\x0f\x00\x10", b"\x6f")),
    "framing": Target(_framing, tokens=(b"\x00\x14", b"\xff\xff", b"\x05\xdc")),
    "feedback": Target(_Feedback(), tokens=(b"\x20\x10", b"\x80\x00", b"\xd5\x55", b"\x00\x0a"), longest=1_400),
    "sdp": Target(_sdp, (SdpError,), _SDP_TOKENS, 70_000),
    "tap": Target(_tap, tokens=(b"\x00\x00\x00\x05", *_JSON_TOKENS), longest=70_000),
    "control": Target(_control, (ControlError,), _JSON_TOKENS, 70_000),
}  # fmt: skip
