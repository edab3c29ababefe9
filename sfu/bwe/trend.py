"""The trend of the one-way delay: whether a queue grows on the way (draft-ietf-rmcat-gcc-02, 5.3 and 5.4)."""

from collections import deque
from enum import Enum
from math import inf
from typing import Final

from sfu.bwe.line import Line

# Packets that leave within this time are one sample.
BURST_S: Final = 0.005
# The samples that the line is laid through: their number, and their age in ms.
MOST_SAMPLES: Final = 60
MOST_AGE_MS: Final = 1000.0
# Fewer show no more than the queue of a single frame.
LEAST_SAMPLES: Final = 6
LEAST_SPAN_MS: Final = 200.0
SMOOTHING: Final = 0.85
# From a slope to what is compared with the threshold, as libwebrtc scales it: 60 samples and a gain of 4.
GAIN_MS: Final = 240.0
# 10 ms are a queue that grows by 40 ms a second. At libwebrtc's least, 6 ms, a flow that fills the queue by itself
# (TCP) is overuse all the time, and we would leave the link to it.
THRESHOLD_MS, LEAST_THRESHOLD_MS, MOST_THRESHOLD_MS = 12.5, 10.0, 600.0
GAIN_UP, GAIN_DOWN = 0.0087, 0.039
# A jump this far beyond the threshold says nothing about the jitter and does not move it.
MOST_OFFSET_MS: Final = 15.0
# A queue shorter than this is none: jitter has a trend too, but its shortest delays stay what they were.
LEAST_QUEUE_MS: Final = 35.0
# A queue longer than this that does not shrink, while packets are lost, is overuse too: a full one cannot grow.
STANDING_QUEUE_MS: Final = 120.0
RECENT_MS: Final = 200.0
# The shortest delay is remembered so long, and at most twice as long: clocks drift, routes change, and while a
# queue is thought to stand nothing is probed.
BASE_S: Final = 4.0
JITTER_SHARE: Final = 0.03
# A leap of the receiver's clock, or of the route: begin anew.
MOST_LEAP_MS: Final = 3000.0


class Usage(Enum):
    """What the delay says of the link: a queue grows, shrinks, or neither."""

    NORMAL = "normal"
    OVERUSE = "overuse"
    UNDERUSE = "underuse"


class DelayTrend:
    """Follows the delay of bursts and tells the usage of the link once for each feedback message.

    Only differences of the delay count, so the clocks need not agree. `slope` is in ms of delay per ms,
    `jitter_ms` how much the delay mostly differs from one burst to the next.
    """

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.slope = 0.0
        self.jitter_ms = 0.0
        self.threshold_ms = THRESHOLD_MS
        # Of each sample the time of arrival, the smoothed delay and the delay itself, in ms.
        self._samples: deque[tuple[float, float, float]] = deque()
        self._line = Line()
        self._origin: tuple[float, float] | None = None
        self._smoothed = self._delay = 0.0
        self._burst_at = -inf
        self._base, self._former_base, self._base_since = 0.0, 0.0, 0.0
        self._adapted_at: float | None = None

    def add(self, sent_at: float, first_tick: int) -> None:
        """A group left at `sent_at` (s) and the first of it arrived at `first_tick` (250 µs).

        The first of a burst tells what was queued before it; the last would tell of the burst's own length,
        which changes with every keyframe and layer.
        """
        if sent_at - self._burst_at > BURST_S:
            self._burst_at = sent_at
            self._sample(sent_at, first_tick * 0.25)

    def _sample(self, sent_at: float, arrival_ms: float) -> None:
        if self._origin is None:
            self._begin(sent_at, arrival_ms)
        assert self._origin is not None
        x = arrival_ms - self._origin[1]
        delay = x - (sent_at - self._origin[0]) * 1000
        if abs(delay - self._delay) > MOST_LEAP_MS:
            self._begin(sent_at, arrival_ms)
            x = delay = 0.0
        self.jitter_ms += JITTER_SHARE * (abs(delay - self._delay) - self.jitter_ms)
        self._delay = delay
        self._smoothed += (1 - SMOOTHING) * (delay - self._smoothed)
        if delay < self._base:
            self._base = delay
        self._samples.append((x, self._smoothed, delay))
        self._line.add(x, self._smoothed)
        if len(self._samples) > MOST_SAMPLES:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        time, smoothed, _ = self._samples.popleft()
        self._line.drop(time, smoothed)

    def _begin(self, sent_at: float, arrival_ms: float) -> None:
        self._origin = (sent_at, arrival_ms)
        self._clear()
        self._smoothed = self._delay = self._base = self._former_base = 0.0

    def update(self, losing: bool, now: float) -> Usage:
        """Judge what was added since the last call; `losing` tells whether packets were lost lately."""
        samples = self._samples
        while samples and samples[-1][0] - samples[0][0] > MOST_AGE_MS:
            self._drop_oldest()
        if len(samples) < LEAST_SAMPLES or samples[-1][0] - samples[0][0] < LEAST_SPAN_MS:
            self.usage, self.slope = Usage.NORMAL, 0.0
            return self.usage
        if now - self._base_since > BASE_S:
            self._former_base, self._base, self._base_since = self._base, self._recent(), now
            self._lay_anew()
        self.slope = self._line.slope
        self._judge(self.slope * GAIN_MS, losing, now)
        return self.usage

    @property
    def queue_ms(self) -> float:
        """How much the shortest of the recent delays is above the shortest of the last seconds."""
        return self._recent() - min(self._base, self._former_base) if self._samples else 0.0

    def _recent(self) -> float:
        """The shortest of the recent delays."""
        since, shortest = self._samples[-1][0] - RECENT_MS, inf
        for time, _, delay in reversed(self._samples):
            if time < since:
                break
            shortest = min(shortest, delay)
        return shortest

    def _lay_anew(self) -> None:
        """Sums that points were taken from for hours would not be exact."""
        self._line.clear()
        for time, smoothed, _ in self._samples:
            self._line.add(time, smoothed)

    def _judge(self, trend_ms: float, losing: bool, now: float) -> None:
        grows = trend_ms > self.threshold_ms and self.queue_ms > LEAST_QUEUE_MS
        stands = losing and trend_ms > -LEAST_THRESHOLD_MS and self.queue_ms > STANDING_QUEUE_MS
        if grows or stands:
            self.usage = Usage.OVERUSE
        else:
            self.usage = Usage.UNDERUSE if trend_ms < -self.threshold_ms else Usage.NORMAL
        self._adapt(abs(trend_ms), now)

    def _adapt(self, magnitude_ms: float, now: float) -> None:
        """Let the threshold follow the jitter, or flows that fill every queue would starve us."""
        passed_ms = min(100.0, (now - self._adapted_at) * 1000) if self._adapted_at is not None else 0.0
        self._adapted_at = now
        excess = magnitude_ms - self.threshold_ms
        if excess <= MOST_OFFSET_MS:
            gain = GAIN_UP if excess > 0 else GAIN_DOWN
            threshold = self.threshold_ms + gain * excess * passed_ms
            self.threshold_ms = min(MOST_THRESHOLD_MS, max(LEAST_THRESHOLD_MS, threshold))

    def forget(self) -> None:
        """The rate has changed: only what is sent from now on tells whether it fits. The base is kept."""
        self._clear()
        self.usage = Usage.NORMAL

    def _clear(self) -> None:
        self._samples.clear()
        self._line.clear()
