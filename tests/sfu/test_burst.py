"""Laying packets out for one system call, and remembering them."""

import pytest

from sfu.burst import Burst
from sfu.codecs.vp8 import parse_descriptor
from sfu.drops import DropCounter
from sfu.header import BARE, Extensions, layout_of
from sfu.history import LEAST_PACKETS, MOST_AGE_S, MOST_BYTES, MOST_PACKETS, History
from sfu.output import Output
from sfu.packet import MOST_PADDING, MediaPacket, align
from sfu.rtp import HEADER_LENGTH, RtpPacket
from tests.sfu.packets import video_packet


def packets(*lengths: int, arrival: float = 0.0, keyframe_at: int = 0) -> list[MediaPacket]:
    made = []
    for sequence, length in enumerate(lengths):
        picture = 0 if sequence == keyframe_at else sequence + 1
        parsed = RtpPacket.parse(video_packet(sequence, 0, 1, picture, 0, 1, length))
        descriptor = parse_descriptor(parsed.data, parsed.payload_start, parsed.payload_end)
        made.append(MediaPacket(parsed, sequence, descriptor, arrival))
    return made


@pytest.mark.parametrize(
    ("lengths", "padded", "groups"),
    [
        ([1000], [1000], [1]),
        ([1000, 1000, 1000], [1000] * 3, [3]),
        ([1000, 999, 1000, 998], [1000, 1000, 1000, 998], [4]),
        ([999, 1000], [1000, 1000], [2]),
        ([1000, 1000, 300], [1000, 1000, 300], [3]),
        ([300, 1000, 1000], [300, 1000, 1000], [1, 2]),
        ([1000, 300, 1000], [1000, 300, 1000], [2, 1]),
        ([1000, 1000 - MOST_PADDING, 1000], [1000] * 3, [3]),
        ([500] * 130, [500] * 130, [64, 64, 2]),
    ],
)
def test_neighbours_of_nearly_one_length_leave_together(
    lengths: list[int], padded: list[int], groups: list[int]
) -> None:
    burst = packets(*lengths)
    align(burst)
    assert [HEADER_LENGTH + len(packet.payload) for packet in burst] == padded
    for packet, length in zip(burst, lengths, strict=True):
        parsed = RtpPacket.parse(BARE.template(packet) + packet.payload)
        assert parsed.data[parsed.payload_start : parsed.payload_end] == (packet.original or b"")[12:]
        assert HEADER_LENGTH + packet.octets == length
    laid = Burst(burst, Output(DropCounter())).groups(BARE, 16)
    assert [group.count for group in laid] == groups
    for group in laid:
        assert len(group.place) == len(group.template) <= 65_507


def test_groups_have_room_for_the_tag_of_the_key() -> None:
    burst = Burst(packets(100, 100), Output(DropCounter()))
    assert [group.stride for group in burst.groups(BARE, 16) + burst.groups(BARE, 10)] == [116, 110]
    assert burst.groups(BARE, 16) is burst.groups(BARE, 16)
    numbered = layout_of(Extensions(transport_wide_number=3))
    assert burst.groups(numbered, 16)[0].stride == 116 + numbered.length - HEADER_LENGTH


def test_a_part_of_a_burst() -> None:
    burst = Burst(packets(100, 101, 102, 103), Output(DropCounter()))
    part = burst.only(lambda packet: packet.sequence >= 2)
    assert part is not None
    assert [packet.sequence for packet in part.packets] == [2, 3]
    assert burst.only(lambda packet: packet.sequence > 9) is None


def test_header_extension_and_contributing_sources_are_left_out() -> None:
    plain = video_packet(7, 9, 1, 0, 0, 1, 60)
    data = b"\x92" + plain[1:12] + bytes(8) + bytes.fromhex("bede000110ff0000") + plain[12:]
    parsed = RtpPacket.parse(data)
    packet = MediaPacket(parsed, 7, None, 0.0)
    assert packet.payload == plain[12:]
    assert BARE.template(packet)[0] == 0x80
    assert packet.original == data


def test_history_is_bounded_in_number_bytes_and_age() -> None:
    history = History()
    for sequence in range(MOST_PACKETS + 10):
        one = packets(100, arrival=0.0)[0]
        one.sequence = sequence
        history.add(one)
    assert len(history) == MOST_PACKETS
    assert history.get(9) is None
    assert history.get(10) is not None
    for sequence in range(2000, 2000 + MOST_BYTES // 1000 + 50):
        one = packets(1000, arrival=0.0)[0]
        one.sequence = sequence
        history.add(one)
    assert len(history) == MOST_BYTES // (1000 - HEADER_LENGTH)
    for late in packets(*[100] * LEAST_PACKETS, arrival=MOST_AGE_S + 0.1):
        late.sequence += 9999
        history.add(late)
    assert len(history) == LEAST_PACKETS
    history.clear()
    assert len(history) == 0
