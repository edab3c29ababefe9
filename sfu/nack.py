"""What is missing from one incoming RTP stream: what to ask for again, and what to report to its sender."""

from typing import Final

from sfu.rtcp import ReportBlock
from sfu.rtp import timestamp_difference

# The sender's history is about this long; an older packet cannot be had, nor would it be of use.
MAX_BEHIND: Final = 1_000
MAX_AGE_S: Final = 1.0
MAX_TRIES: Final = 10
# Where so much is lost, requests and answers are lost as well: asked so often in a round trip, a hole is filled by
# the first answer that comes through. A sender gives one in a round trip (libwebrtc's history keeps to that).
LOSSY: Final = 0.15
ASKS_WHERE_LOSSY: Final = 3
# Below this, a repeated request would overtake the answer to the first even on a local network.
MIN_INTERVAL_S: Final = 0.02
# How much a new answer tells of how long answers take, and how much later than usual one may come.
REPAIR_WEIGHT: Final = 0.2
REPAIR_MARGIN: Final = 1.15
# Scattered numbers cost four bytes each: a request stays below one datagram.
MAX_REQUESTED: Final = 250


class _Missing:
    __slots__ = ("first_tried_at", "since", "tried_at", "tries")

    def __init__(self, since: float) -> None:
        self.since = since
        self.first_tried_at = 0.0
        self.tried_at = 0.0
        self.tries = 0


class LossTracker:
    """Follow one SSRC's sequence numbers: ask for the holes and account for them.

    Holes are asked for at once, then once per round trip, or more often where much is lost, until filled, tried
    for `MAX_TRIES` round trips, older than `MAX_AGE_S` or more than `MAX_BEHIND` behind; `abandoned` counts those
    given up: time for a keyframe.
    `fraction_lost` is what the last report told, as a share.
    The statistics are those of RFC 3550, A.1, A.3 and A.8. Times are seconds of a monotonic clock.
    """

    __slots__ = (
        "_arrival",
        "_base",
        "_clock_rate",
        "_expected_prior",
        "_missing",
        "_received_prior",
        "_restart_at",
        "_sender_report",
        "_timestamp",
        "abandoned",
        "fraction_lost",
        "highest",
        "jitter",
        "received_count",
        "repair_s",
    )

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._missing: dict[int, _Missing] = {}
        self._sender_report: tuple[int, float] | None = None
        self.abandoned = 0
        self.fraction_lost = 0.0
        self.jitter = 0.0
        self.highest: int | None = None
        self.repair_s: float | None = None
        self._timestamp = 0
        self._arrival = 0.0
        self._start(0)

    def _start(self, sequence_number: int) -> None:
        self._base = sequence_number
        self._restart_at = -1
        self._expected_prior = self._received_prior = self.received_count = 0
        self._missing.clear()

    def received(self, sequence_number: int, rtp_timestamp: int, now: float) -> bool:
        """Note a packet; False when its number was already received or is no longer awaited."""
        if self.highest is None:
            return self._restart(sequence_number, rtp_timestamp, now)
        step = ((sequence_number - self.highest + 0x8000) & 0xFFFF) - 0x8000
        if step <= 0:
            return self._received_late(step, sequence_number, rtp_timestamp, now)
        if step > MAX_BEHIND:
            return self._received_elsewhere(sequence_number, rtp_timestamp, now)
        if step > 1:
            self._note_gap(self.highest, self.highest + step, now)
        self.highest += step
        self.received_count += 1
        # RFC 3550, A.8; only in order, for a packet sent again says nothing of the way's steadiness.
        elapsed = (now - self._arrival) * self._clock_rate
        wander = abs(elapsed - timestamp_difference(rtp_timestamp, self._timestamp))
        self.jitter += (wander - self.jitter) / 16
        self._arrival, self._timestamp = now, rtp_timestamp
        return True

    def _note_gap(self, before: int, after: int, now: float) -> None:
        for number in range(before + 1, after):
            self._missing[number] = _Missing(now)
        # A stream that nobody asks `due` of, such as audio without NACK, must not grow for ever.
        while len(self._missing) > MAX_BEHIND:
            del self._missing[next(iter(self._missing))]
            self.abandoned += 1

    def _restart(self, sequence_number: int, rtp_timestamp: int, now: float) -> bool:
        self._start(sequence_number)
        self.highest = sequence_number
        self.received_count = 1
        self._arrival, self._timestamp = now, rtp_timestamp
        return True

    def _received_late(self, step: int, sequence_number: int, rtp_timestamp: int, now: float) -> bool:
        if step < -MAX_BEHIND:
            return self._received_elsewhere(sequence_number, rtp_timestamp, now)
        self.received_count += 1
        return self.recovered(sequence_number)

    def _received_elsewhere(self, sequence_number: int, rtp_timestamp: int, now: float) -> bool:
        # One number far away is an accident, two in a row are a sender that began anew (RFC 3550, A.1).
        if sequence_number == self._restart_at:
            return self._restart(sequence_number, rtp_timestamp, now)
        self._restart_at = (sequence_number + 1) & 0xFFFF
        return False

    def recovered(self, sequence_number: int, now: float | None = None) -> bool:
        """Note a packet that came as RTX, at `now`: it fills its hole, the original stays lost in the reports."""
        if self.highest is None:
            return False
        number = self.highest + ((sequence_number - self.highest + 0x8000) & 0xFFFF) - 0x8000
        missing = self._missing.pop(number, None)
        if missing is not None and missing.tries <= self._asks and now is not None:
            self._learn(now - missing.first_tried_at)
        return missing is not None

    def _learn(self, repair_s: float) -> None:
        before = self.repair_s if self.repair_s is not None else repair_s
        self.repair_s = before + REPAIR_WEIGHT * (repair_s - before)

    def due(self, now: float, rtt_s: float) -> list[int]:
        """The sequence numbers to ask for now, the oldest first; calling it counts as having asked.

        `rtt_s` is what to reckon with until answers have shown how long one takes.
        """
        if not self._missing:
            return []
        shown_s = rtt_s if self.repair_s is None else min(REPAIR_MARGIN * self.repair_s, MAX_AGE_S / 4)
        interval = max(shown_s / self._asks, MIN_INTERVAL_S)
        requested: list[int] = []
        for number, missing in list(self._missing.items()):
            if self._is_hopeless(number, missing, now, interval):
                del self._missing[number]
                self.abandoned += 1
            elif (missing.tries == 0 or now - missing.tried_at >= interval) and len(
                requested
            ) < MAX_REQUESTED:
                if missing.tries == 0:
                    missing.first_tried_at = now
                missing.tries += 1
                missing.tried_at = now
                requested.append(number & 0xFFFF)
        return requested

    @property
    def _asks(self) -> int:
        """How often a hole is asked for in a round trip."""
        return ASKS_WHERE_LOSSY if self.fraction_lost >= LOSSY else 1

    def _is_hopeless(self, number: int, missing: _Missing, now: float, interval: float) -> bool:
        assert self.highest is not None
        too_old = now - missing.since > MAX_AGE_S or self.highest - number > MAX_BEHIND
        tried_enough = missing.tries >= MAX_TRIES * self._asks
        return too_old or (tried_enough and now - missing.tried_at >= interval)

    def sender_report(self, ntp: int, now: float) -> None:
        """Note a sender report's 64-bit NTP time: our reports then let the sender compute the round trip."""
        self._sender_report = (ntp >> 16 & 0xFFFFFFFF, now)

    def report_block(self, ssrc: int, now: float) -> ReportBlock | None:
        """What to tell the sender now, None before the first packet. Begins the next interval."""
        if self.highest is None:
            return None
        last_sr, since = self._sender_report or (0, now)
        self.fraction_lost = self._lost_since(self.highest)
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(255, int(256 * self.fraction_lost)),
            lost=max(-0x800000, min(self._expected(self.highest) - self.received_count, 0x7FFFFF)),
            highest_sequence=self.highest & 0xFFFFFFFF,
            jitter=int(self.jitter),
            last_sr=last_sr,
            delay_since_last_sr=min(int((now - since) * 65_536), 0xFFFFFFFF),
        )

    @property
    def expected_count(self) -> int:
        """How many packets the sender has sent, as far as we know."""
        return 0 if self.highest is None else self._expected(self.highest)

    def _expected(self, highest: int) -> int:
        return highest - self._base + 1

    def _lost_since(self, highest: int) -> float:
        """The share lost since it was asked last."""
        expected = self._expected(highest) - self._expected_prior
        lost = expected - (self.received_count - self._received_prior)
        self._expected_prior += expected
        self._received_prior = self.received_count
        return lost / expected if lost > 0 and expected > 0 else 0.0
