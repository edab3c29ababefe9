"""How good one direction of a participant's connection is, in one number, one word and one reason.

Speech is judged by the E-model (ITU-T G.107): from 93.2 points are taken what delay and what loss cost, and the
rest becomes an opinion score. A picture is judged by how much of what was asked for comes. A direction is as good
as the worse of the two, a connection as the worse of its directions.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["excellent", "good", "fair", "poor", "lost"]
Reason = Literal["loss", "delay", "bandwidth", "none"]

BEST: Final = 5.0
# However bad it is, while packets come it is not lost.
_LEAST = 0.5
# Nothing at all for so long is a connection that is gone; up to the first limit it is chance.
LOST_AFTER_S: Final = 5.0
_QUIET_S = 1.0
_LEVELS: Final[tuple[tuple[float, Level], ...]] = ((4.5, "excellent"), (3.5, "good"), (2.0, "fair"))

# G.107: the rating without any impairment, and the opinion it stands for.
_BEST_RATING = 93.2
_BEST_OPINION = 4.409
# Opus conceals loss and carries a copy of the last frame (FEC): halfway between G.711 with concealment of
# random loss (25.1 in G.113) and what listeners grant Opus with FEC.
_LOSS_ROBUSTNESS = 25.0
# What was repaired came late, and the next repair may not come: it counts half.
_REPAIRED_SHARE = 0.5
# From mouth to ear a sentence crosses two such connections, a frame of 20 ms and 40 ms of jitter buffer.
_OWN_DELAY_MS = 60.0
# A fifth of the bitrate is the next smaller picture, worth 3.3; nothing at all is worth 1.
_SHARE_EXPONENT = 0.35


@dataclass(frozen=True, slots=True)
class Link:
    """What was measured of one direction during an interval of some seconds.

    `loss` is the part of the packets that did not come at first, `residual_loss` the part that never came (after
    retransmission; Opus FEC is not counted as repair). `video_share` is 0 to 1: the bitrate of the layers that
    were sent of those that were asked for, None where no video is asked for; not of the bits that came, for a
    still picture has few.
    `silent_s` is the time since the last packet of any kind, reports and connectivity checks included, so that
    a muted participant is not taken for a lost one.
    """

    loss: float = 0.0
    residual_loss: float = 0.0
    rtt_ms: float = 0.0
    jitter_ms: float = 0.0
    video_share: float | None = None
    silent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Quality:
    """A score from 0 (lost) to 5 (perfect), and what costs the most of it."""

    score: float
    reason: Reason

    @property
    def level(self) -> Level:
        """The word for the score."""
        if self.score <= 0:
            return "lost"
        return next((word for least, word in _LEVELS if self.score >= least), "poor")


def judge(link: Link) -> Quality:
    """The score of a direction with its reason: "none" while it is excellent."""
    value = score(link)
    if value >= _LEVELS[0][0]:
        return Quality(value, "none")
    if link.silent_s > _QUIET_S:
        return Quality(value, "loss")
    alone: tuple[tuple[float, Reason], ...] = (
        (_speech(_loss_impairment(link)), "loss"),
        (_speech(_delay_impairment(link)), "delay"),
        (_picture(link.video_share), "bandwidth"),
    )
    return Quality(value, min(alone, key=lambda one: one[0])[1])


def score(link: Link) -> float:
    """From 0 to 5, two decimals."""
    speech = _speech(_loss_impairment(link) + _delay_impairment(link))
    picture = _picture(link.video_share)
    present = _unit((LOST_AFTER_S - link.silent_s) / (LOST_AFTER_S - _QUIET_S))
    return round(max(min(speech, picture), _LEAST) * present, 2)


def _speech(impairment: float) -> float:
    """A rating less impairments as opinion (G.107, annex B), stretched to 0 - 5."""
    rating = max(_BEST_RATING - impairment, 0.0)
    opinion = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return max(opinion - 1, 0.0) / (_BEST_OPINION - 1) * BEST


def _loss_impairment(link: Link) -> float:
    """Ie-eff of G.107, 7.5, for random loss and a codec without impairment of its own."""
    residual = _unit(link.residual_loss)
    repaired = max(_unit(link.loss) - residual, 0.0)
    percent = 100 * (residual + repaired * _REPAIRED_SHARE)
    return 95 * percent / (percent + _LOSS_ROBUSTNESS)


def _delay_impairment(link: Link) -> float:
    """Idd of G.107, 7.4: what is lost of a conversation, from 100 ms on."""
    delay_ms = link.rtt_ms + 2 * link.jitter_ms + _OWN_DELAY_MS
    if not delay_ms > 100:
        return 0.0
    doublings = math.log2(min(delay_ms, 10_000.0) / 100)
    return 25 * (_sixth_root(1 + doublings**6) - 3 * _sixth_root(1 + (doublings / 3) ** 6) + 2)


def _sixth_root(value: float) -> float:
    return math.cbrt(math.sqrt(value))


def _picture(video_share: float | None) -> float:
    if video_share is None:
        return BEST
    return 1 + (BEST - 1) * math.pow(_unit(video_share), _SHARE_EXPONENT)


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
