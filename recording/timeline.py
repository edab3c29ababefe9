"""RTP timestamps → the recorder's monotonic clock, picture and sound of one publisher alike.

A track's RTP time starts anywhere. Two facts place it:
- every packet arrives some delay after its capture; the least delay within a window is the most honest;
- sender reports (RFC 3550, 6.4.1) tell RTP time and the publisher's wall clock of one instant, so that
  tracks of one publisher can share one delay: that is what keeps lips and voice together.

The publisher's wall clock is never compared with ours, only with itself; it may be an hour off or step.
"""

from collections import deque
from typing import Final

from sfu.rtp import timestamp_difference

_SECOND_NS: Final = 1_000_000_000
# Long enough to see an undelayed packet between bursts, short enough to follow a drifting clock.
WINDOW_S: Final = 10
# Without a report for this long, a track is placed by its arrivals alone (a WHIP encoder may send none).
REPORT_WAIT_NS: Final = _SECOND_NS
# A correction is spread: one millisecond in ten is heard and seen by nobody.
SLEW: Final = 0.1
# A correction larger than this is no correction but another clock: it is taken at once.
STEP_NS: Final = _SECOND_NS
# Reports that place a track this far from its own arrivals contradict each other: a clock stepped between
# two of them, or a sender lies. Arrivals are then believed alone. So is the arrival of a single frame that
# its timestamp places as far away: it belongs to another RTP time line than its neighbours.
TRUST_NS: Final = 2 * _SECOND_NS
# Arrivals this far from their window mean that the publisher began another RTP time line.
RESTART_NS: Final = 10 * _SECOND_NS


class LeastDelay:
    """The minimum of what was observed during the last WINDOW_S seconds, in steps of one second."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()
        self.value: int | None = None

    def observe(self, delay_ns: int, now_ns: int) -> None:
        """Take one observation."""
        second = now_ns // _SECOND_NS
        if self._seconds and self._seconds[-1][0] == second:
            if delay_ns < self._seconds[-1][1]:
                self._seconds[-1] = (second, delay_ns)
                self.value = min(delay for _, delay in self._seconds)
            return
        self._seconds.append((second, delay_ns))
        while self._seconds[0][0] <= second - WINDOW_S:
            self._seconds.popleft()
        self.value = min(delay for _, delay in self._seconds)


class PublisherClock:
    """One publisher's tracks, on one wall clock."""

    def __init__(self) -> None:
        self._tracks: list[TrackClock] = []

    def add(self, track: "TrackClock") -> None:
        """Let a track share in the delay."""
        self._tracks.append(track)

    def remove(self, track: "TrackClock") -> None:
        """Forget a track that has ended."""
        self._tracks.remove(track)

    def least_delay(self) -> int | None:
        """The least of (arrival - capture by the publisher's clock) over its tracks, in ns."""
        delays = [delay for track in self._tracks if (delay := track.wall_delay()) is not None]
        return min(delays, default=None)


class TrackClock:
    """Place one track's RTP timestamps on the recorder's clock, in ns, gently corrected.

    `observe` every packet in the order of arrival, then ask `place` for frames in the order of capture. The
    time line may begin anew between the two, so a frame's place is judged by its own arrival.
    """

    def __init__(self, clock_rate: int, publisher: PublisherClock) -> None:
        self._clock_rate = clock_rate
        self._publisher = publisher
        self._newest: tuple[int, int] | None = None
        self._arrivals = LeastDelay()
        self._wall_base_ns: int | None = None
        self._offset_ns: int | None = None
        self._placed_ns = 0
        self._first_arrival_ns: int | None = None
        publisher.add(self)

    def close(self) -> None:
        """The track has ended: it no longer speaks for its publisher."""
        self._publisher.remove(self)

    def ready(self, now_ns: int) -> bool:
        """Whether frames should be placed now, or rather wait for the first sender report."""
        if self._wall_base_ns is not None or self._offset_ns is not None:
            return True
        return self._first_arrival_ns is not None and now_ns - self._first_arrival_ns >= REPORT_WAIT_NS

    def report(self, ntp: int, rtp_timestamp: int) -> None:
        """A sender report: `ntp` in 2**-32 s since 1900, and the RTP timestamp of the same instant.

        A sender without a wall clock reports 0 (RFC 3550, 6.4.1), which says nothing.
        """
        if ntp == 0:
            return
        newest, wall_ns = self._newest, ntp * _SECOND_NS >> 32
        self._wall_base_ns = wall_ns - self._media_ns(rtp_timestamp)
        # Only media moves the time line: a report may lie.
        self._newest = newest or self._newest

    def observe(self, timestamp: int, arrival_ns: int) -> None:
        """A packet of this RTP timestamp came at this moment."""
        if self._first_arrival_ns is None:
            self._first_arrival_ns = arrival_ns
        delay = arrival_ns - self._media_ns(timestamp)
        least = self._arrivals.value
        if least is not None and abs(delay - least) > RESTART_NS:
            self._restart()
        self._arrivals.observe(delay, arrival_ns)

    def wall_delay(self) -> int | None:
        """This track's least (arrival - capture by the publisher's clock); None before its first report."""
        if self._wall_base_ns is None or self._arrivals.value is None:
            return None
        return self._arrivals.value - self._wall_base_ns

    def place(self, timestamp: int, arrival_ns: int) -> int:
        """The moment of capture on the recorder's clock plus the publisher's least delay."""
        media_ns = self._media_ns(timestamp)
        offset_ns = self._corrected_offset(media_ns)
        if abs(media_ns + offset_ns - arrival_ns) > TRUST_NS:
            return arrival_ns
        self._offset_ns, self._placed_ns = offset_ns, media_ns
        return media_ns + offset_ns

    def _corrected_offset(self, media_ns: int) -> int:
        wanted = self._wanted_offset()
        if self._offset_ns is None or abs(wanted - self._offset_ns) > STEP_NS:
            return wanted
        reach = int(abs(media_ns - self._placed_ns) * SLEW)
        return self._offset_ns + max(-reach, min(reach, wanted - self._offset_ns))

    def _wanted_offset(self) -> int:
        own = self._arrivals.value
        assert own is not None, "a frame is placed after its packets were observed"
        shared = self._publisher.least_delay()
        if shared is None or self._wall_base_ns is None:
            return own
        offset = shared + self._wall_base_ns
        return offset if abs(offset - own) <= TRUST_NS else own

    def _media_ns(self, timestamp: int) -> int:
        """The timestamp without its wrap at 2**32, in ns; the first one seen is the nearest to zero."""
        if self._newest is None:
            self._newest = (timestamp, timestamp)
        seen, extended = self._newest
        here = extended + timestamp_difference(timestamp, seen)
        if here > extended:
            self._newest = (timestamp, here)
        return here * _SECOND_NS // self._clock_rate

    def _restart(self) -> None:
        self._arrivals = LeastDelay()
        self._wall_base_ns = self._offset_ns = None
