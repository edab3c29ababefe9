from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs.vp9 import Vp9Descriptor, Vp9Reader, parse_descriptor
from sfu.errors import ParseError
from tests.sfu.captures import load
from tests.sfu.encoded import encode, packet
from tests.sfu.rewriting import check_any, moved

# Frame headers of libvpx: a keyframe of 640x360, an interframe as large as its reference.
KEYFRAME = bytes.fromhex("824983420027f01670" + "00" * 12)
INTERFRAME = bytes.fromhex("86004092b83451e3") + bytes(12)
SHOWN_AGAIN = bytes.fromhex("88")


def parse(payload: bytes) -> Vp9Descriptor:
    return parse_descriptor(payload, 0, len(payload))


@pytest.mark.parametrize(
    ("descriptor", "picture_id", "bits", "tl0picidx", "layers"),
    [
        ("00", None, 0, None, (0, 0)),
        ("8011", 0x11, 7, None, (0, 0)),
        ("809234", 0x1234, 15, None, (0, 0)),
        ("a092344305", 0x1234, 15, 5, (1, 2)),
        ("a0114305", 0x11, 7, 5, (1, 2)),
        ("20e40a", None, 0, 10, (2, 7)),
        ("b0923443", 0x1234, 15, None, (1, 2)),  # flexible mode
        ("f092344302", 0x1234, 15, None, (1, 2)),  # one reference
        ("f0923443030506", 0x1234, 15, None, (1, 2)),  # three
        ("e092344305", 0x1234, 15, 5, (1, 2)),  # references are told in flexible mode only
    ],
)
def test_every_form_of_the_descriptor(
    descriptor: str, picture_id: int | None, bits: int, tl0picidx: int | None, layers: tuple[int, int]
) -> None:
    head = bytes.fromhex(descriptor)
    found = parse(head + INTERFRAME)
    assert found.length == len(head)
    assert (found.picture_id, found.picture_id_bits, found.tl0picidx) == (picture_id, bits, tl0picidx)
    assert (found.spatial_id, found.temporal_id) == layers


@pytest.mark.parametrize(
    ("payload", "starts", "ends", "keyframe", "needed_above"),
    [
        (b"\x08" + KEYFRAME, True, False, True, True),
        (b"\x0d" + KEYFRAME, True, True, True, False),
        (b"\x04" + KEYFRAME, False, True, False, True),  # the end, whose bytes look like a start
        (b"\x48" + INTERFRAME, True, False, False, True),
        (b"\x28\x02\x00" + INTERFRAME, True, False, False, True),  # a keyframe's second spatial layer
        (b"\x28\x00\x00" + KEYFRAME, True, False, True, True),
    ],
)
def test_where_frames_start_and_end(
    payload: bytes, starts: bool, ends: bool, keyframe: bool, needed_above: bool
) -> None:
    found = parse(payload)
    assert (found.start_of_frame, found.end_of_frame) == (starts, ends)
    assert (found.keyframe, found.needed_above) == (keyframe, needed_above)


@pytest.mark.parametrize(
    ("payload", "up"),
    [
        (b"\x68\x50\x00" + INTERFRAME, (2, 7)),
        (b"\x68\x40\x00" + INTERFRAME, (0, 0)),
        (b"\x60\x50\x00" + INTERFRAME, (0, 0)),  # not the first packet of its frame
        (b"\x68\x10\x00" + INTERFRAME, (0, 7)),
        (b"\x28\x00\x00" + KEYFRAME, (0, 7)),
    ],
)
def test_where_temporal_layers_may_be_added(payload: bytes, up: tuple[int, int]) -> None:
    found = parse(payload)
    assert (found.up_from, found.up_to) == up


@pytest.mark.parametrize(
    ("structure", "sizes"),
    [
        ("00", ((640, 360),)),  # only how many layers: the size is the frame's
        ("1002800168", ((640, 360),)),
        ("3002800168050002d0", ((640, 360), (1280, 720))),
        ("1802800168020401580102", ((640, 360),)),  # two pictures with one and two references
        ("0800", ((640, 360),)),
    ],
)
def test_scalability_structures(structure: str, sizes: tuple[tuple[int, int], ...]) -> None:
    head = b"\x0a" + bytes.fromhex(structure)
    found = parse(head + KEYFRAME)
    assert (found.sizes, found.length) == (sizes, len(head))
    assert (found.width, found.height) == sizes[-1]


@pytest.mark.parametrize(
    "text",
    ["", "00", "80", "8092", "809234", "20", "2043", "a09234", "f0923443", "f092344303050702", "02", "0210",
     "02f00280016802800168", "0208", "020803", "0208010c0102", "08", "0800", "0882498342", "08820000000000000000"],
)  # fmt: skip
def test_cut_off_and_malformed_descriptors_are_refused(text: str) -> None:
    payload = bytes.fromhex(text)
    with pytest.raises(ParseError):
        parse_descriptor(payload + b"\x00\x04", 0, len(payload))


def test_only_the_given_span_is_read() -> None:
    data = b"header" + b"\x80\x92\x34" + INTERFRAME + b"padding"
    assert parse_descriptor(data, 6, len(data) - 7).picture_id == 0x1234
    with pytest.raises(ParseError):
        parse_descriptor(data, 6, len(data) + 1)


@pytest.mark.parametrize(
    ("before", "picture_id_delta", "tl0picidx_delta", "after"),
    [
        ("a092344305", 1, 2, "a092354307"),
        ("a092344305", 0x7FFF - 0x1234, 250, "a0ffff43ff"),
        ("a092344305", 0x8001 - 0x1234, 251, "a080014300"),
        ("a092344305", -0x1235, -6, "a0ffff43ff"),
        ("a0114305", 0x74, 2, "a0054307"),
        ("8011", -12, 7, "8005"),
        ("204305", 5, 2, "204307"),
        ("f09234430302", 1, 1, "f09235430302"),  # flexible mode has no TL0PICIDX
        ("00", 5, 7, "00"),
    ],
)
def test_rewriting_keeps_the_form(
    before: str, picture_id_delta: int, tl0picidx_delta: int, after: str
) -> None:
    payload = bytes.fromhex(before) + INTERFRAME
    assert moved(parse, payload, picture_id_delta, tl0picidx_delta) == bytes.fromhex(after) + INTERFRAME


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 0xFFFF), st.integers(0, 300))
def test_random_bytes_raise_only_parse_error(payload: bytes, picture_delta: int, tl0_delta: int) -> None:
    check_any(parse, payload, picture_delta, tl0_delta)


@pytest.mark.parametrize(("pixels", "profile"), [("yuv420p", 0), ("yuv444p", 1), ("gbrp", 1)])
def test_sizes_of_real_frames_of_libvpx(pixels: str, profile: int) -> None:
    options = {"deadline": "realtime", "cpu-used": 8, "lag-in-frames": 0}
    first, *rest = encode("libvpx-vp9", 318, 178, 3, format=pixels, profile=profile, **options)
    found = parse(b"\x0c" + first)
    assert (found.keyframe, found.sizes) == (True, ((318, 178),))
    assert [parse(b"\x4c" + frame).frame_size for frame in rest] == [None, None]


SIZE = f"{640 - 1:016b}{360 - 1:016b}"
SYNC = f"{0x498342:024b}"


@pytest.mark.parametrize(
    "bits",
    [
        "10010010" + SYNC + "00100" + SIZE,  # profile 2, 10 bits
        "101100010" + SYNC + "10100000" + SIZE,  # profile 3, 12 bits
        "101100010" + SYNC + "11110" + SIZE,  # sRGB
        "100001011" + SYNC + "00000000" + SIZE,  # intra only, error resilient
        "10000100100" + SYNC + "00000000" + SIZE,
        "100101011" + SYNC + "0010000000000" + SIZE,
        "10000101000000000" + "0" * 12 + "000" + SIZE,  # not shown, larger than its references
    ],
)
def test_sizes_of_rarer_frames(bits: str) -> None:
    header = int(bits.ljust(128, "0"), 2).to_bytes(16, "big")
    assert parse(b"\x48" + header).frame_size == (640, 360)


def test_a_frame_shown_again_has_no_size() -> None:
    assert parse(b"\x4c" + SHOWN_AGAIN).frame_size is None


def test_chromium_makes_three_spatial_and_temporal_layers() -> None:
    _, packets = load("chromium-156-vp9-l3t3-key")
    read = Vp9Reader()
    found = [read(one) for one in packets]
    assert {(one.spatial_id, one.temporal_id) for one in found} == {
        (s, t) for s in range(3) for t in range(3)
    }
    keyframes = [one for one in found if one.keyframe]
    assert len(keyframes) > 1
    assert {one.sizes for one in keyframes} == {((240, 136), (480, 270), (960, 540))}
    assert {one.sizes for one in found if not one.keyframe} == {()}
    # In this mode lower layers are needed by higher ones in keyframes only.
    key_pictures = {one.picture_id for one in keyframes}
    for one in found:
        assert one.needed_above == (one.picture_id in key_pictures and one.spatial_id < 2)


@pytest.mark.parametrize("name", ["vp9", "vp9-l3t3", "vp9-l3t3-key"])
def test_frames_of_chromium_follow_one_another(name: str) -> None:
    _, packets = load(f"chromium-156-{name}")
    read = Vp9Reader()
    found = [(one, read(one)) for one in packets]
    for (before, was), (after, now) in pairwise(found):
        if before.sequence_number + 1 == after.sequence_number:
            assert was.end_of_frame == now.start_of_frame
        picture_id = (was.picture_id or 0) + (before.timestamp != after.timestamp)
        assert now.picture_id == picture_id & 0x7FFF
        assert before.marker <= was.end_of_frame


def frame(layer: int, size: tuple[int, int] | None, *, start: int = 0x68) -> bytes:
    """A packet of an interframe; flags and three references precede the bit that says "as large as"."""
    bits = "10000111" + "00000000" + "0000" * 3
    bits += "1" if size is None else f"000{size[0] - 1:016b}{size[1] - 1:016b}"
    head = int(bits.ljust(128, "0"), 2).to_bytes(16, "big")
    return bytes((start, layer << 1, 0)) + head


def test_a_frame_that_outgrows_its_keyframe_is_seen() -> None:
    read = Vp9Reader()
    structure = bytes.fromhex("2a00003002800168050002d0")
    assert read(packet(structure + KEYFRAME)).sizes == ((640, 360), (1280, 720))
    assert read(packet(frame(1, None))).sizes == ()
    assert read(packet(frame(1, (1280, 720)))).sizes == ()
    assert read(packet(frame(1, (640, 360)))).sizes == ()
    grown = read(packet(frame(1, (1280, 65_536))))
    assert (grown.sizes, grown.keyframe) == (((640, 360), (1280, 65_536)), False)
    assert read(packet(frame(2, (65_000, 20)))).sizes == ((640, 360), (1280, 65_536), (65_000, 20))


def test_a_bomb_behind_a_modest_structure_is_seen() -> None:
    bomb = bytes.fromhex("824983420ffffffff0") + bytes(1_200)
    found = Vp9Reader()(packet(bytes.fromhex("0a1002800168") + bomb))
    assert (found.width, found.height) == (65_536, 65_536)
