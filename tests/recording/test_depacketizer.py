"""Packets → frames, by tables, and what is refused."""

import random

import pytest

from recording.depacketizer import MAX_FRAME_BYTES, Frame, OpusDepacketizer, Vp8Depacketizer
from sfu.errors import ParseError
from sfu.rtp import RtpPacket
from tests.recording.material import Packetizer, pictures, sound


def parsed(packets) -> list[RtpPacket]:
    return [RtpPacket.parse(packet.data) for packet in packets]


@pytest.mark.parametrize("mtu", [40, 200, 1400])
def test_pictures_come_out_as_the_encoder_made_them(mtu):
    packetizer, depacketizer = Packetizer(96, 90_000, mtu=mtu), Vp8Depacketizer()
    for encoded in pictures(30, every=10):
        frames = [depacketizer.push(packet, 7) for packet in parsed(packetizer.picture(encoded))]
        assert frames[:-1] == [None] * (len(frames) - 1)
        assert frames[-1] == Frame(
            packetizer.rtp_time(encoded.at_ms), 7, encoded.data, encoded.keyframe, 192, 108
        )


@pytest.mark.parametrize("lost", [0, 1, -1])
def test_a_picture_with_a_lost_packet_never_comes_out(lost):
    packetizer, depacketizer = Packetizer(96, 90_000, mtu=20), Vp8Depacketizer()
    first, second = pictures(2)[0], pictures(2)[1]
    packets = parsed(packetizer.picture(first))
    missing = packets.index(packets[lost])
    frames = [depacketizer.push(packet, 0) for packet in packets[:missing]]
    depacketizer.lose()
    for packet in packets[missing + 1 :]:
        with pytest.raises(ParseError):
            depacketizer.push(packet, 0)
    assert not any(frames)
    frames = [depacketizer.push(packet, 0) for packet in parsed(packetizer.picture(second))]
    assert frames[-1].data == second.data


@pytest.mark.parametrize(
    "payload",
    [
        bytes.fromhex("10 1019009d012aff3fff3f") + bytes(1200),
        bytes.fromhex("10 1019009d012a01100101") + bytes(1200),
        bytes.fromhex("10 1019009d012a00000101") + bytes(1200),
        bytes.fromhex("10 1019009d012b80008000") + bytes(1200),
        bytes.fromhex("10 10ffff9d012a80008000") + bytes(50),
        bytes.fromhex("10 1019009d012a8000"),
        bytes.fromhex("10 09"),
        bytes.fromhex("10 0f0000") + bytes(50),
        bytes.fromhex("10"),
        bytes.fromhex("80"),
        bytes.fromhex("90f0ff"),
        bytes.fromhex("00") + bytes(50),
    ],
)
def test_pictures_that_no_decoder_should_meet_are_refused(payload):
    packet = RtpPacket.parse(Packetizer(96, 90_000).packet(0, payload, True).data)
    with pytest.raises(ParseError):
        Vp8Depacketizer().push(packet, 0)


@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (1440, 2560, True),
        (2160, 3840, True),
        (3840, 2560, True),
        (4096, 2560, True),
        (4096, 2561, False),
        (4097, 100, False),
        (100, 4097, False),
    ],
)
def test_upright_and_lying_pictures_have_one_limit(width, height, taken):
    header = b"\x10\x10\x19\x00\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little")
    packet = RtpPacket.parse(Packetizer(96, 90_000).packet(0, b"\x10" + header[1:] + bytes(1200), True).data)
    if taken:
        assert Vp8Depacketizer().push(packet, 0).height == height
    else:
        with pytest.raises(ParseError):
            Vp8Depacketizer().push(packet, 0)


def test_a_picture_without_end_is_refused_before_it_fills_the_memory():
    packetizer, depacketizer = Packetizer(96, 90_000), Vp8Depacketizer()
    key = pictures(1)[0].data
    depacketizer.push(RtpPacket.parse(packetizer.packet(0, b"\x10" + key, False).data), 0)
    more = RtpPacket.parse(packetizer.packet(0, b"\x00" + bytes(1400), False).data)
    for _ in range(MAX_FRAME_BYTES // 1401 - 1):
        assert depacketizer.push(more, 0) is None
    with pytest.raises(ParseError):
        [depacketizer.push(more, 0) for _ in range(3)]


def test_sound_comes_out_with_its_length():
    packetizer, depacketizer = Packetizer(111, 48_000), OpusDepacketizer()
    for encoded in sound(1000):
        (packet,) = parsed(packetizer.sound(encoded))
        assert depacketizer.push(packet, 3) == Frame(packet.timestamp, 3, encoded.data, True, duration_ms=20)


@pytest.mark.parametrize(
    ("payload", "duration_ms"),
    [
        ("f8fffe", 20),
        ("e0", 2.5),
        ("f9fffefffe", 40),
        ("fa01ff00fe", 40),
        ("fb06" + "fffe" * 6, 120),
        ("fb8301020000000000", 60),
        ("fb420200000000", 40),
        ("fb7f", None),
        ("fb00", None),
        ("f900", None),
        ("fa05ff", None),
        ("fa", None),
        ("fb83ff", None),
        ("fb42ff", None),
        ("fb0300000000", None),
        ("1b03" + "00" * 9, None),
    ],
)
def test_opus_packets_are_whole_or_refused(payload, duration_ms):
    packet = RtpPacket.parse(Packetizer(111, 48_000).packet(0, bytes.fromhex(payload), False).data)
    if duration_ms is None:
        with pytest.raises(ParseError):
            OpusDepacketizer().push(packet, 0)
    else:
        assert OpusDepacketizer().push(packet, 0).duration_ms == duration_ms


@pytest.mark.parametrize("depacketizer", [OpusDepacketizer(), Vp8Depacketizer()])
def test_random_payloads_raise_nothing_else(depacketizer):
    generator = random.Random(5)
    packetizer = Packetizer(96, 90_000)
    for _ in range(5000):
        payload = generator.randbytes(generator.randrange(60))
        packet = RtpPacket.parse(packetizer.packet(0, payload, generator.random() < 0.5).data)
        try:
            frame = depacketizer.push(packet, 0)
        except ParseError:
            continue
        assert frame is None or frame.data
