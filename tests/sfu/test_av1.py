from itertools import pairwise
from pathlib import Path
from struct import Struct

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs import Descriptor
from sfu.codecs.av1 import Av1Reader
from sfu.codecs.bits import BitReader
from sfu.codecs.dependency import DependencyReader
from sfu.errors import ParseError
from sfu.rtp import RtpPacket
from tests.sfu.captures import load
from tests.sfu.dependency_bits import indications, keyframe, mandatory, pack
from tests.sfu.encoded import obus, packet

# Chromium's for 640x360, and the beginning of a frame.
SEQUENCE = bytes.fromhex("08001103088086627fb3803401")
FRAME = b"\x30\x10\x01\x02"
N, Y, Z = 0x08, 0x40, 0x80
_extension_header = Struct("!BBHIIHH").pack


def with_extension(payload: bytes, extension: bytes, timestamp: int = 0) -> RtpPacket:
    """A packet whose header extension 7 is this, in the two-byte form."""
    body = bytes((7, len(extension))) + extension
    body += bytes(-len(body) % 4)
    head = _extension_header(0x90, 96, 1, timestamp, 1, 0x1000, len(body) // 4)
    return RtpPacket.parse(head + body + payload)


def elements(*units: bytes, flags: int = 0) -> bytes:
    """OBUs in one payload, the last without a length."""
    *others, last = units
    return b"".join([bytes((flags | len(units) << 4,)), *(bytes((len(one),)) + one for one in others), last])


def sequence_header(
    width: int, height: int, bits: str = "0" * 4 + "0" + "0" * 2 + "00000" + "0" * 12 + "00000"
) -> bytes:
    """A sequence header OBU by hand; `bits` is what comes before the size."""
    text = bits + f"{15:04b}{15:04b}{width - 1:016b}{height - 1:016b}"
    return b"\x08" + pack(text)


# The payload, without the extension


@pytest.mark.parametrize(
    ("payloads", "starts", "keyframes"),
    [
        ([elements(SEQUENCE, FRAME, flags=N | Y), elements(FRAME, flags=Z)], [0], [0]),
        ([elements(FRAME, flags=Y), elements(FRAME, flags=Z | Y), elements(FRAME, flags=Z)], [0], []),
        ([elements(FRAME), elements(FRAME)], [0], []),  # two tile groups
        ([elements(FRAME, flags=Z)], [], []),  # the first was lost
    ],
)
def test_where_frames_and_keyframes_start(
    payloads: list[bytes], starts: list[int], keyframes: list[int]
) -> None:
    read = Av1Reader(None)
    found = [read(packet(one, 3_000)) for one in payloads]
    assert [n for n, one in enumerate(found) if one.start_of_frame] == starts
    assert [n for n, one in enumerate(found) if one.keyframe] == keyframes
    assert all(one.up_to == (7 if one.keyframe else 0) for one in found)
    assert Av1Reader(None)(packet(elements(FRAME), 6_000)).start_of_frame


@pytest.mark.parametrize(
    ("payload", "size"),
    [
        (elements(sequence_header(640, 360), FRAME, flags=N), (640, 360)),
        (elements(sequence_header(65_536, 65_536), flags=N), (65_536, 65_536)),
        (elements(sequence_header(640, 360)), (640, 360)),  # not marked as the beginning
        (elements(FRAME, sequence_header(640, 360)), (640, 360)),  # not the first
        (elements(FRAME, sequence_header(640, 360), flags=Z), (640, 360)),
        (b"\x08" + b"\x0a" + sequence_header(640, 360)[:10], (640, 360)),  # W is 0: every OBU has a length
        (elements(b"\x0c\x20" + sequence_header(640, 360)[1:]), (640, 360)),  # with an extension byte
        (elements(b"\x0a\x09" + sequence_header(640, 360)[1:]), (640, 360)),  # with a size of its own
        (elements(b"\x12\x00", sequence_header(640, 360)), (640, 360)),  # behind a temporal delimiter
        (elements(sequence_header(640, 360), flags=Z), None),  # the rest of something else
        (elements(FRAME, FRAME, FRAME), None),
    ],
)
def test_sizes_come_with_sequence_headers(payload: bytes, size: tuple[int, int] | None) -> None:
    found = Av1Reader(None)(packet(payload))
    assert found.sizes == ((size,) if size else ())


TIMING = "1" + "0" * 64 + "1" + "00101"  # equal intervals, 4 ticks
MODEL = "1" + "00111" + "0" * 32 + "0" * 10  # delays have 8 bits


@pytest.mark.parametrize(
    "bits",
    [
        "00011" + "00101",  # a still picture
        "00000" + "0000000" + "0" * 12 + "010001",  # a level that has a tier
        "00000" + TIMING + "0" + "000000" + "0" * 12 + "00000",
        "00000" + TIMING + MODEL + "100001" + ("0" * 12 + "00000" + "1" + "0" * 17 + "10000") * 2,
        "00000" + TIMING + MODEL + "111111" + ("0" * 12 + "111110" + "0" + "0") * 32,
    ],
)
def test_sequence_headers_of_every_form(bits: str) -> None:
    found = Av1Reader(None)(packet(elements(sequence_header(640, 360, bits))))
    assert found.sizes == ((640, 360),)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x10", b"\x00\x05\x30", b"\x20\x05\x30\x01", b"\x20\x80\x80\x80\x01\x30", b"\x20\x80",
     elements(SEQUENCE, flags=N | Z), elements(SEQUENCE[:3], flags=N | Y), elements(b"\x08"), elements(b"\x0a\x7f\x00"),
     b"\x00" + b"\x01\x30" * 33],
    ids=["empty", "header only", "W 0", "W 2", "long leb128", "cut leb128", "N and Z", "cut sequence", "no sequence",
         "own size", "many"],
)  # fmt: skip
def test_malformed_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(ParseError):
        Av1Reader(None)(packet(payload))


def test_streams_of_svt_av1() -> None:
    # Not encoded here: run by root, SVT-AV1 takes real-time priority for the whole process and its children.
    with av.open(str(Path(__file__).parents[1] / "data/video/svt-av1-638x358.ivf")) as file:
        units = [bytes(unit) for unit in file.demux() if unit.size]
    read = Av1Reader(None)
    found = [
        read(packet(elements(*obus(unit), flags=0 if number else N), number))
        for number, unit in enumerate(units)
    ]
    assert [one.keyframe for one in found] == [True] + [False] * (len(found) - 1)
    assert [one.sizes for one in found] == [((638, 358),)] + [()] * (len(found) - 1)


# The dependency descriptor


def place(reader: DependencyReader, data: bytes) -> tuple[int, int, int, bool] | None:
    found = reader.read(data).place
    return None if found is None else (found.spatial_id, found.temporal_id, found.up_to, found.needed_above)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (0, (0, 0, 1, True)),
        (1, (0, 0, 1, True)),
        (2, (0, 1, 0, True)),
        (3, (1, 0, 1, False)),
        (5, (1, 1, 0, False)),
        (6, None),
        (63, None),
    ],
)
@pytest.mark.parametrize("first_id", [0, 61])
def test_a_template_is_a_place(
    template: int, expected: tuple[int, int, int, bool] | None, first_id: int
) -> None:
    reader = DependencyReader()
    number = (template + first_id) % 64
    assert place(reader, pack(mandatory(number))) is None
    assert place(reader, keyframe(first_id=first_id, template=first_id)) == (0, 0, 1, True)
    assert place(reader, pack(mandatory(number))) == expected
    # With active decode targets, own differences and own chains, which change nothing here.
    assert place(reader, pack(mandatory(number) + "01011" + "1111" + "010000")) == expected


def test_a_frame_with_indications_of_its_own() -> None:
    reader = DependencyReader()
    reader.read(keyframe())
    assert place(reader, pack(mandatory(1) + "00100" + indications("SD--"))) == (0, 0, 0, False)
    assert place(reader, pack(mandatory(1) + "01100" + "0011" + indications("SSRR"))) == (0, 0, 1, True)
    with pytest.raises(ParseError):
        reader.read(pack(mandatory(1) + "00100" + "101"))


def test_frame_bounds_and_numbers() -> None:
    found = DependencyReader().read(pack(mandatory(5, 0xABCD, start=True, end=False)))
    assert (found.start_of_frame, found.end_of_frame) == (True, False)
    assert (found.template_id, found.frame_number) == (5, 0xABCD)


@pytest.mark.parametrize(
    ("chains", "sizes"),
    [
        ("00", ()),
        ("00", ((320, 180), (640, 360))),
        # Two of up to four chains; each target is protected by one of them; a nibble for each template and chain.
        ("10" + "0011" + "0000" * 12, ((320, 180), (640, 360))),
        ("111" + "00011011" + "1111" * 24, ((320, 180), (65_536, 1))),
    ],
)
def test_sizes_behind_chains(chains: str, sizes: tuple[tuple[int, int], ...]) -> None:
    assert DependencyReader().read(keyframe(chains=chains, sizes=sizes)).sizes == sizes


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"\x80\x00", pack(mandatory(0) + "10000"), keyframe()[:8], keyframe()[:-2],
     pack(mandatory(0) + "10000" + "00000000000" + "00" * 64 + "0" * 600),
     pack(mandatory(0) + "10000" + "00000000000" + "10" * 4 + "0" * 600),
     pack(mandatory(0) + "10000" + "00000000000" + "01" * 8 + "0" * 600),
     pack(mandatory(0) + "10000" + "00000000000" + "11" + "10" + "1" * 900)],
    ids=["empty", "1", "2", "no table", "cut table", "cut end", "65 templates", "5 layers", "9 layers", "differences"],
)  # fmt: skip
def test_malformed_descriptors_change_nothing(data: bytes) -> None:
    reader = DependencyReader()
    reader.read(keyframe())
    with pytest.raises(ParseError):
        reader.read(data)
    assert place(reader, pack(mandatory(5))) == (1, 1, 0, False)


def test_a_new_table_replaces_the_old() -> None:
    reader = DependencyReader()
    reader.read(keyframe())
    reader.read(
        keyframe([(0, 0, "SSSS"), (0, 1, "-SSS"), (0, 2, "--SS"), (0, 3, "---D")], template=6, first_id=6)
    )
    assert place(reader, pack(mandatory(0))) is None
    assert place(reader, pack(mandatory(7))) == (0, 1, 3, False)


# Both together


def describe(reader: Av1Reader, extension: bytes, payload: bytes = elements(FRAME)) -> Descriptor:
    return reader(with_extension(payload, extension))


def test_a_stream_with_layers() -> None:
    reader = Av1Reader(7)
    sizes = ((320, 180), (640, 360))
    first = describe(reader, keyframe(sizes=sizes), elements(SEQUENCE, FRAME, flags=N))
    assert (first.keyframe, first.sizes, first.up_from, first.up_to) == (True, sizes, 0, 7)
    upper = describe(reader, pack(mandatory(3)))
    assert (upper.keyframe, upper.spatial_id, upper.needed_above) == (False, 1, False)
    assert (upper.up_from, upper.up_to) == (0, 1)
    middle = describe(reader, pack(mandatory(1, start=False, end=False)))
    assert (middle.start_of_frame, middle.end_of_frame, middle.up_to) == (False, False, 0)
    assert describe(reader, pack(mandatory(2))).temporal_id == 1


def test_while_the_table_is_missing_everything_is_the_lowest_layer() -> None:
    found = describe(Av1Reader(7), pack(mandatory(9, end=False)))
    assert (found.start_of_frame, found.end_of_frame) == (True, False)
    assert (found.spatial_id, found.temporal_id, found.up_to) == (0, 0, 0)


def test_a_bomb_behind_a_modest_descriptor_is_seen() -> None:
    extension = keyframe(sizes=((320, 180), (640, 360)))
    found = describe(Av1Reader(7), extension, elements(sequence_header(65_536, 65_536), FRAME, flags=N))
    assert (found.width, found.height) == (65_536, 65_536)


@pytest.mark.parametrize(
    ("name", "spatial_layers", "temporal_layers", "sizes"),
    [
        ("l1t2", 1, 2, ((640, 360),)),
        ("l3t3", 3, 3, ((240, 135), (480, 270), (960, 540))),
        ("l3t3-key", 3, 3, ((240, 135), (480, 270), (960, 540))),
    ],
)
def test_chromium(
    name: str, spatial_layers: int, temporal_layers: int, sizes: tuple[tuple[int, int], ...]
) -> None:
    extension_id, packets = load(f"chromium-156-av1-{name}")
    read = Av1Reader(extension_id)
    found = [read(one) for one in packets]
    assert {(one.spatial_id, one.temporal_id) for one in found} == {
        (s, t) for s in range(spatial_layers) for t in range(temporal_layers)
    }
    keyframes = [one for one in found if one.keyframe]
    assert len(keyframes) > 1
    assert {one.sizes for one in found} == {sizes, ()}
    assert all(one.sizes == sizes for one in keyframes)
    for (before, was), (after, now) in pairwise(zip(packets, found, strict=True)):
        if before.sequence_number + 1 == after.sequence_number:
            assert was.end_of_frame == now.start_of_frame
        assert before.marker <= was.end_of_frame
    for one in found:
        if one.start_of_frame and not one.keyframe and one.temporal_id < temporal_layers - 1:
            offer = (one.temporal_id, temporal_layers - 1)
            assert (one.up_from, one.up_to) in (offer, (0, 0))


def test_in_chromium_the_lowest_layer_always_offers_all_temporal_layers() -> None:
    extension_id, packets = load("chromium-156-av1-l3t3-key")
    read = Av1Reader(extension_id)
    lowest = [one for one in map(read, packets) if one.start_of_frame and one.temporal_id == 0]
    assert {(one.up_from, one.up_to) for one in lowest} == {(0, 2), (0, 7)}


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=60), st.binary(max_size=40)), max_size=4))
def test_random_bytes_raise_only_parse_error(packets: list[tuple[bytes, bytes]]) -> None:
    reader = Av1Reader(7)
    for extension, payload in packets:
        try:
            found = reader(with_extension(payload, extension))
        except ParseError:
            continue
        assert 0 <= found.spatial_id <= 3
        assert 0 <= found.temporal_id <= 7


# Bits


@pytest.mark.parametrize(
    ("values", "bits", "expected"),
    [(1, "", 0), (2, "0", 0), (2, "1", 1), (5, "00", 0), (5, "10", 2), (5, "110", 3), (5, "111", 4)],
)
def test_non_symmetric_numbers(values: int, bits: str, expected: int) -> None:
    reader = BitReader(pack(bits or "0"))
    assert reader.non_symmetric(values) == expected


@pytest.mark.parametrize(
    ("bits", "unsigned", "signed"),
    [("1", 0, 0), ("010", 1, 1), ("011", 2, -1), ("00100", 3, 2), ("00101", 4, -2), ("0001000", 7, 4)],
)
def test_exp_golomb(bits: str, unsigned: int, signed: int) -> None:
    assert BitReader(pack(bits)).exp_golomb() == unsigned
    assert BitReader(pack(bits)).signed_exp_golomb() == signed


@pytest.mark.parametrize("data", [b"", b"\x00", bytes(5), b"\x01"])
def test_exp_golomb_ends(data: bytes) -> None:
    with pytest.raises(ParseError):
        BitReader(data).exp_golomb()
