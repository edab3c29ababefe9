import time
import timeit
from struct import pack

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import ParseError
from sfu.rtp import (
    RtpPacket,
    SequenceUnwrapper,
    is_rtcp,
    timestamp_difference,
)


def packet(
    *,
    first: int = 0x80,
    marker: bool = False,
    csrcs: int = 0,
    extension: bytes = b"",
    payload: bytes = b"abcd",
) -> bytes:
    header = pack("!BBHII", first | csrcs, 0x80 * marker | 96, 4660, 90_000, 0xDEADBEEF)
    return header + b"csrc" * csrcs + extension + payload


def extended(profile: int, elements: bytes, payload: bytes = b"abcd") -> bytes:
    elements += bytes(-len(elements) % 4)
    return packet(first=0x90, extension=pack("!HH", profile, len(elements) // 4) + elements, payload=payload)


def test_fields_of_a_plain_packet() -> None:
    parsed = RtpPacket.parse(packet(marker=True))
    assert (parsed.payload_type, parsed.marker, parsed.sequence_number) == (96, True, 4660)
    assert (parsed.timestamp, parsed.ssrc) == (90_000, 0xDEADBEEF)
    assert parsed.data[parsed.payload_start : parsed.payload_end] == b"abcd"
    assert (parsed.extension_profile, parsed.extension_start, parsed.extension_end) == (0, 0, 0)
    assert parsed.extension(1) is None


def test_payload_begins_behind_csrcs_and_extension() -> None:
    data = packet(first=0x90, csrcs=15, extension=pack("!HHI", 0xBEDE, 1, 0x10FF0000))
    parsed = RtpPacket.parse(data)
    assert parsed.payload_start == 12 + 60 + 8
    assert data[parsed.extension_start : parsed.extension_end] == b"\x10\xff\x00\x00"
    assert data[parsed.payload_start : parsed.payload_end] == b"abcd"


@pytest.mark.parametrize(
    ("payload", "left"),
    [(b"abcd\x00\x00\x03", b"abcd"), (b"\x00\x00\x00\x04", b""), (b"\x01", b"")],
    ids=["padded", "padding only", "one byte of padding"],
)
def test_padding_is_no_payload(payload: bytes, left: bytes) -> None:
    parsed = RtpPacket.parse(packet(first=0xA0, payload=payload))
    assert parsed.data[parsed.payload_start : parsed.payload_end] == left


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packet()[:11],
        packet(first=0x00),
        packet(first=0xC0),
        packet(csrcs=15)[:60],
        packet(first=0x90, payload=b"\xbe\xde\x00"),
        packet(first=0x90, payload=b"\xbe\xde\x00\x02abcd"),
        packet(first=0xA0, payload=b"\x00"),
        packet(first=0xA0, payload=b"abc\xff"),
        packet(first=0xA0, payload=b""),
    ],
    ids=["empty", "short", "version 0", "version 3", "csrcs", "extension head", "extension body", "padding 0",
         "padding 255", "padding without payload"],
)  # fmt: skip
def test_impossible_packets_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        RtpPacket.parse(data)


@pytest.mark.parametrize(
    ("profile", "elements", "identifier", "found"),
    [
        (0xBEDE, b"\x10\x85", 1, b"\x85"),
        (0xBEDE, b"\x10\x85\x00\x00\x322\x31\x32", 3, b"2\x31\x32"),
        (0xBEDE, b"\x10\x85", 2, None),
        (0xBEDE, b"\x3fabcdefghijklmnop", 3, b"abcdefghijklmnop"),
        (0xBEDE, b"\x14ab", 1, None),  # longer than the extension
        (0xBEDE, b"\xf0\x00\x10\x85", 1, None),  # id 15 ends it
        (0xBEDE, b"\x01ab\x10\x85", 1, None),  # id 0 with a length ends it
        (0xBEDE, b"", 1, None),
        (0x1000, b"\x01\x01\x85", 1, b"\x85"),
        (0x100F, b"\x01\x00\x00\x02\x03abc", 2, b"abc"),
        (0x1000, b"\x01\x00", 1, b""),
        (0x1000, b"\x01\xffab", 1, None),
        (0x1000, b"\xfe\x01z", 254, b"z"),
        (0x1234, b"\x10\x85", 1, None),
    ],
)
def test_header_extensions(profile: int, elements: bytes, identifier: int, found: bytes | None) -> None:
    assert RtpPacket.parse(extended(profile, elements)).extension(identifier) == found


@pytest.mark.parametrize("elements", [bytes.fromhex("11616200"), bytes.fromhex("10610000")])
def test_elements_of_wrong_length_cost_nothing(elements: bytes) -> None:
    """The stock library raises struct.error for these, which closes the transport."""
    parsed = RtpPacket.parse(extended(0xBEDE, elements))
    value = parsed.extension(1)
    assert value in (b"ab", b"a")
    assert parsed.data[parsed.payload_start : parsed.payload_end] == b"abcd"


@pytest.mark.parametrize(
    ("second", "rtcp"),
    [(191, False), (192, True), (200, True), (206, True), (223, True), (224, False), (96, False)],
)
def test_rtcp_is_told_by_the_second_byte(second: int, rtcp: bool) -> None:
    assert is_rtcp(bytes((0x80, second))) is rtcp


def test_nothing_short_is_rtcp() -> None:
    assert not is_rtcp(b"")
    assert not is_rtcp(b"\x80")


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [(0, 2**32 - 1, 1), (2**32 - 1, 0, -1), (3_000, 0, 3_000), (2**31, 0, -(2**31))],
)
def test_timestamp_difference(a: int, b: int, difference: int) -> None:
    assert timestamp_difference(a, b) == difference


@pytest.mark.parametrize(
    ("arrived", "unwrapped"),
    [
        ([65_534, 65_535, 0, 1], [65_534, 65_535, 65_536, 65_537]),
        ([0, 65_535, 1], [0, -1, 1]),
        ([65_535, 1, 0, 65_534], [65_535, 65_537, 65_536, 65_534]),
        ([10, 10], [10, 10]),
        ([0, 30_000, 60_000, 24_464, 54_464], [0, 30_000, 60_000, 90_000, 120_000]),
    ],
)
def test_unwrapping(arrived: list[int], unwrapped: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    assert [unwrapper.unwrap(number) for number in arrived] == unwrapped


@settings(deadline=None)
@given(st.lists(st.integers(-20_000, 20_000), max_size=50))
def test_unwrapping_follows_any_walk(steps: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    highest = place = unwrapper.unwrap(1_000)
    for step in steps:
        place = highest + step
        assert unwrapper.unwrap(place & 0xFFFF) == place
        highest = max(highest, place)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_only_parse_error(data: bytes) -> None:
    try:
        parsed = RtpPacket.parse(data)
    except ParseError:
        return
    assert 12 <= parsed.payload_start <= parsed.payload_end <= len(data)
    assert parsed.extension_end <= len(data)


@settings(deadline=None)
@given(st.sampled_from([0xBEDE, 0x1000, 0x1005]), st.binary(max_size=80), st.integers(0, 255))
def test_random_extensions_never_raise(profile: int, elements: bytes, identifier: int) -> None:
    value = RtpPacket.parse(extended(profile, elements)).extension(identifier)
    assert value is None or value in elements + bytes(3)


@settings(deadline=None)
@given(st.binary(min_size=12, max_size=100))
def test_what_the_stock_library_reads_we_read_alike(data: bytes) -> None:
    data = bytes((0x80 | data[0] & 0x2F,)) + data[1:]
    try:
        theirs = aiortc_rtp.RtpPacket.parse(data)
    except ValueError:
        return
    ours = RtpPacket.parse(data)
    assert (ours.ssrc, ours.sequence_number, ours.timestamp) == (
        theirs.ssrc,
        theirs.sequence_number,
        theirs.timestamp,
    )
    assert (ours.payload_type, ours.marker) == (theirs.payload_type, bool(theirs.marker))
    assert data[ours.payload_start : ours.payload_end] == theirs.payload


def test_parsing_costs_at_most_two_microseconds() -> None:
    data = extended(0xBEDE, b"\x10\x85\x40\x31", payload=bytes(1_100))
    best_s = (
        min(timeit.repeat(lambda: RtpPacket.parse(data), timer=time.thread_time, number=5_000, repeat=10))
        / 5_000
    )
    assert best_s <= 2e-6
