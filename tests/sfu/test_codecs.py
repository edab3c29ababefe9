"""Whatever the codec, forwarding sees the same."""

import pytest

from sfu.codecs import DEPENDENCY_DESCRIPTOR_URI, Descriptor, reader
from sfu.errors import ParseError
from sfu.negotiation import VIDEO_CODECS
from tests.sfu.captures import FOLDER, load
from tests.sfu.encoded import packet

STREAMS = sorted(path.stem for path in FOLDER.glob("*.xz"))


@pytest.mark.parametrize("extension_ids", [{}, {DEPENDENCY_DESCRIPTOR_URI: 1}])
def test_video_is_read_and_sound_is_not(extension_ids: dict[str, int]) -> None:
    for name in VIDEO_CODECS:
        assert reader(name, extension_ids) is not None
        assert reader(name.lower(), extension_ids) is not None
    assert reader("opus", extension_ids) is None
    assert reader("red", extension_ids) is None


@pytest.mark.parametrize("name", VIDEO_CODECS)
def test_every_reader_refuses_an_empty_payload(name: str) -> None:
    read = reader(name, {DEPENDENCY_DESCRIPTOR_URI: 1})
    assert read is not None
    with pytest.raises(ParseError):
        read(packet(b""))


def test_nothing_is_claimed_where_nothing_is_told() -> None:
    plain = Descriptor()
    assert (plain.width, plain.height, plain.sizes) == (0, 0, ())
    assert (plain.picture_id, plain.tl0picidx, plain.needed_above) == (None, None, True)
    buffer = bytearray(b"unchanged")
    plain.rewrite(buffer, 0, 1, 1)
    assert buffer == b"unchanged"


def test_the_largest_layer_counts() -> None:
    plain = Descriptor()
    plain.sizes = ((65_000, 10), (640, 360))
    assert (plain.width, plain.height) == (65_000, 360)


@pytest.mark.parametrize("name", STREAMS)
def test_a_receiver_can_begin_at_every_keyframe_of_chromium(name: str) -> None:
    extension_id, packets = load(name)
    read = reader(name.split("-")[2], {DEPENDENCY_DESCRIPTOR_URI: extension_id})
    assert read is not None
    before = None
    for one in packets:
        found = read(one)
        if found.keyframe:
            assert before != one.timestamp, "the first packet of its picture"
            assert found.start_of_frame
            assert (found.spatial_id, found.temporal_id) == (0, 0)
            assert (found.up_from, found.up_to) == (0, 7)
            assert found.width in (640, 960)
        assert found.length <= one.payload_end - one.payload_start
        before = one.timestamp


@pytest.mark.parametrize("name", ["h264-l1t3", "vp8-l1t3-described"])
def test_layers_told_beside_the_payload(name: str) -> None:
    extension_id, packets = load(f"chromium-156-{name}")
    codec = name.split("-")[0]
    alone, described = reader(codec, {}), reader(codec, {DEPENDENCY_DESCRIPTOR_URI: extension_id})
    assert alone is not None
    assert described is not None
    without, found = [alone(one) for one in packets], [described(one) for one in packets]
    assert {one.temporal_id for one in without} == {0}
    assert {one.temporal_id for one in found} == {0, 1, 2}
    assert [one.keyframe for one in found] == [one.keyframe for one in without]
    assert [one.sizes for one in found] == [one.sizes for one in without]
    assert [one.start_of_frame for one in found] == [one.start_of_frame for one in without]
    assert [one.end_of_frame for one in found] == [one.marker for one in packets]
    offers = {(one.up_from, one.up_to) for one in found if one.start_of_frame and not one.keyframe}
    assert offers == {(0, 0), (0, 2), (1, 2)}


@pytest.mark.parametrize("name", ["vp8-l1t3", "vp9", "vp9-l3t3", "vp9-l3t3-key"])
def test_rewriting_moves_every_picture_of_chromium_alike(name: str) -> None:
    _, packets = load(f"chromium-156-{name}")
    read, again = (reader(name.split("-")[0], {}) for _ in range(2))
    assert read is not None
    assert again is not None
    for one in packets:
        found = read(one)
        payload = bytearray(one.data[one.payload_start : one.payload_end])
        found.rewrite(payload, 0, 30_000, 200)
        moved = again(packet(bytes(payload), one.timestamp))
        assert moved.picture_id == ((found.picture_id or 0) + 30_000) % 32_768
        if found.tl0picidx is not None:
            assert moved.tl0picidx == (found.tl0picidx + 200) % 256
        assert (moved.spatial_id, moved.temporal_id) == (found.spatial_id, found.temporal_id)
