"""At which packet a receiver may get other layers."""

import pytest

from sfu.codecs import Descriptor
from sfu.layers import ALL, Limits, step


def descriptor(spatial: int = 0, temporal: int = 0, **said: int) -> Descriptor:
    one = Descriptor()
    one.start_of_frame = True
    one.spatial_id, one.temporal_id = spatial, temporal
    for name, value in said.items():
        setattr(one, name, value)
    return one


@pytest.mark.parametrize(
    ("current", "target", "said", "reached"),
    [
        # down: with any picture, not within one
        ((2, 2), (2, 0), {}, (2, 0)),
        ((2, 2), (0, 2), {}, (0, 2)),
        ((2, 2), (0, 0), {"start_of_frame": False}, (2, 2)),
        ((2, 2), (0, 0), {"spatial": 1}, (2, 2)),
        # up in time: where the codec says so, as far as it says
        ((0, 0), (0, 2), {}, (0, 0)),
        ((0, 0), (0, 2), {"temporal": 1, "up_from": 0, "up_to": 1}, (0, 1)),
        ((0, 0), (0, 2), {"temporal": 2, "up_from": 1, "up_to": 2}, (0, 0)),
        ((0, 1), (0, 2), {"temporal": 2, "up_from": 1, "up_to": 2}, (0, 2)),
        ((0, 0), (0, 2), {"up_from": 0, "up_to": 7}, (0, 2)),
        # up in size: with a keyframe, and then all at once
        ((0, 0), (2, 2), {}, (0, 0)),
        ((0, 0), (2, 2), {"keyframe": True}, (2, 2)),
        # one down, the other up
        ((2, 0), (0, 2), {"up_from": 0, "up_to": 7}, (0, 2)),
        ((0, 2), (2, 0), {}, (0, 0)),
        ((7, 7), (7, 7), {}, (7, 7)),
    ],
)
def test_where_layers_change(
    current: tuple[int, int], target: tuple[int, int], said: dict[str, int], reached: tuple[int, int]
) -> None:
    assert step(Limits(*current), Limits(*target), descriptor(**said)) == reached


def test_everything_is_within_no_limits() -> None:
    assert ALL.include(descriptor(spatial=3, temporal=7))
    assert not Limits(0, 1).include(descriptor(spatial=1))
    assert not Limits(0, 1).include(descriptor(temporal=2))
