"""What a bad line does to packets, one direction of it: no socket and no clock, the time passed in.

A packet first waits for the bottleneck (rate and queue), is then lost or not, and travels for the delay.
"""

import random
from dataclasses import asdict, dataclass

# Jitter comes from other people's queues, which fill and drain: a wave between random heights this far apart.
# Drawn anew for each packet it would reorder them all; kept in order, it would be no more than a longer delay.
JITTER_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Impairment:
    """How a direction of a line is; the defaults are a clean line, `loss=1` is a cut one."""

    loss: float = 0.0
    """Share of the packets that is lost, 0 to 1."""
    burst: float = 0.0
    """Mean number of packets lost in a row (Gilbert's model); 0 loses each for itself."""
    delay_ms: float = 0.0
    """Time on the way."""
    jitter_ms: float = 0.0
    """How far the delay swings to either side. Packets stay in order."""
    reorder: float = 0.0
    """Share of the packets that is held back, so that later ones overtake them."""
    reorder_ms: float = 20.0
    """For how long."""
    duplicate: float = 0.0
    """Share of the packets that comes twice."""
    rate_bps: float | None = None
    """The bottleneck, counted over IP packets; None is none."""
    queue_ms: float = 300.0
    """The longest wait before the bottleneck; a packet that would wait longer is dropped."""


@dataclass(slots=True)
class Counts:
    """What became of the packets of one direction."""

    sent: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    lost: int = 0
    overflowed: int = 0
    duplicated: int = 0
    reordered: int = 0

    def since(self, before: "Counts") -> "Counts":
        """What was added after an earlier reading."""
        earlier = asdict(before)
        return Counts(**{name: number - earlier[name] for name, number in asdict(self).items()})


class Channel:
    """One direction of a line: says when each packet comes out, the same for the same seed and packets."""

    def __init__(self, seed: int) -> None:
        self.counts = Counts()
        self._random = random.Random(seed)
        self._is = Impairment()
        self._in_burst = False
        self._free_at = 0.0
        self._last_at = 0.0
        self._wave = (0.0, 0.0)
        self._wave_at = 0.0

    def set(self, impairment: Impairment) -> None:
        """Be like this from the next packet on; what is on the way arrives as it would have."""
        self._is = impairment

    def departures(self, now: float, size: int) -> list[float]:
        """When a packet of `size` bytes that enters now comes out: never, once or twice. Seconds."""
        self.counts.sent += 1
        passed_at = self._through_bottleneck(now, size)
        if passed_at is None:
            self.counts.overflowed += 1
            return []
        if self._is_lost():
            self.counts.lost += 1
            return []
        copies = 1 + self._happens(self._is.duplicate)
        self.counts.duplicated += copies - 1
        self.counts.delivered += copies
        self.counts.delivered_bytes += copies * size
        return [self._arrival(passed_at)] * copies

    def _through_bottleneck(self, now: float, size: int) -> float | None:
        if self._is.rate_bps is None:
            return now
        wait_s = max(0.0, self._free_at - now)
        if wait_s * 1000 > self._is.queue_ms:
            return None
        self._free_at = now + wait_s + size * 8 / self._is.rate_bps
        return self._free_at

    def _is_lost(self) -> bool:
        """Gilbert: all is lost in the bad state; the ways in and out give the mean loss and the mean burst."""
        loss, burst = self._is.loss, self._is.burst
        if not burst or loss >= 1:
            return self._happens(loss)
        into_burst = loss / (1 - loss) / burst
        self._in_burst = not self._happens(1 / burst) if self._in_burst else self._happens(into_burst)
        return self._in_burst

    def _arrival(self, passed_at: float) -> float:
        at = passed_at + (self._is.delay_ms + self._is.jitter_ms * self._swing(passed_at)) / 1000
        if self._happens(self._is.reorder):
            self.counts.reordered += 1
            return at + self._is.reorder_ms / 1000
        self._last_at = max(at, self._last_at)
        return self._last_at

    def _swing(self, at: float) -> float:
        """The height of the wave, -1 to 1."""
        while at >= self._wave_at + JITTER_STEP_S:
            idle = at >= self._wave_at + 10 * JITTER_STEP_S
            self._wave_at = at if idle else self._wave_at + JITTER_STEP_S
            self._wave = (self._wave[1], self._random.uniform(-1, 1))
        share = (at - self._wave_at) / JITTER_STEP_S
        return self._wave[0] + share * (self._wave[1] - self._wave[0])

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share
