import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs.red import Block, primary, split
from sfu.errors import ParseError


def red(*blocks: Block) -> bytes:
    *redundant, last = blocks
    heads = [
        (1 << 31 | one.payload_type << 24 | one.timestamp_offset << 10 | len(one.payload)).to_bytes(4, "big")
        for one in redundant
    ]
    return b"".join([*heads, bytes((last.payload_type,)), *(one.payload for one in blocks)])


@pytest.mark.parametrize(
    "blocks",
    [
        [Block(111, 0, b"new")],
        [Block(111, 0, b"")],
        [Block(111, 960, b"old"), Block(111, 0, b"new")],
        [Block(111, 1_920, b"older"), Block(111, 960, b""), Block(110, 0, b"new")],
        [Block(127, 16_383, bytes(1_023)), Block(0, 0, bytes(160))],
    ],
)
def test_blocks_are_split(blocks: list[Block]) -> None:
    assert split(red(*blocks)) == blocks
    assert primary(red(*blocks)) == (blocks[-1].payload_type, blocks[-1].payload)


def test_packets_of_chromium() -> None:
    first = bytes.fromhex("6f780be4c136ecc58d8c49469904c5aaed92e7634a3a1898ee62cb60ff6c1b2900")
    assert split(first) == [Block(111, 0, first[1:])]
    # A silence begins (DTX): one byte of Opus, and once more the frame of 40 ms before.
    silence = bytes.fromhex(
        "ef1e00236f7807c979c8c957c0a21223faef67f3281bd32af9fffe8356ae43afba672f0e2a02970078"
    )
    assert split(silence) == [Block(111, 1_920, silence[5:-1]), Block(111, 0, b"\x78")]
    assert primary(silence) == (111, b"\x78")


@pytest.mark.parametrize(
    "text", ["", "ef", "ef0f00", "ef0f0001", "ef0f00016f", "ef0f00026f78", "ef0f0001" * 33 + "6f"]
)
def test_impossible_packets_are_refused(text: str) -> None:
    payload = bytes.fromhex(text) + (bytes(33) if len(text) > 200 else b"")
    with pytest.raises(ParseError):
        split(payload)
    with pytest.raises(ParseError):
        primary(payload)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes_raise_only_parse_error(payload: bytes) -> None:
    try:
        blocks = split(payload)
    except ParseError:
        return
    assert red(*blocks) == payload[:0] + red(*blocks)
    assert primary(payload) == (blocks[-1].payload_type, blocks[-1].payload)
    assert sum(len(one.payload) for one in blocks) + 4 * len(blocks) - 3 == len(payload)
