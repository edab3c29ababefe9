"""Probing: a short burst above the estimate shows whether the link bears more, when media alone would not."""

from dataclasses import dataclass
from math import ceil, inf
from typing import Final

from sfu.bwe.sent import GroupFate
from sfu.transport_feedback import TICK_S

# Longer than the pause between two frames, in which a link looks empty, and enough for the jitter of a line;
# a link that bears no more than the estimate queues 50 ms of packets at twice its rate.
DURATION_S: Final = 0.05
# Fewer bytes are lost among the larger packets of other flows.
LEAST_TOTAL: Final = 3000
LEAST_PACKETS: Final = 6
MOST_OCTETS: Final = 1100
# How far above the estimate: while it is unknown what the link bears, and after it has shown a bound.
BOLD, CAREFUL = 3.0, 2.0
# More than what is wanted need not be shown, but a little more makes the estimate reach it; likewise.
BOLD_WANTED, CAREFUL_WANTED = 1.4, 1.1
# A probe that showed less than this beyond the estimate is not followed at once by the next.
USEFUL: Final = 1.1
INTERVAL_S: Final = 5.0
RETRY_S: Final = 0.5
REACHED_S: Final = 2.0
# After a raise that the link did not bear for so long the next probe waits longer.
PROOF_S: Final = 5.0
REPENT_S: Final = 10.0
# By then every packet is told of, or never.
TIMEOUT_S: Final = 2.0
# Of a link that carried less than was sent so much of what came through is believed, as after overuse, and
# so much more than the estimate: a burst takes more than its share from the other flows.
SATURATED: Final = 0.9
BELIEVED: Final = 0.85
MOST_RAISE: Final = 1.25
MOST_JITTER_SHARE: Final = 0.3
# How much more than was seen is believed for the sake of jitter.
MOST_BENEFIT: Final = 1.15
# Fewer arrivals say nothing about the rate.
LEAST_ARRIVED: Final = 0.8


@dataclass(frozen=True, slots=True)
class Probe:
    """What to send besides the media: `packets` of `octets` bytes each, one every `interval_s` seconds.

    Their rate is `bitrate_bps`. The times need not be kept exactly: the rate is judged by when the packets left,
    media sent meanwhile among them. `octets` counts as in `LinkEstimator.sent`.
    """

    bitrate_bps: int
    packets: int
    octets: int
    interval_s: float


class _Cluster:
    """What left from `began_at` on until it is `goal_octets`, media too."""

    def __init__(self, began_at: float, probe: Probe) -> None:
        self.began_at = began_at
        self.bitrate_bps = probe.bitrate_bps
        self.goal_octets = probe.packets * probe.octets * 0.95
        self.octets = self.arrived_octets = 0.0
        self._last_octets = self._first_packet = 0.0
        self._first_sent = self._last_sent = 0.0
        self._first_tick = self._last_tick = 0

    @property
    def complete(self) -> bool:
        return self.octets >= self.goal_octets

    def add(self, fate: GroupFate) -> None:
        if fate.sent_at < self.began_at or self.complete:
            return
        if not self.octets:
            self._first_sent = fate.sent_at
        self.octets += fate.octets
        self._last_sent, self._last_octets = fate.sent_at, fate.octets
        if fate.arrived:
            if not self.arrived_octets:
                self._first_tick, self._first_packet = fate.first_tick, fate.octets / fate.packets
                self._last_tick = fate.last_tick
            self.arrived_octets += fate.arrived_octets
            self._last_tick = max(self._last_tick, fate.last_tick)

    def result(self, inherent_loss: float, jitter_s: float) -> tuple[float, bool]:
        """What the link carried, and whether that was all it could. 0 when nothing can be said."""
        share = self.arrived_octets / (self.octets * (1 - inherent_loss)) if inherent_loss < 1 else 0.0
        arrival_s = (self._last_tick - self._first_tick) * TICK_S
        if share < LEAST_ARRIVED or arrival_s <= 0:
            return 0.0, True
        sending_s = self._last_sent - self._first_sent
        sent = (self.octets - self._last_octets) * 8 / sending_s if sending_s > 0 else inf
        sent = min(sent, float(self.bitrate_bps))
        bits = (self.arrived_octets - self._first_packet) * 8 / (1 - inherent_loss)
        # Jitter lengthens the way of some packet, and those behind it wait: that is not the link's bound.
        least_s = arrival_s - min(jitter_s, MOST_JITTER_SHARE * arrival_s)
        if bits / least_s < SATURATED * sent:
            return bits / arrival_s, True
        return min(sent, bits / least_s, MOST_BENEFIT * bits / arrival_s), False


class Prober:
    """Plans probes and reads their results. One is under way at a time.

    A probe that came through is soon followed by the next, as long as more is wanted; one that met the bound of
    the link by the next after five seconds, as the bound may have moved.
    """

    def __init__(self) -> None:
        self.count = 0
        self._cluster: _Cluster | None = None
        self._next_at = -inf
        self._bold = True
        self._estimate_bps = self._wanted_bps = 0.0
        self._raised_at = -inf

    @property
    def is_under_way(self) -> bool:
        """Whether feedback about a probe is awaited."""
        return self._cluster is not None

    def due(self, now: float, wanted_bps: float, estimate_bps: float, ceiling_bps: float) -> Probe | None:
        """A probe to send now, if more is wanted than is estimated and its time has come."""
        if self._cluster is not None and now - self._cluster.began_at > TIMEOUT_S:
            self._cluster = None
            self._next_at = now + RETRY_S
        wanted_bps = min(wanted_bps, ceiling_bps)
        if self._cluster is not None or now < self._next_at or wanted_bps <= estimate_bps:
            return None
        scale, wanted = (BOLD, BOLD_WANTED) if self._bold else (CAREFUL, CAREFUL_WANTED)
        bitrate_bps = min(scale * estimate_bps, wanted * wanted_bps)
        probe = _plan(bitrate_bps)
        self._cluster = _Cluster(now, probe)
        self._estimate_bps, self._wanted_bps = estimate_bps, wanted_bps
        self.count += 1
        return probe

    def overused(self, now: float, rest_s: float) -> None:
        """The link has just shown a bound: no probe for `rest_s`, and longer if a probe had led beyond it."""
        self._cluster = None
        self._bold = False
        self._next_at = max(self._next_at, now + rest_s)
        if now - self._raised_at < PROOF_S:
            self._next_at = max(self._next_at, now + REPENT_S)

    def add(self, fates: list[GroupFate], inherent_loss: float, jitter_s: float, now: float) -> float | None:
        """Read what became of the probe's packets; the rate in bit/s it has proven, once it is known."""
        cluster = self._cluster
        if cluster is None:
            return None
        for fate in fates:
            cluster.add(fate)
        if not cluster.complete:
            return None
        rate_bps, saturated = cluster.result(inherent_loss, jitter_s)
        self._cluster = None
        # Perhaps the link does not bear what was tried, but what is wanted.
        again = self._bold and rate_bps > CAREFUL_WANTED * self._wanted_bps
        if saturated:
            rate_bps = min(BELIEVED * rate_bps, MOST_RAISE * self._estimate_bps)
        self._conclude(rate_bps, not saturated or again, now)
        self._bold = not saturated
        return rate_bps

    def _conclude(self, rate_bps: float, hopeful: bool, now: float) -> None:
        useful = rate_bps > USEFUL * self._estimate_bps
        # When what was wanted can now be sent, it must prove itself before more is tried.
        pause_s = RETRY_S if rate_bps < self._wanted_bps else REACHED_S
        self._next_at = now + (pause_s if useful and hopeful else INTERVAL_S)
        if useful:
            self._raised_at = now


def _plan(bitrate_bps: float) -> Probe:
    total = max(LEAST_TOTAL, bitrate_bps * DURATION_S / 8)
    packets = max(LEAST_PACKETS, ceil(total / MOST_OCTETS))
    octets = ceil(total / packets)
    return Probe(round(bitrate_bps), packets, octets, octets * 8 / bitrate_bps)
