import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs.opus import duration_samples
from sfu.errors import ParseError


def first_byte(config: int, code: int) -> int:
    return config << 3 | code


@pytest.mark.parametrize(
    ("config", "samples"),
    [
        *[(base + step, (480, 960, 1_920, 2_880)[step]) for base in (0, 4, 8) for step in range(4)],
        *[(12, 480), (13, 960), (14, 480), (15, 960)],
        *[(base + step, (120, 240, 480, 960)[step]) for base in (16, 20, 24, 28) for step in range(4)],
    ],
)
def test_one_frame_of_each_configuration(config: int, samples: int) -> None:
    assert duration_samples(bytes((first_byte(config, 0), 1))) == samples


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (bytes((first_byte(1, 1), 0)), 1_920),
        (bytes((first_byte(1, 2), 0)), 1_920),
        (bytes((first_byte(1, 3), 6)), 5_760),
        (bytes((first_byte(16, 3), 48)), 5_760),
        (bytes((first_byte(1, 3), 0xC2)), 1_920),  # variable sizes and padding in the upper bits
        (bytes((first_byte(1, 0),)), 960),  # a silent frame: nothing but the first byte
    ],
)
def test_several_frames(payload: bytes, samples: int) -> None:
    assert duration_samples(payload) == samples


@pytest.mark.parametrize(
    "payload",
    [b"", bytes((first_byte(1, 3),)), bytes((first_byte(1, 3), 0)), bytes((first_byte(1, 3), 7)),
     bytes((first_byte(3, 3), 63)), bytes((first_byte(16, 3), 49))],
    ids=["empty", "no count", "no frames", "140 ms", "3.78 s", "122.5 ms"],
)  # fmt: skip
def test_impossible_packets_are_refused(payload: bytes) -> None:
    with pytest.raises(ParseError):
        duration_samples(payload)


@settings(deadline=None)
@given(st.binary(max_size=20))
def test_random_bytes_raise_only_parse_error(payload: bytes) -> None:
    try:
        samples = duration_samples(payload)
    except ParseError:
        return
    assert 120 <= samples <= 5_760


@pytest.mark.parametrize("frame_ms", [10, 20, 60, 120])
def test_real_packets(frame_ms: int) -> None:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    encoder.options = {"frame_duration": str(frame_ms)}
    frame = av.AudioFrame(format="s16", layout="stereo", samples=48 * frame_ms)
    frame.sample_rate = 48_000
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    assert [duration_samples(bytes(packet)) for packet in packets[:1]] == [48 * frame_ms]
