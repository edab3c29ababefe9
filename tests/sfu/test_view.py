"""Some layers of a stream, numbered as if there had never been others."""

from itertools import islice

from sfu.codecs.vp8 import parse_descriptor
from sfu.drops import DropCounter
from sfu.layers import ALL, Limits
from sfu.output import Output
from sfu.packet import MediaPacket
from sfu.rtp import RtpPacket
from sfu.view import View
from tests.sfu.layered import stream
from tests.sfu.test_layers import descriptor


def media(packet: RtpPacket) -> MediaPacket:
    read = parse_descriptor(packet.data, packet.payload_start, packet.payload_end)
    return MediaPacket(packet, packet.sequence_number, read, packet.sequence_number / 100)


def view(*limits: int) -> View:
    return View(Limits(*limits), Output(DropCounter()), remembers=True)


def taken(of: View, packets: list[MediaPacket]) -> list[MediaPacket]:
    burst = of.take(packets)
    return list(burst.packets) if burst is not None else []


def test_without_limits_packets_pass_as_they_are() -> None:
    packets = [media(packet) for packet in islice(stream(1), 8)]
    assert taken(view(*ALL), packets) == packets


def test_numbers_and_pictures_have_no_gap() -> None:
    packets = [media(packet) for packet in islice(stream(1, first=100, parts=2), 24)]
    for limits, pictures in (((0, 0), [0, 4, 8]), ((0, 1), [0, 2, 4, 6, 8, 10])):
        found = taken(view(*limits), packets)
        assert [one.timestamp // 3000 for one in found] == [picture for picture in pictures for _ in range(2)]
        assert [one.sequence for one in found] == list(range(100, 100 + len(found)))
        numbers = [one.descriptor.picture_id + one.picture_shift for one in found]  # type: ignore[union-attr, operator]
        assert numbers == [number for number in range(len(pictures)) for _ in range(2)]


def test_numbers_go_on_over_batches_and_wraps() -> None:
    base = view(0, 0)
    found = []
    packets = stream(1)
    for _ in range(9000):
        found += taken(base, [media(packet) for packet in islice(packets, 4)])
    numbers = [one.descriptor.picture_id + one.picture_shift for one in found]  # type: ignore[union-attr, operator]
    assert [number % 0x8000 for number in numbers] == [number % 0x8000 for number in range(9000)]


def test_a_late_packet_of_another_layer_is_replaced_by_an_empty_one() -> None:
    """Its number is a hole already; nobody may wait for what does not come."""
    first, late, third, *rest = [media(packet) for packet in islice(stream(1, first=10), 6)]
    base = view(0, 0)
    found = taken(base, [first]) + taken(base, [third]) + taken(base, [late]) + taken(base, rest)
    assert [(one.sequence, one.octets) for one in found] == [
        (10, first.octets),
        (11, 0),
        (12, rest[1].octets),
    ]
    assert base.history.get(11) is not None


def test_what_was_taken_can_be_sent_again() -> None:
    base = view(0, 0)
    found = taken(base, [media(packet) for packet in islice(stream(1, first=10), 12)])
    assert [base.history.get(one.sequence) for one in found] == found
    base.clear()
    assert len(base.history) == 0


def test_the_last_packet_of_the_highest_layer_is_marked() -> None:
    """RFC 9628, 4.1: otherwise a picture without its upper layers would never be complete."""
    packets = []
    for number, spatial in enumerate((0, 1, 2)):
        one = media(next(stream(1, first=number)))
        one.descriptor = descriptor(spatial, end_of_frame=True)
        one.marker = 0x80 if spatial == 2 else 0
        packets.append(one)
    assert [one.marker for one in taken(view(1, 7), packets)] == [0, 0x80]
    assert [one.marker for one in taken(view(7, 7), packets)] == [0, 0, 0x80]
