"""What the layers of a stream take, as it pauses, begins and wavers."""

from sfu.layers import ALL
from sfu.rates import LayerRates


def run(rates: LayerRates, since: float, seconds: float, bps: float) -> float:
    """50 packets a second of so much altogether; the time after them."""
    for step in range(round(seconds * 50)):
        now = since + step / 50
        rates.count(round(bps / 8 / 50), None, now)
        rates.measure(now)
    return since + seconds


def test_the_rate_is_what_came():
    rates = LayerRates()
    run(rates, 0.0, 5, 400_000)
    assert abs(rates.bitrate_bps(ALL) - 400_000) < 20_000


def test_a_stream_that_pauses_keeps_its_rate():
    rates = LayerRates()
    now = run(rates, 0.0, 5.2, 400_000)
    for step in range(100):
        rates.measure(now + step / 10)
    assert abs(rates.bitrate_bps(ALL) - 400_000) < 20_000
    assert not rates.is_alive(now + 10)


def test_it_rises_at_once_and_falls_slowly():
    rates = LayerRates()
    now = run(rates, 0.0, 5, 400_000)
    now = run(rates, now, 2, 1_200_000)
    assert rates.bitrate_bps(ALL) > 1_050_000
    now = run(rates, now, 1, 200_000)
    assert rates.bitrate_bps(ALL) > 800_000
    run(rates, now, 20, 200_000)
    assert rates.bitrate_bps(ALL) < 250_000
