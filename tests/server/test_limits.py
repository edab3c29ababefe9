"""Token buckets, and who is behind an address."""

import pytest

from server.limits import RateLimiter, address_key


def test_a_burst_then_a_steady_rate() -> None:
    now = [0.0]
    limiter = RateLimiter(burst=3, per_second=0.5, clock=lambda: now[0])
    assert [limiter.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    assert limiter.take("b") == 0
    now[0] = 2.0
    assert [limiter.take("a"), limiter.take("a")] == [0, 2]
    limiter.give_back("a")
    assert limiter.take("a") == 0
    now[0] = 1000.0
    assert [limiter.take("a") for _ in range(4)] == [0, 0, 0, 2]


def test_it_forgets_rather_than_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.limits._MAX_KEYS", 10)
    limiter = RateLimiter(burst=1, per_second=1, clock=lambda: 0.0)
    for number in range(1000):
        limiter.take(str(number))
    assert len(limiter._buckets) == 10


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_one_subscriber_is_one_key(address: str, key: str) -> None:
    assert address_key(address) == key
