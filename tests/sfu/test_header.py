"""Headers as a receiver reads them."""

import pytest

from sfu.header import BARE, Extensions, HeaderLayout, layout_of
from sfu.packet import MediaPacket
from sfu.rtp import HEADER_LENGTH, RtpPacket
from tests.sfu.packets import audio_packet


def written(layout: HeaderLayout, mid: str, number: int, level: int | None = None) -> RtpPacket:
    packet = MediaPacket(RtpPacket.parse(audio_packet(1, 2, 3, 60)), 1, None, 0.0)
    packet.level = level
    data = bytearray(layout.template(packet) + packet.payload)
    head = (0x80 | 111, 4, 5, 6)
    number = number if layout.is_numbered else 0
    rest = () if layout.is_bare else (layout.word, layout.number_byte, number, *layout.tail(mid))
    layout.pack_into(data, 1, *head, *rest)
    assert len(data) == layout.length + 60 - HEADER_LENGTH
    return RtpPacket.parse(bytes(data))


@pytest.mark.parametrize(
    ("extensions", "mid", "level"),
    [
        (Extensions(), "", None),
        (Extensions(transport_wide_number=3), "", None),
        (Extensions(mid=4, mid_length=2), "07", None),
        (Extensions(3, 0, 1, 4, 2), "07", 0x85),
        (Extensions(3, 0, 1, 4, 2), "07", None),
        (Extensions(0, 2, 1, 14, 16), "a" * 16, 0x7F),
        (Extensions(3, 2, 1, 4, 1), "x", 0),
    ],
)
def test_a_receiver_finds_what_was_agreed(extensions: Extensions, mid: str, level: int | None) -> None:
    packet = written(layout_of(extensions), mid, 0xABCD, level)
    assert (packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc) == (111, 4, 5, 6)
    assert packet.marker
    assert packet.data[packet.payload_start : packet.payload_end] == audio_packet(1, 2, 3, 60)[HEADER_LENGTH:]
    number, send_time, audio_level, mid_id, _ = extensions
    assert packet.extension(number or 13) == (b"\xab\xcd" if number else None)
    assert packet.extension(audio_level or 13) == (
        bytes((level,)) if audio_level and level is not None else None
    )
    assert packet.extension(mid_id or 13) == (mid.encode() if mid_id else None)
    assert len(packet.extension(send_time or 13) or b"") == (3 if send_time else 0)


def test_layouts_are_shared() -> None:
    assert layout_of(Extensions(3, mid=4, mid_length=2)) is layout_of(Extensions(3, mid=4, mid_length=2))
    assert layout_of(Extensions()) is BARE
    assert BARE.length == HEADER_LENGTH
