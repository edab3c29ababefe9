"""Sound that is carried again in later packets."""

import itertools

import pytest

from sfu.formats import Format, Payload
from sfu.packet import MediaPacket
from sfu.redundancy import pack, unpack
from sfu.rtp import RtpPacket
from sfu.writer import Agreed
from tests.sfu.copies import SSRC, Collector, Copy, Source
from tests.sfu.packets import audio_packet

OPUS, RED = 111, 63
SOUND = Format("audio", (Payload("RED", 48_000, RED), Payload("OPUS", 48_000, OPUS)))


def sound(number: int, length: int = 40) -> MediaPacket:
    return MediaPacket(RtpPacket.parse(audio_packet(number, number * 960, SSRC, length)), number, None, 0.0)


def as_received(packet: MediaPacket) -> RtpPacket:
    head = audio_packet(packet.sequence, packet.timestamp, SSRC, 13)[:12]
    return RtpPacket.parse(head[:1] + bytes((RED,)) + head[2:] + packet.payload)


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_packed_comes_out_again(depth: int) -> None:
    packets = [sound(number, 40 + number) for number in range(10, 16)]
    packed = pack(packets, 2, depth, OPUS)
    assert [one.sequence for one in packed] == [12, 13, 14, 15]
    for one in packed:
        found = unpack(as_received(one))
        assert [part.sequence_number for part in found] == list(range(one.sequence - depth, one.sequence + 1))
        assert [part.timestamp for part in found] == [part.sequence_number * 960 for part in found]
        assert {part.payload_type for part in found} == {OPUS}
        originals = [packets[part.sequence_number - 10].payload for part in found]
        assert [part.data[part.payload_start : part.payload_end] for part in found] == originals


def test_a_gap_ends_what_is_repeated() -> None:
    """A receiver takes each block for the packet one number earlier."""
    first, _, third, fourth = (sound(number) for number in range(1, 5))
    packed = pack([first, third, fourth], 0, 2, OPUS)
    assert [len(unpack(as_received(one))) for one in packed] == [1, 1, 2]


def test_too_long_and_too_old_blocks_are_left_out() -> None:
    long, late = sound(1, 1100), sound(2)
    late.timestamp += 20_000
    assert [len(unpack(as_received(one))) for one in pack([long, late, sound(3)], 1, 2, OPUS)] == [1, 1]


def test_a_publishers_lost_packets_come_with_the_next() -> None:
    source, sink = Source(SOUND), Collector()
    source.publication.add_sink(sink)
    packed = pack([sound(number) for number in range(1, 29)], 0, 1, OPUS)
    for number, packet in enumerate(packed):
        if number % 3 != 1:
            source.stream.receive(as_received(packet), 1.0 + number / 50)
            source.end_batch()
    assert sorted(sink.sequences) == list(range(1, 29))
    assert source.stream.payload.codec == "OPUS"


def test_redundancy_that_is_malformed_costs_its_packet() -> None:
    source, sink = Source(SOUND), Collector()
    source.publication.add_sink(sink)
    for number, payload in enumerate((b"\xef", b"\xef\xff\xff\xff\x6f", b"\x80" * 200)):
        source.stream.receive(as_received(sound(number).with_payload(payload)), 1.0)
    source.end_batch()
    assert sink.sequences == []
    assert source.stream.drops["payload_malformed"] == 3
    assert list(itertools.islice(source.asked, 1)) == []


def test_a_receiver_that_loses_packets_gets_each_again() -> None:
    """In the same numbers, so that it may begin and end with any packet."""
    source = Source(Format("audio", (Payload("OPUS", 48_000, OPUS),)))
    copy = Copy(source, Agreed({"OPUS": (OPUS, None), "RED": (RED, None)}), kind="audio")
    changes = {5: 1, 10: 2, 15: 0}
    for number in range(1, 20):
        if number in changes:
            copy.subscription.repeat(changes[number])
        source.stream.receive(RtpPacket.parse(audio_packet(number, number * 960, SSRC)), 1.0 + number / 50)
        source.end_batch()
    heard = copy.received()
    copy.close()
    assert [packet.sequence_number for packet in heard] == list(range(1, 20))
    assert [packet.payload_type for packet in heard] == [OPUS] * 4 + [RED] * 10 + [OPUS] * 5
    assert [len(unpack(packet)) for packet in heard if packet.payload_type == RED] == [2] * 5 + [3] * 5
