"""Guards against doing too much."""

import logging

import pytest

from sfu.limits import LogLimiter, TokenBucket


def test_a_bucket_gives_its_rate_and_its_burst() -> None:
    bucket = TokenBucket(10, 5, 0.0)
    assert [bucket.take(1, 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.take(1, 0.1)
    assert not bucket.take(1, 0.1)
    assert [bucket.take(1, 100.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_flood_is_one_line_and_then_how_many_there_were(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    monkeypatch.setattr("sfu.limits.time.monotonic", lambda: now)
    limiter = LogLimiter(logging.getLogger("flooded"), interval_s=1.0)
    for number in range(1_000):
        limiter.warning("x %d", number)
    now += 1.0
    limiter.warning("x %d", 1_000)
    assert [record.message for record in caplog.records] == [
        "x 0 (0 more not shown)",
        "x 1000 (999 more not shown)",
    ]
