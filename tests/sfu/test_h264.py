import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs import Descriptor
from sfu.codecs.h264 import H264Reader
from sfu.codecs.h264_parameters import read_size
from sfu.errors import ParseError
from tests.sfu.captures import load
from tests.sfu.encoded import encode, fu_a, nal_units, packet, stap_a

# Of Chromium (640x360), and slices of which only the first bits matter: 0x80 is the first macroblock.
SPS = bytes.fromhex("6742c0168c8d405017bcb35060606078442350")
PPS = bytes.fromhex("68ce3c80")
IDR, SLICE, LATER_SLICE = b"\x65\x88\x84", b"\x41\x9a\x02", b"\x41\x02\x02"
SEI, DELIMITER = b"\x06\x05\x01\x00\x80", b"\x09\xf0"
FIRST_PART, NEXT_PART, LAST_PART = b"\x7c\x85\x88\x84", b"\x7c\x05\x01\x02", b"\x7c\x45\x03\x04"


def read(*payloads: bytes) -> list[Descriptor]:
    """What a reader says of packets of one access unit."""
    reader = H264Reader()
    return [reader(packet(payload, 9_000)) for payload in payloads]


@pytest.mark.parametrize(
    ("payloads", "keyframe", "start"),
    [
        ([SPS, PPS, IDR], 0, 0),
        ([stap_a(SPS, PPS), IDR], 0, 0),
        ([stap_a(SPS, PPS, IDR)], 0, 0),
        ([stap_a(SPS, PPS), FIRST_PART, NEXT_PART, LAST_PART], 0, 0),
        ([DELIMITER, SPS, PPS, IDR], 1, 0),
        ([stap_a(DELIMITER, SPS, PPS, SEI), FIRST_PART, LAST_PART], 0, 0),
        ([SEI, PPS, SPS, IDR], 2, 0),
        ([IDR], 0, 0),
        ([FIRST_PART, NEXT_PART, LAST_PART], 0, 0),
        ([IDR, b"\x65\x22", b"\x65\x11"], 0, 0),  # three slices
        ([SPS, SPS, IDR], 0, 0),
        ([SLICE, LATER_SLICE], None, 0),
        ([SEI, SLICE], None, 0),
        ([b"\x0a", b"\x0b", b"\x65"], 2, None),  # ends of sequence and stream are a byte each
        ([LATER_SLICE], None, None),  # the first was lost
        ([NEXT_PART, LAST_PART], None, None),
        ([b"\x5c\x81\x9a", b"\x5c\x41\x02"], None, 0),  # a slice in fragments
    ],
)
def test_where_frames_and_keyframes_start(
    payloads: list[bytes], keyframe: int | None, start: int | None
) -> None:
    found = read(*payloads)
    assert [n for n, one in enumerate(found) if one.keyframe] == ([] if keyframe is None else [keyframe])
    assert [n for n, one in enumerate(found) if one.start_of_frame] == ([] if start is None else [start])
    assert all(one.up_to == (7 if one.keyframe else 0) for one in found)


def test_parameter_sets_that_come_late_are_where_to_begin() -> None:
    assert [one.keyframe for one in read(FIRST_PART, stap_a(SPS, PPS), LAST_PART)] == [True, True, False]


def test_each_access_unit_counts_anew() -> None:
    reader = H264Reader()
    found = [reader(packet(one, at)) for at in (0, 3_000) for one in (stap_a(SPS, PPS), IDR)]
    assert [one.keyframe for one in found] == [True, False, True, False]
    assert [one.start_of_frame for one in found] == [True, False, True, False]


@pytest.mark.parametrize(
    "payloads", [[SPS], [stap_a(PPS, SPS)], [stap_a(SPS, PPS, IDR)], [b"\x7c\x87" + SPS[1:]]]
)
def test_sizes_come_with_parameter_sets(payloads: list[bytes]) -> None:
    assert read(*payloads)[0].sizes == ((640, 360),)
    assert read(IDR)[0].sizes == ()


@pytest.mark.parametrize(
    "text",
    ["", "67", "7c", "7c85", "78", "7800", "780000", "7800ff01", "780001", "7800016578",
     "1900", "1a0000", "1b0000", "1d0000", "0000", "1e00", "1f00", "6742c0", "7800036742c0"],
)  # fmt: skip
def test_cut_off_and_unagreed_packets_are_refused(text: str) -> None:
    with pytest.raises(ParseError):
        read(bytes.fromhex(text))


def test_fragmented_parameter_sets_cannot_hide_their_size() -> None:
    with pytest.raises(ParseError):
        read(b"\x7c\x87" + SPS[1:5])


def test_a_packet_full_of_parameter_sets_is_refused() -> None:
    assert read(stap_a(*[SPS] * 4))[0].keyframe
    with pytest.raises(ParseError):
        read(stap_a(*[SPS] * 5))


@pytest.mark.parametrize("size", [(1920, 1080), (318, 178), (4098, 16), (16, 2302)])
@pytest.mark.parametrize(
    ("pixels", "profile"),
    [("yuv420p", "baseline"), ("yuv420p", "high"), ("yuv422p", "high422"), ("yuv444p", "high444")],
)
def test_sizes_of_real_parameter_sets(size: tuple[int, int], pixels: str, profile: str) -> None:
    stream = encode("libx264", *size, 1, format=pixels, profile=profile, preset="ultrafast")[0]
    (parameters,) = (unit for unit in nal_units(stream) if unit[0] & 0x1F == 7)
    assert read_size(parameters[1:]) == size


def test_sizes_of_interlaced_pictures_and_custom_scaling() -> None:
    stream = encode("libx264", 640, 476, 1, flags="+ildct+ilme", **{"x264-params": "interlaced=1:cqm=jvt"})[0]
    (parameters,) = (unit for unit in nal_units(stream) if unit[0] & 0x1F == 7)
    assert read_size(parameters[1:]) == (640, 476)


def ue(value: int) -> str:
    """Exp-Golomb, as bits."""
    return f"{value + 1:b}".rjust(2 * (value + 1).bit_length() - 1, "0")


def parameters(order: str, width: int, rows: int, cropping: str = "0", head: str = "") -> bytes:
    """A parameter set by hand: profile 66, or 100 with what `head` says of chroma and scaling."""
    bits = f"{100 if head else 66:08b}" + "0" * 16 + ue(0) + head + ue(0) + order + ue(1) + "0"
    bits += ue(width - 1) + ue(rows - 1) + "11" + cropping
    return int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")


ORDER = ue(0) + ue(4)
LONG_ORDER = ue(1) + "0" + ue(1) + ue(2) + ue(3) + ue(7) * 3
FLAT_CHROMA = ue(1) + ue(0) * 2 + "0" + "0"
LISTS = ue(1) + ue(0) * 2 + "0" + "1" + "1" + ue(0) * 16 + "1" + ue(16) + "0" * 6
CHROMA_444 = ue(3) + "0" + ue(0) * 2 + "0" + "1" + "0" * 12


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (parameters(ORDER, 40, 23), (640, 368)),
        (parameters(ORDER, 40, 23, "1" + ue(0) * 3 + ue(4)), (640, 360)),
        (parameters(ue(2), 40, 23), (640, 368)),
        (parameters(LONG_ORDER, 40, 23), (640, 368)),
        (parameters(ORDER, 40, 23, head=FLAT_CHROMA), (640, 368)),
        (parameters(ORDER, 40, 23, head=LISTS), (640, 368)),
        (parameters(ORDER, 40, 23, head=CHROMA_444), (640, 368)),
        (parameters(ORDER, 40_000, 40_000), (640_000, 640_000)),
        # Cropped to a thumbnail, but the decoder makes room for all of it.
        (parameters(ORDER, 1024, 1024, "1" + ue(0) + ue(8_032) + ue(0) + ue(8_102)), (16_384, 16_384)),
    ],
)
def test_sizes_of_parameter_sets_by_hand(data: bytes, size: tuple[int, int]) -> None:
    assert read_size(data) == size
    assert read_size(data.replace(b"\0\0\0", b"\0\0\3\0")) == size


@pytest.mark.parametrize(
    "data",
    [parameters(ue(1) + "0" + ue(0) * 2 + ue(256), 40, 23), parameters(ORDER, 40, 23, head=ue(4)),
     parameters(ORDER, 1, 1, "1" + ue(4) * 2 + ue(0) * 2),
     parameters(ORDER, 40, 23)[:-3], b"\x42" + bytes(200), b"\x64" + bytes(100) + b"\xff" * 100,
     parameters(ue(1) + "0" + ue(0) * 2 + ue(255) + ue(300_000) * 255, 40, 23)],
    ids=["cycle", "chroma", "cropped", "short", "zeros", "many zeros", "long"],
)  # fmt: skip
def test_impossible_parameter_sets_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        read_size(data)


def test_a_bomb_shows_its_size_in_the_first_packet() -> None:
    bomb = stap_a(b"\x67" + parameters(ORDER, 4_000, 4_000), PPS, IDR)
    found = read(bomb)[0]
    assert (found.width, found.height) == (64_000, 64_000)


@pytest.mark.parametrize("slices", [1, 4])
@pytest.mark.parametrize("aggregate", [False, True])
def test_streams_of_libx264(slices: int, aggregate: bool) -> None:
    frames = encode("libx264", 320, 180, 4, tune="zerolatency", g=2, **{"x264-params": f"slices={slices}"})
    reader = H264Reader()
    for number, frame in enumerate(frames):
        small = [unit for unit in nal_units(frame) if len(unit) <= 700]
        large = [unit for unit in nal_units(frame) if len(unit) > 700]
        payloads = [stap_a(*small)] if aggregate and small else small
        payloads += [part for unit in large for part in fu_a(unit, 100)]
        found = [reader(packet(payload, number * 3_000)) for payload in payloads]
        assert [one.keyframe for one in found] == [number % 2 == 0] + [False] * (len(found) - 1)
        assert [one.start_of_frame for one in found] == [True] + [False] * (len(found) - 1)
        assert found[0].sizes == (((320, 180),) if number % 2 == 0 else ())


def test_chromium() -> None:
    _, packets = load("chromium-156-h264")
    reader = H264Reader()
    found = [reader(one) for one in packets]
    timestamps = [one.timestamp for one in packets]
    starts = [a != b for a, b in zip([None, *timestamps], timestamps, strict=False)]
    assert [one.start_of_frame for one in found] == starts
    keyframes = [one for one in found if one.keyframe]
    assert len(keyframes) > 1
    assert all(one.start_of_frame and one.sizes == ((640, 360),) for one in keyframes)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_random_bytes_raise_only_parse_error(payloads: list[bytes]) -> None:
    reader = H264Reader()
    for payload in payloads:
        try:
            found = reader(packet(payload))
        except ParseError:
            continue
        assert not found.keyframe or found.up_to == 7
