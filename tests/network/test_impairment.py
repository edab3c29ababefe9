"""What a line does to packets, without a line: many packets in no time, so the shares can be told exactly."""

import itertools
import statistics

import pytest

from tests.support.impairment import Channel, Impairment
from tests.support.nat import DESTINATION, SOURCE, translated

COUNT, PER_S, SIZE = 40_000, 1000, 1000


def channel(**impairment: float) -> Channel:
    made = Channel(seed=3)
    made.set(Impairment(**impairment))
    return made


def through(line: Channel, count: int = COUNT) -> list[tuple[float, int]]:
    """When each packet comes out, and its number; a thousand a second go in."""
    return sorted((at, number) for number in range(count) for at in line.departures(number / PER_S, SIZE))


def delays_ms(came: list[tuple[float, int]]) -> list[float]:
    return [(at - number / PER_S) * 1000 for at, number in came]


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.3, 1.0])
def test_the_share_that_is_lost(loss):
    line = channel(loss=loss)
    assert abs(1 - len(through(line)) / COUNT - loss) <= 0.01
    assert line.counts.lost == COUNT - line.counts.delivered


@pytest.mark.parametrize(("loss", "burst"), [(0.1, 5), (0.3, 3), (0.02, 10)])
def test_bursts_are_as_long_as_told_and_lose_as_much(loss, burst):
    numbers = [number for _, number in through(channel(loss=loss, burst=burst))]
    runs = [after - before - 1 for before, after in itertools.pairwise(numbers) if after > before + 1]
    assert abs(1 - len(numbers) / COUNT - loss) <= 0.15 * loss
    assert abs(statistics.mean(runs) - burst) <= 0.15 * burst


def test_jitter_swings_to_both_sides_of_the_delay_and_keeps_the_order():
    came = through(channel(delay_ms=50, jitter_ms=30))
    delays = delays_ms(came)
    assert abs(statistics.mean(delays) - 50) <= 2
    assert 20 <= min(delays) <= 25
    assert 75 <= max(delays) <= 80
    assert [number for _, number in came] == list(range(COUNT))


def test_jitter_after_a_long_silence_takes_no_time():
    line = channel(delay_ms=50, jitter_ms=30)
    (at,) = line.departures(1e9, SIZE)
    assert 0.02 <= at - 1e9 <= 0.08


def test_packets_held_back_are_overtaken():
    came = through(channel(reorder=0.05, reorder_ms=20))
    late = sum(delay > 10 for delay in delays_ms(came))
    assert abs(late / COUNT - 0.05) <= 0.005
    assert len(came) == COUNT


def test_packets_come_twice():
    line = channel(duplicate=0.05)
    assert abs(len(through(line)) / COUNT - 1.05) <= 0.005
    assert line.counts.delivered_bytes == SIZE * line.counts.delivered


def test_a_rate_is_kept_and_the_queue_has_an_end():
    line = channel(rate_bps=4_000_000, queue_ms=200)
    came = through(line)
    assert len(came) * SIZE * 8 == pytest.approx(4_000_000 * (COUNT / PER_S + 0.2), rel=0.01)
    assert max(delays_ms(came)) == pytest.approx(200, abs=3)
    assert line.counts.overflowed == COUNT - len(came)


def test_below_the_rate_nothing_waits():
    came = through(channel(rate_bps=9_000_000))
    assert max(delays_ms(came)) < 1
    assert len(came) == COUNT


def test_packets_on_the_way_stay_before_those_of_a_faster_line():
    line = channel(delay_ms=200)
    (slow,) = line.departures(0, SIZE)
    line.set(Impairment())
    assert line.departures(0.01, SIZE) == [slow]


def test_the_same_seed_does_the_same():
    impairment = {"loss": 0.2, "jitter_ms": 10, "delay_ms": 20, "reorder": 0.1, "duplicate": 0.1}
    assert through(channel(**impairment), 1000) == through(channel(**impairment), 1000)


def ones_complement(data: bytes) -> int:
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def udp(source: int, destination: int) -> bytes:
    """A UDP header with its checksum over itself: the rest of the sum does not matter to a translation."""
    bare = source.to_bytes(2, "big") + destination.to_bytes(2, "big") + bytes([0, 8])
    return bare + (ones_complement(bare) ^ 0xFFFF).to_bytes(2, "big")


IPV4 = bytes([0x45, *bytes(8), 17, *bytes(10)])
IPV6 = bytes([0x60, *bytes(5), 17, *bytes(33)])


@pytest.mark.parametrize("header", [IPV4, IPV6])
@pytest.mark.parametrize("mask", [1, 0x7FFF, 0xFFFF])
def test_a_translated_port_is_another_and_the_checksum_holds(header, mask):
    out = translated(header + udp(40_000, 10_000), SOURCE, mask)
    assert out[len(header) : len(header) + 4] == udp(40_000 ^ mask, 10_000)[:4]
    assert ones_complement(out[len(header) :]) == 0xFFFF
    assert translated(out, SOURCE, mask)[:-2] == (header + udp(40_000, 10_000))[:-2]


def test_the_way_back_changes_the_destination_and_tcp_is_left_alone():
    out = translated(IPV4 + udp(10_000, 40_001), DESTINATION, 1)
    assert out[len(IPV4) :] == udp(10_000, 40_000)
    tcp = bytes([0x45, *bytes(8), 6, *bytes(30)])
    assert translated(tcp, SOURCE, 1) == tcp
