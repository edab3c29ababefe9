"""When it is enough to hear of some of the packets."""

import pytest

from sfu.bwe.estimator import LinkEstimator
from sfu.downlink import Downlink


class QuietEstimator(LinkEstimator):
    """Nothing is tried, lost or queued."""

    bitrate_bps = 3_000_000.0
    is_quiet = True


@pytest.mark.parametrize(
    ("shared_out_bps", "wanted_bps", "at_ease"),
    [
        (3_000_000, 2_000_000, True),
        (2_500_000, 2_000_000, True),
        (2_000_000, 2_500_000, False),  # something rests that would fit by now
        (3_000_000, 3_500_000, False),
        (3_000_000, 0, False),
    ],
)
def test_at_ease(shared_out_bps: float, wanted_bps: float, at_ease: bool) -> None:
    downlink = Downlink(list)
    downlink.estimator = QuietEstimator()
    downlink._allocated_bps, downlink.wanted_bps = shared_out_bps, wanted_bps
    assert downlink.is_at_ease is at_ease
