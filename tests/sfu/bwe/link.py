"""A bottleneck in virtual time, with flows that follow their estimates: no sockets, no clock, no chance but a seed."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random

from sfu import rtcp
from sfu.bwe.arrivals import ArrivalLog
from sfu.bwe.estimator import LinkEstimator
from sfu.transport_feedback import TransportFeedback

PACKET_OCTETS = 1100
# Audio, then one video layer more at each step (bit/s altogether).
LAYERS_BPS = (30_000, 180_000, 680_000, 1_880_000, 4_380_000)
MOST_QUEUE_S = 0.3


class World:
    """Events in the order of their time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.began = self.now
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, time: float, do: Callable[[], None]) -> None:
        heappush(self._events, (time, next(self._order), do))

    def every(self, interval_s: float, do: Callable[[], None], delay_s: float = 0.0) -> None:
        def step() -> None:
            do()
            self.at(self.now + interval_s, step)

        self.at(self.now + delay_s, step)

    def run(self, seconds: float) -> None:
        """Until so long after the beginning."""
        end = self.began + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, do = heappop(self._events)
            do()
        self.now = end


class Swing:
    """A delay that wanders to either side, to another place every tenth of a second, as on a shared radio."""

    def __init__(self, most_s: float, seed: int) -> None:
        self._most_s, self._random = most_s, Random(seed)
        self._step, self._from, self._to = 0, 0.0, 0.0

    def at(self, now: float) -> float:
        """How much longer the way is than at its best; always the same for `most_s` 0."""
        step, share = divmod(now, 0.1)
        while self._step < step:
            self._step += 1
            self._from, self._to = self._to, self._random.uniform(0, 2) * self._most_s
        return self._from + share * 10 * (self._to - self._from)


class Link:
    """A drop-tail queue before a line of some capacity, then the way: delay, jitter, chance losses."""

    def __init__(
        self,
        world: World,
        capacity_bps: float,
        delay_s: float = 0.05,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        queue_s: float = MOST_QUEUE_S,
        seed: int = 1,
    ) -> None:
        self.world = world
        self.capacity_bps = capacity_bps
        self.swing = Swing(0.0, seed)
        self.delay_s, self.jitter_s, self.loss, self.queue_s = delay_s, jitter_s, loss, queue_s
        self.down = False
        self.stalled_until = 0.0
        self._bits = 0.0
        self._at = world.now
        self._last_arrival = 0.0
        self._random = Random(seed)

    def queue_now_s(self) -> float:
        now = self.world.now
        self._bits = max(0.0, self._bits - (now - self._at) * self.capacity_bps)
        self._at = now
        return self._bits / self.capacity_bps

    def change(self, capacity_bps: float) -> None:
        """From now on; what is queued keeps the times it was given."""
        self._bits = self.queue_now_s() * capacity_bps
        self.capacity_bps = capacity_bps

    def send(self, octets: int) -> tuple[float | None, float]:
        """When a packet sent now arrives, None if it is lost; and how long it queued."""
        queued = self.queue_now_s()
        if self.down or queued > self.queue_s:
            return None, queued
        self._bits += octets * 8
        if self._random.random() < self.loss:
            return None, queued
        jitter = min(1.0, abs(self._random.gauss(0, 0.4))) * self.jitter_s
        way = self.delay_s + jitter + self.swing.at(self.world.now)
        arrival = self.world.now + self._bits / self.capacity_bps + way
        self._last_arrival = max(self._last_arrival, arrival, self.stalled_until)
        return self._last_arrival, queued


class Flow:
    """A sender that follows its estimate, and its receiver, whose clock may be wrong."""

    def __init__(
        self,
        link: Link,
        layers: Sequence[int] | None = None,
        start_s: float = 0.0,
        feedback_s: float = 0.1,
        feedback_loss: float = 0.0,
        skew: float = 0.0,
        first_number: int = 0,
        least_bps: float = 0.0,
        start_bps: float = 1_000_000,
        seed: int = 2,
    ) -> None:
        self.link, self.world, self.layers = link, link.world, layers
        self.estimator = LinkEstimator(start_bps)
        self.paused = False
        self.feedback_loss, self.skew, self.least_bps = feedback_loss, skew, least_bps
        # One entry per packet: (sent, octets, arrival or None, seconds queued), and per 100 ms the estimate.
        self.packets: list[tuple[float, int, float | None, float]] = []
        self.estimates: list[tuple[float, float]] = []
        self._log = ArrivalLog(1, 2)
        self._number = first_number
        self._random = Random(seed)
        self._carry = 0.0
        world = self.world
        world.every(1 / 30, self._send_frame, start_s)
        world.every(0.02, self._send_audio, start_s + 0.003)
        world.every(feedback_s, self._report, start_s + 0.05)
        world.every(0.1, self._tick, start_s + 0.1)

    # Sending

    def target_bps(self) -> float:
        estimate = max(self.estimator.bitrate_bps, self.least_bps)
        if self.layers is None:
            return estimate
        return max((rate for rate in self.layers if rate <= estimate), default=self.layers[0])

    def wanted_bps(self) -> float:
        if self.layers is None:
            return 20_000_000
        above = [rate for rate in self.layers if rate > self.target_bps()]
        return above[0] if above else 0

    def _send_audio(self) -> None:
        self._send(1, 75)

    def _send_frame(self) -> None:
        if self.paused:
            return
        self._carry += max(0.0, self.target_bps() - 30_000) / 30 / 8
        octets, self._carry = int(self._carry), 0.0
        whole, rest = divmod(octets, PACKET_OCTETS)
        if whole:
            self._send(whole, PACKET_OCTETS)
        if rest:
            self._send(1, rest)

    def _send(self, packets: int, octets: int) -> None:
        self.estimator.sent(self._number, packets, packets * octets, self.world.now)
        for _ in range(packets):
            arrival, queued = self.link.send(octets)
            self.packets.append((self.world.now, octets, arrival, queued))
            if arrival is not None:
                self.world.at(arrival, self._arrive(self._number))
            self._number = (self._number + 1) & 0xFFFF

    def _arrive(self, number: int) -> Callable[[], None]:
        return lambda: self._log.received(number, self.world.now * (1 + self.skew) + 77)

    def _tick(self) -> None:
        now = self.world.now
        self.estimator.tick(now)
        self.estimates.append((now, self.estimator.bitrate_bps))
        probe = self.estimator.probe(now, 0 if self.paused else self.wanted_bps())
        if probe is not None:
            for index in range(probe.packets):
                self.world.at(now + index * probe.interval_s, lambda: self._send(1, probe.octets))

    # Receiving

    def _report(self) -> None:
        for message in self._log.due():
            if self._random.random() >= self.feedback_loss and not self.link.down:
                self.world.at(self.world.now + self.link.delay_s, self._hear(message.to_bytes()))

    def _hear(self, data: bytes) -> Callable[[], None]:
        def hear() -> None:
            (message,) = rtcp.parse(data).messages
            assert isinstance(message, TransportFeedback)
            self.estimator.feedback(message, self.world.now)

        return hear

    # Judging; times are in seconds since the beginning

    def arrived_bps(self, start: float, end: float) -> float:
        begin = self.world.began
        octets = sum(o for _, o, a, _ in self.packets if a is not None and start <= a - begin < end)
        return octets * 8 / (end - start)

    def loss(self, start: float, end: float) -> float:
        fates = [a is None for s, _, a, _ in self.packets if start <= s - self.world.began < end]
        return sum(fates) / max(1, len(fates))

    def queued_p95_s(self, start: float, end: float) -> float:
        queued = sorted(q for s, _, _, q in self.packets if start <= s - self.world.began < end)
        return queued[len(queued) * 95 // 100] if queued else 0.0

    def estimate_bps(self, start: float, end: float) -> tuple[float, float]:
        """The least and the most in that time."""
        seen = [estimate for at, estimate in self.estimates if start <= at - self.world.began < end]
        return min(seen), max(seen)

    def first_at(self, start: float, holds: Callable[[float], bool]) -> float:
        """How long after `start` the estimate first is such."""
        begin = self.world.began
        return next((at - begin - start for at, e in self.estimates if at - begin >= start and holds(e)), 1e9)


class TcpLike:
    """A flow driven by loss alone: a window that grows by a packet each round trip and is halved at a loss."""

    OCTETS = 1200

    def __init__(self, link: Link, start_s: float = 0.0) -> None:
        self.link, self.world = link, link.world
        self.window, self._flying, self._halved_at = 4.0, 0, 0.0
        self.arrivals: list[float] = []
        self.world.at(self.world.now + start_s, self._fill)

    def _fill(self) -> None:
        while self._flying < self.window:
            self._flying += 1
            arrival, queued = self.link.send(self.OCTETS)
            if arrival is None:
                self.world.at(self.world.now + queued + 2 * self.link.delay_s, self._lose)
            else:
                self.world.at(arrival + self.link.delay_s, self._acknowledge)

    def _acknowledge(self) -> None:
        self.arrivals.append(self.world.now - self.world.began)
        self._flying -= 1
        self.window += 1 / self.window
        self._fill()

    def _lose(self) -> None:
        self._flying -= 1
        if self.world.now - self._halved_at > 2 * self.link.delay_s + self.link.queue_s:
            self.window, self._halved_at = max(2.0, self.window / 2), self.world.now
        self._fill()

    def arrived_bps(self, start: float, end: float) -> float:
        return sum(start <= at < end for at in self.arrivals) * self.OCTETS * 8 / (end - start)
