"""The score of a connection: plausible, monotone, with the reason that a person would name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.quality import Level, Link, Quality, Reason, judge, score


@pytest.mark.parametrize(
    ("link", "least", "most", "level", "reason"),
    [
        (Link(), 5.0, 5.0, "excellent", "none"),
        (Link(rtt_ms=30, jitter_ms=4, video_share=1.0), 5.0, 5.0, "excellent", "none"),
        (Link(loss=0.01, residual_loss=0.01), 4.8, 4.9, "excellent", "none"),
        (Link(loss=0.05), 4.5, 4.8, "excellent", "none"),
        (Link(loss=0.05, residual_loss=0.05), 4.0, 4.4, "good", "loss"),
        (Link(loss=0.1), 4.0, 4.4, "good", "loss"),
        (Link(loss=0.1, residual_loss=0.1), 3.5, 3.6, "good", "loss"),
        (Link(loss=0.3, residual_loss=0.1), 2.2, 2.5, "fair", "loss"),
        (Link(loss=0.3, residual_loss=0.3, rtt_ms=100), 1.5, 1.8, "poor", "loss"),
        (Link(loss=1, residual_loss=1), 0.5, 0.5, "poor", "loss"),
        (Link(rtt_ms=100), 4.9, 5.0, "excellent", "none"),
        (Link(rtt_ms=200), 4.5, 4.7, "excellent", "none"),
        (Link(rtt_ms=300), 3.8, 4.1, "good", "delay"),
        (Link(rtt_ms=400), 3.2, 3.5, "fair", "delay"),
        (Link(rtt_ms=1000), 2.0, 2.4, "fair", "delay"),
        (Link(rtt_ms=3000), 1.5, 2.0, "poor", "delay"),
        (Link(rtt_ms=50, jitter_ms=150), 3.5, 4.0, "good", "delay"),
        (Link(rtt_ms=350, loss=0.02, residual_loss=0.02), 3.1, 3.4, "fair", "delay"),
        (Link(video_share=0.6), 4.2, 4.4, "good", "bandwidth"),
        (Link(video_share=0.2), 3.1, 3.4, "fair", "bandwidth"),
        (Link(video_share=0.05), 2.2, 2.5, "fair", "bandwidth"),
        (Link(video_share=0.0), 1.0, 1.0, "poor", "bandwidth"),
        (Link(video_share=0.2, rtt_ms=300), 3.1, 3.4, "fair", "bandwidth"),
        (Link(silent_s=0.9), 5.0, 5.0, "excellent", "none"),
        (Link(silent_s=3), 2.4, 2.6, "fair", "loss"),
        (Link(silent_s=5), 0.0, 0.0, "lost", "loss"),
        (Link(silent_s=500, loss=1), 0.0, 0.0, "lost", "loss"),
    ],
)
def test_plausible_cases(link: Link, least: float, most: float, level: Level, reason: Reason) -> None:
    quality = judge(link)
    assert least <= quality.score <= most
    assert (quality.level, quality.reason) == (level, reason)


@pytest.mark.parametrize(
    ("points", "level"),
    [
        (5, "excellent"),
        (4.5, "excellent"),
        (4.49, "good"),
        (3.5, "good"),
        (3.49, "fair"),
        (2, "fair"),
        (1.99, "poor"),
        (0.01, "poor"),
        (0, "lost"),
    ],
)
def test_words(points: float, level: Level) -> None:
    assert Quality(points, "none").level == level


SHARES = st.floats(0, 1)
LINKS = st.builds(
    Link, SHARES, SHARES, st.floats(0, 1e6), st.floats(0, 1e6), st.none() | SHARES, st.floats(0, 10)
)


@given(LINKS)
def test_the_score_is_within_its_bounds(link: Link) -> None:
    quality = judge(link)
    assert 0 <= quality.score <= 5
    assert quality.score == score(link)
    assert (quality.reason == "none") == (quality.level == "excellent")
    assert (quality.level == "lost") == (quality.score == 0)


@given(
    LINKS,
    st.sampled_from(("loss", "residual_loss", "rtt_ms", "jitter_ms", "silent_s")),
    st.floats(0, 2),
)
def test_what_gets_worse_scores_no_better(link: Link, field: str, more: float) -> None:
    assert score(replace(link, **{field: getattr(link, field) + more})) <= score(link)


@given(LINKS, SHARES)
def test_more_of_the_picture_scores_no_worse(link: Link, share: float) -> None:
    if link.video_share is not None:
        assert score(replace(link, video_share=max(share, link.video_share))) >= score(link)


def test_numbers_out_of_range_do_no_harm() -> None:
    wild = Link(loss=-1, residual_loss=7, rtt_ms=-5, jitter_ms=-1, video_share=3, silent_s=-1)
    assert 0 <= score(wild) <= 5
    assert score(Link(loss=-1, rtt_ms=-5, video_share=3, silent_s=-1)) == 5.0
