from fractions import Fraction
from itertools import pairwise

import pytest
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from av import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs.vp8 import Vp8Descriptor, parse_descriptor
from sfu.errors import ParseError
from tests.sfu.captures import load
from tests.sfu.rewriting import check_any, moved

KEYFRAME = bytes.fromhex("1019009d012a8002e001") + bytes(20)
DELTA = b"\x11" + bytes(20)


def parse(payload: bytes) -> Vp8Descriptor:
    return parse_descriptor(payload, 0, len(payload))


@pytest.mark.parametrize(
    ("descriptor", "picture_id", "bits", "tl0picidx", "temporal_id", "layer_sync"),
    [
        ("10", None, 0, None, 0, False),
        ("9000", None, 0, None, 0, False),
        ("908011", 0x11, 7, None, 0, False),
        ("90809234", 0x1234, 15, None, 0, False),
        ("90c0923405", 0x1234, 15, 5, 0, False),
        ("90e0923405a0", 0x1234, 15, 5, 2, True),
        ("90e0110540", 0x11, 7, 5, 1, False),
        ("90f09234054f", 0x1234, 15, 5, 1, False),
        ("90100f", None, 0, None, 0, False),  # key index only
        ("902080", None, 0, None, 2, False),
    ],
)
def test_every_form_of_the_descriptor(
    descriptor: str,
    picture_id: int | None,
    bits: int,
    tl0picidx: int | None,
    temporal_id: int,
    layer_sync: bool,
) -> None:
    head = bytes.fromhex(descriptor)
    found = parse(head + DELTA)
    assert found.length == len(head)
    assert (found.picture_id, found.picture_id_bits) == (picture_id, bits)
    assert (found.tl0picidx, found.temporal_id, found.layer_sync) == (tl0picidx, temporal_id, layer_sync)


@pytest.mark.parametrize(
    ("payload", "starts", "keyframe"),
    [
        (b"\x10" + KEYFRAME, True, True),
        (b"\x10" + DELTA, True, False),
        (b"\x00" + KEYFRAME, False, False),  # a continuation whose bytes look like a keyframe
        (b"\x11" + KEYFRAME, False, False),  # the start of another partition
        (b"\x30" + KEYFRAME, True, True),  # not a reference
    ],
)
def test_where_frames_start(payload: bytes, starts: bool, keyframe: bool) -> None:
    found = parse(payload)
    assert (found.start_of_frame, found.keyframe) == (starts, keyframe)
    assert (found.width, found.height) == ((640, 480) if keyframe else (0, 0))


@pytest.mark.parametrize(
    ("descriptor", "payload", "up"),
    [
        ("90e0923405a0", DELTA, (1, 2)),  # temporal layer 2, predicted from layer 0 only
        ("90e092340560", DELTA, (0, 1)),
        ("90e092340520", DELTA, (0, 0)),  # layer 0 is where everyone is
        ("90e092340580", DELTA, (0, 0)),
        ("80e0923405a0", DELTA, (0, 0)),  # its first packet had the offer
        ("90e092340520", KEYFRAME, (0, 7)),
    ],
)
def test_where_temporal_layers_may_be_added(descriptor: str, payload: bytes, up: tuple[int, int]) -> None:
    found = parse(bytes.fromhex(descriptor) + payload)
    assert (found.up_from, found.up_to) == up


def test_chromium_makes_three_temporal_layers() -> None:
    _, packets = load("chromium-156-vp8-l1t3")
    found = [parse(packet.data[packet.payload_start : packet.payload_end]) for packet in packets]
    assert {one.temporal_id for one in found} == {0, 1, 2}
    assert {one.sizes for one in found if one.keyframe} == {((640, 360),)}
    assert sum(one.keyframe for one in found) > 1
    # A frame starts where a timestamp is new.
    timestamps = [packet.timestamp for packet in packets]
    starts = [a != b for a, b in zip([None, *timestamps], timestamps, strict=False)]
    assert [one.start_of_frame for one in found] == starts
    for before, after in pairwise(one for one in found if one.start_of_frame):
        assert after.picture_id == (before.picture_id or 0) + 1
        assert after.tl0picidx == (before.tl0picidx or 0) + (after.temporal_id == 0)


def test_a_bomb_shows_its_size_without_being_decoded() -> None:
    found = parse(b"\x10" + bytes.fromhex("1019009d012aff3fff3f") + bytes(1_200))
    assert (found.width, found.height) == (16_383, 16_383)


@pytest.mark.parametrize(
    "text",
    ["", "10", "90", "9080", "908011", "908092", "90c092", "90e0923405", "902090",
     "1010190000000000000000", "101019009d012a8002e0"],
)  # fmt: skip
def test_cut_off_descriptors_are_refused(text: str) -> None:
    payload = bytes.fromhex(text)
    with pytest.raises(ParseError):
        parse_descriptor(payload + b"\x00\x04", 0, len(payload))


def test_only_the_given_span_is_read() -> None:
    packet = b"header" + b"\x90\x80\x92\x34" + DELTA + b"padding"
    found = parse_descriptor(packet, 6, len(packet) - 7)
    assert (found.picture_id, found.length) == (0x1234, 4)
    with pytest.raises(ParseError):
        parse_descriptor(packet, 6, len(packet) + 1)


@pytest.mark.parametrize(
    ("before", "picture_id_delta", "tl0picidx_delta", "after"),
    [
        ("90e0923405a0", 1, 2, "90e0923507a0"),
        ("90e0923405a0", 0x7FFF - 0x1234, 250, "90e0ffffffa0"),
        ("90e0923405a0", 0x8001 - 0x1234, 251, "90e0800100a0"),
        ("90e0923405a0", -0x1235, -6, "90e0ffffffa0"),
        ("90e0110540", 0x74, 2, "90e0050740"),
        ("908011", -12, 7, "908005"),
        ("904005", 5, 2, "904007"),
        ("9000", 5, 7, "9000"),
        ("10", 5, 7, "10"),
    ],
)
def test_rewriting_keeps_the_form(
    before: str, picture_id_delta: int, tl0picidx_delta: int, after: str
) -> None:
    payload = bytes.fromhex(before) + DELTA
    assert moved(parse, payload, picture_id_delta, tl0picidx_delta) == bytes.fromhex(after) + DELTA


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 0xFFFF), st.integers(0, 300))
def test_random_bytes_raise_only_parse_error(payload: bytes, picture_delta: int, tl0_delta: int) -> None:
    check_any(parse, payload, picture_delta, tl0_delta)


def black_frame(pts: int) -> VideoFrame:
    frame = VideoFrame(width=320, height=180)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.pts, frame.time_base = pts, Fraction(1, 90_000)
    return frame


def test_real_frames_are_understood() -> None:
    encoder = Vp8Encoder()
    payloads, _ = encoder.encode(black_frame(0), force_keyframe=True)
    first = parse(payloads[0])
    theirs, _ = VpxPayloadDescriptor.parse(payloads[0])
    assert (first.keyframe, first.width, first.height) == (True, 320, 180)
    assert first.picture_id == theirs.picture_id
    payloads, _ = encoder.encode(black_frame(3_000))
    second = parse(payloads[0])
    assert (second.keyframe, second.start_of_frame) == (False, True)
    assert second.picture_id == (first.picture_id + 1) % 2**15
