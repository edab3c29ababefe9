"""What one link bears: everything that the far end says of it, joined to one figure."""

from math import inf
from typing import Final

from sfu.bwe.loss import LossControl
from sfu.bwe.prober import Probe, Prober
from sfu.bwe.rate import INCREASE, RateControl
from sfu.bwe.sent import GroupFate, SentLog
from sfu.bwe.throughput import Throughput
from sfu.bwe.trend import DelayTrend, Usage
from sfu.transport_feedback import TransportFeedback

START_BPS: Final = 1_000_000
FLOOR_BPS: Final = 30_000
CEILING_BPS: Final = 20_000_000
# Before the first measurement, and the share of a new one.
RTT_S: Final = 0.1
RTT_SHARE: Final = 0.125
MOST_RTT_S: Final = 5.0
# More than this is no chance: where a queue is full, packets are lost.
LOSING: Final = 0.05
# Without feedback for so long, while we send, the link may be gone: half the rate each second.
SILENCE_S: Final = 2.0
HALVING_S: Final = 1.0
# What is lost while nothing at all arrives says nothing about the rate.
OUTAGE_S: Final = 1.0
# After a decrease, while the queue drains, a probe would only fill it again.
CALM_S: Final = 2.0
# A queue that grows faster than this is about to be overuse.
CALM_SLOPE: Final = 0.02
# Less than this is no loss to speak of.
QUIET_LOSS: Final = 0.01
# Loss in reports of receivers without transport-wide feedback (draft-ietf-rmcat-gcc-02, 6).
HIGH_LOSS, LOW_LOSS = 0.1, 0.02


class LinkEstimator:
    """The estimate for what we send to one subscriber, over all its streams.

    Call `sent` for each group of packets that leaves, with what probes add; `feedback`, `receiver_report` and
    `remb` with what comes back; `tick` a few times a second; `probe` as often, with what would be sent if the
    link bore it. Then `bitrate_bps` is what may be sent altogether, retransmissions included. Bytes are counted
    as the caller likes, always alike. Times are seconds of one steady clock.
    """

    def __init__(
        self, start_bps: float = START_BPS, floor_bps: float = FLOOR_BPS, ceiling_bps: float = CEILING_BPS
    ) -> None:
        self.rtt_s = RTT_S
        self.messages = 0
        self._floor_bps, self._ceiling_bps = floor_bps, ceiling_bps
        self._log = SentLog()
        self._trend = DelayTrend()
        self._throughput = Throughput()
        self._rate = RateControl(start_bps, floor_bps, ceiling_bps)
        self._losses = LossControl()
        self._prober = Prober()
        self._remb_bps = inf
        self._recovered = 0
        self._heard_at: float | None = None
        self._halved_at = -inf
        self._overused = False
        self._reported_at: float | None = None
        self._reported_rtt = False
        self._reported_loss = 0.0
        # (first_number, count, octets, now): at least one packet, bytes altogether; numbers modulo 2**16 that
        # follow each other over all streams. Not a method of its own, for it is called for each group that leaves.
        self.sent = self._log.sent

    # What comes back

    def feedback(self, message: TransportFeedback, now: float) -> None:
        """The receiver tells what became of packets."""
        fates = self._log.match(message)
        if not fates:
            return
        self.messages += 1
        resumed = self._heard_at is not None and now - self._heard_at > OUTAGE_S
        self._heard_at = now
        self._measure(fates, resumed, now)
        proven = self.proven_bps
        usage = self._trend.update(self._losses.loss > LOSING, now)
        self._overused = self._rate.update(usage, self._trend.slope, proven, self.rtt_s, now)
        if self._overused:
            self._trend.forget()
            self._prober.overused(now, CALM_S)
        may_try = now - self._rate.decreased_at > 1.0
        self._losses.update(self._throughput.rate_bps, self._rate.bitrate_bps, may_try, self.rtt_s, now)
        jitter_s = self._trend.jitter_ms / 1000
        shown = self._prober.add(fates, self._losses.inherent, jitter_s, now)
        if shown is not None:
            self._raise_to(shown)

    def _raise_to(self, shown_bps: float) -> None:
        # What the probe itself has queued is no sign that the media is more than the link bears.
        self._trend.forget()
        self._rate.raise_to(shown_bps)
        self._losses.raise_to(shown_bps)

    def _measure(self, fates: list[GroupFate], resumed: bool, now: float) -> None:
        packets = arrived = 0
        octets, last_tick, sent_at = 0.0, 0, 0.0
        add = self._trend.add
        for left_at, count, _, came, came_octets, first_tick, last_of_group in fates:
            packets += count
            if came:
                arrived += came
                octets += came_octets
                sent_at, last_tick = left_at, last_of_group
                add(left_at, first_tick)
        log = self._log
        if not resumed:
            self._losses.add(packets, packets - arrived - log.recovered + self._recovered)
        self._recovered = log.recovered
        if arrived:
            # Packets of which no message told are taken to have fared like the others.
            skipped, log.skipped_octets = log.skipped_octets * (1 - self._losses.loss), 0.0
            self._throughput.add(octets + skipped, last_tick)
            if not self._reported_rtt:
                self._take_rtt(now - sent_at)

    def receiver_report(self, fraction_lost: float, rtt_s: float | None, now: float) -> None:
        """A receiver report: the share (0..1) lost since the last one, and the round trip if it tells.

        The loss counts for receivers that send no transport-wide feedback, the round trip for all.
        """
        if rtt_s is not None:
            self._reported_rtt = True
            self._take_rtt(rtt_s)
        if self._heard_at is not None:
            return
        passed = min(1.0, now - self._reported_at) if self._reported_at is not None else 0.0
        self._reported_at = now
        self._reported_loss = min(1.0, max(0.0, fraction_lost))
        self._follow_reports(passed)

    def _follow_reports(self, passed_s: float) -> None:
        bitrate = self._rate.bitrate_bps
        if self._reported_loss > HIGH_LOSS:
            self._rate.lower_to(bitrate * (1 - 0.5 * self._reported_loss))
        elif self._reported_loss < LOW_LOSS:
            self._rate.raise_to(min(self._remb_bps, bitrate * INCREASE**passed_s))

    def remb(self, bitrate_bps: float) -> None:
        """The receiver's own estimate: never more than this, from now on."""
        self._remb_bps = max(self._floor_bps, bitrate_bps)
        if self._heard_at is None:
            self._rate.lower_to(self._remb_bps)

    def _take_rtt(self, rtt_s: float) -> None:
        if 0 < rtt_s < MOST_RTT_S:
            self.rtt_s += RTT_SHARE * (rtt_s - self.rtt_s)

    # Time

    def tick(self, now: float) -> None:
        """Lower the rate while nothing comes back for what we send."""
        if self._heard_at is None or now - self._heard_at <= SILENCE_S or now - self._halved_at <= HALVING_S:
            return
        if self._log.is_awaiting(now, SILENCE_S):
            self._halved_at = now
            self._rate.lower_to(self._rate.bitrate_bps / 2)

    def probe(self, now: float, wanted_bps: float) -> Probe | None:
        """What to send besides the media to learn whether the link bears `wanted_bps` altogether; None mostly."""
        if not self._is_calm(now):
            return None
        return self._prober.due(now, wanted_bps, self.bitrate_bps, self._ceiling_bps)

    def _is_calm(self, now: float) -> bool:
        if self._heard_at is None:
            # One probe asks whether there is feedback at all.
            return self._prober.count == 0 and self._reported_at is None
        if self._losses.trying or self._trend.usage is Usage.OVERUSE or self._trend.slope > CALM_SLOPE:
            return False
        if self._losses.is_great and self._losses.bound_bps < self._rate.bitrate_bps:
            return False
        return now - self._rate.decreased_at > CALM_S and now - self._heard_at < 1.0

    # What is known

    @property
    def bitrate_bps(self) -> float:
        """What may be sent altogether."""
        bound = min(self._rate.bitrate_bps, self._losses.bound_bps, self._remb_bps)
        return max(self._floor_bps, bound)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is tried, lost or queued that feedback would have to tell of soon."""
        if self._heard_at is None or self._prober.is_under_way or self._losses.trying:
            return False
        calm = self._trend.usage is Usage.NORMAL and self._trend.slope < CALM_SLOPE
        return calm and self._losses.loss < QUIET_LOSS

    @property
    def proven_bps(self) -> float | None:
        """What lately came through the link, its own losses added; None before it is known."""
        arrived = self._throughput.rate_bps
        return None if arrived is None else arrived / (1 - min(0.9, self._losses.inherent))

    @property
    def loss(self) -> float:
        """The share of packets lost lately, 0..1."""
        return self._losses.loss if self._heard_at is not None else self._reported_loss

    @property
    def queue_ms(self) -> float:
        """How much longer the way takes than at its best, in ms."""
        return self._trend.queue_ms

    @property
    def unknown(self) -> int:
        """Packets that feedback told of though they were not sent, or told of before."""
        return self._log.unknown

    @property
    def state(self) -> str:
        """What leads the estimate, for statistics: start, reports, overuse, remb, loss or delay."""
        if self._heard_at is None:
            return "start" if self._reported_at is None else "reports"
        if self._overused:
            return "overuse"
        if self._remb_bps < min(self._rate.bitrate_bps, self._losses.bound_bps):
            return "remb"
        return "loss" if self._losses.bound_bps < self._rate.bitrate_bps else "delay"
