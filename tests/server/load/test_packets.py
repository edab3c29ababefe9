"""Ready-made media: what a receiver reads of it."""

import itertools
import time

from server.load.packets import (
    ABS_SEND_TIME,
    RID,
    TRANSPORT_WIDE_CC,
    Audio,
    HeaderExtension,
    Stream,
    Video,
    sent_at_ns,
)
from server.load.peer import AUDIO_LEVEL, MID
from sfu.rtp import RtpPacket

AGREED = {AUDIO_LEVEL: 1, ABS_SEND_TIME: 2, TRANSPORT_WIDE_CC: 3, MID: 4, RID: 10}
PICTURE_START = b"\x9d\x01\x2a"


def video(agreed: dict[str, int], parts: int = 3) -> Video:
    extension = HeaderExtension(agreed, {MID: b"video", RID: b"h"})
    return Video(Stream(96, 1_100, extension, 5), parts, 30, (1280, 720), "h")


def test_extensions_are_those_agreed_on() -> None:
    packet = RtpPacket.parse(next(video(AGREED).frame(65_537)))
    assert packet.extension(4) == b"video"
    assert packet.extension(10) == b"h"
    assert packet.extension(3) == b"\x00\x01"
    seconds = int.from_bytes(packet.extension(2) or b"", "big") / 2**18
    assert abs((time.monotonic() - seconds + 32) % 64 - 32) < 1
    assert RtpPacket.parse(next(video({}).frame(1))).extension_profile == 0


def test_a_frame_is_one_picture_of_one_time() -> None:
    packets = [RtpPacket.parse(data) for data in video(AGREED).frame(1)]
    assert [packet.marker for packet in packets] == [False, False, True]
    assert len({packet.timestamp for packet in packets}) == 1
    first, *others = (packet.data[packet.payload_start :] for packet in packets)
    assert first[0] == 0x90
    assert {payload[0] for payload in others} == {0x80}
    assert {payload[:5][2:] for payload in others} == {first[2:5]}
    assert all(len(packet.data) == 1_100 for packet in packets)


def test_a_keyframe_comes_first_and_when_it_is_asked_for() -> None:
    encoding, keyframes = video(AGREED, parts=1), []
    for number in range(5):
        encoding.keyframe_wanted |= number == 3
        keyframes.append(PICTURE_START in next(encoding.frame(number)))
    assert keyframes == [True, False, False, True, False]


def test_sound_is_20_ms_with_a_level() -> None:
    audio = Audio(AGREED, "audio", 7, 160, 50)
    packets = [RtpPacket.parse(audio.packet(number)) for number in range(3)]
    assert {later.timestamp - earlier.timestamp for earlier, later in itertools.pairwise(packets)} == {960}
    assert {packet.extension(1) for packet in packets} == {b"\x9e"}


def test_the_stamp_is_found_again() -> None:
    before = time.monotonic_ns()
    for packet in (*video(AGREED).frame(1), *video({}).frame(1), Audio({}, "audio", 7, 120, 50).packet(1)):
        stamp = sent_at_ns(packet)
        assert stamp is not None
        assert before <= stamp <= time.monotonic_ns()
    assert sent_at_ns(bytes.fromhex("8060000100000001000000ff") + bytes(100)) is None
    assert sent_at_ns(bytes.fromhex("8060000100000001000000ff")) is None
