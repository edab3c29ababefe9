"""Headers that are dear to read: those that are repeated cost nothing, those that change all the time are refused."""

import time
from itertools import count

import pytest

from sfu.codecs import DEPENDENCY_DESCRIPTOR_URI, reader
from sfu.codecs.remembered import Remembered
from sfu.errors import ParseError
from sfu.rtp import ONE_BYTE_PROFILE, TWO_BYTE_PROFILE, RtpPacket
from tests.fuzz.targets import EXTENSION_ID, packet

SENT = 2_000
# A peer may send 5,000 packets a second. Each takes 350 to 700 µs to read whole, on the mean 16 to 26 are left.
MOST_S = 150e-6


def test_the_same_is_read_once() -> None:
    read: list[bytes] = []
    headers = Remembered[bytes, None](read.append)
    for _ in range(1_000):
        headers.read(b"as before")
    assert read == [b"as before"]


def test_changes_are_read_a_few_at_once_and_then_now_and_then() -> None:
    numbers = count()
    headers = Remembered[int, int](lambda key: next(numbers))
    refused = 0
    for key in range(32 * 100):
        headers.count_packet()
        try:
            headers.read(key)
        except ParseError:
            refused += 1
    assert 100 <= next(numbers) <= 100 + 16
    headers.count_packet()
    assert headers.read(key) == headers.read(key)


def test_what_is_malformed_is_not_remembered() -> None:
    def parse(key: bytes) -> bytes:
        if key == b"bad":
            raise ParseError("bad")
        return key

    headers = Remembered[bytes, bytes](parse)
    headers.read(b"good")
    for _ in range(2):
        with pytest.raises(ParseError):
            headers.read(b"bad")
    assert headers.read(b"good") == b"good"


def bits(text: str) -> bytes:
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8))


def golomb(number: int) -> str:
    code = f"{number + 1:b}"
    return "0" * (len(code) - 1) + code


def dear_h264(number: int) -> RtpPacket:
    """Four parameter sets of twelve scaling lists each."""
    lists = "".join("1" + "1" * (16 if one < 6 else 64) for one in range(12))
    head = (
        f"{100:08b}" + f"{number % 65_536:016b}" + golomb(0) + golomb(3) + "0" + golomb(0) * 2 + "01" + lists
    )
    unit = b"\x67" + bits(head + golomb(0) * 5 + "0" + golomb(39) + golomb(21) + "100")
    return packet(b"\x78" + (len(unit).to_bytes(2) + unit) * 4)


def dear_dependencies(number: int) -> RtpPacket:
    """A table of 32 templates for 28 targets."""
    table = "00000011011" + "00" * 31 + "11" + "10" * 28 * 32 + "0" * 32 + "0" * 5
    extension = b"\xc0\x00\x01" + bits("10000" + table + f"{number % 1024:010b}")
    return packet(b"\x10\x20", bytes((EXTENSION_ID, len(extension))) + extension)


def dear_av1(number: int) -> RtpPacket:
    """As many sequence headers of 32 operating points as a packet holds."""
    unit = b"\x08" + bits("0000000" + "11111" + "0" * 17 * 32 + "10011001" + f"{number % 1024:010b}" * 2)
    return packet(b"\x08" + (bytes((len(unit),)) + unit) * 18)


@pytest.mark.parametrize(
    ("codec", "make", "are_whole"),
    [("H264", dear_h264, True), ("AV1", dear_dependencies, True), ("AV1", dear_av1, False)],
)
def test_the_dearest_packets_of_a_hostile_encoder_are_soon_cheap(codec: str, make, are_whole: bool) -> None:
    packets = [make(number) for number in range(SENT)]
    read = reader(codec, {DEPENDENCY_DESCRIPTOR_URI: EXTENSION_ID})
    assert read is not None
    started, refused = time.thread_time(), 0
    for one in packets:
        try:
            read(one)
        except ParseError:
            refused += 1
    assert (time.thread_time() - started) / SENT < MOST_S
    read_whole = 16 + SENT // 32 if are_whole else 0
    assert 0 <= read_whole - (SENT - refused) <= 1


@pytest.mark.parametrize(
    ("profile", "elements"),
    [
        (ONE_BYTE_PROFILE, bytes(1_400)),
        (TWO_BYTE_PROFILE, b"\x01\x00" * 700),
        (TWO_BYTE_PROFILE, bytes(1_400)),
    ],
)
def test_a_packet_full_of_extensions_is_cheap(profile: int, elements: bytes) -> None:
    packets = [packet(b"\x00", elements, profile) for _ in range(SENT)]
    started = time.thread_time()
    for one in packets:
        one.extension(3)
    assert (time.thread_time() - started) / SENT < MOST_S
