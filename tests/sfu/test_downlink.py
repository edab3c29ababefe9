"""When it is enough to hear of some of the packets; and that a probe is what was planned, whatever carries it."""

import asyncio
import time

import pytest

from sfu.bwe.estimator import LinkEstimator
from sfu.bwe.prober import Probe
from sfu.downlink import Downlink, Wish
from tests.sfu.copies import Copy, Source


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


@pytest.mark.parametrize("length", [250, 700, 1100])
async def test_a_probe_has_its_octets_and_its_rate_whatever_the_pictures_are_like(length: int) -> None:
    """Or nobody who gets a small picture would ever get a larger one."""
    source = Source()
    copy = Copy(source)
    try:
        for sequence in range(20):
            source.send(sequence, now=time.monotonic(), picture=sequence and sequence + 1, length=length)
        copy.received()
        downlink = Downlink(lambda: [Wish(copy.subscription, "camera", 0, 0)])
        probe = Probe(1_600_000, packets=10, octets=1000, interval_s=0.005)
        downlink._send(probe)
        packets = []
        async with asyncio.timeout(2):
            while sum(len(packet.data) for packet in packets) < probe.packets * probe.octets:
                await asyncio.sleep(0.005)
                packets += copy.received()
    finally:
        copy.close()
    octets = [len(packet.data) for packet in packets]
    assert sum(octets) - max(octets) < probe.packets * probe.octets <= sum(octets)
    assert all(0.8 * length < one < 1.3 * length + 60 for one in octets)
