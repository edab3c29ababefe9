"""Additive increase, multiplicative decrease, by the usage of the link (draft-ietf-rmcat-gcc-02, 5.5)."""

from typing import Final

from sfu.bwe.trend import Usage

DECREASE: Final = 0.85
# Per second, while the capacity is not known; near it so many bits per response time, or this share a second.
INCREASE: Final = 1.08
PACKET_BITS: Final = 9600
NEAR_INCREASE: Final = 0.03
# What is sent proves more than itself, but not without end (libwebrtc allows the same).
PROOF_FACTOR: Final = 1.5
PROOF_MARGIN_BPS: Final = 10_000
# A queue that grows this fast (s per s) says that the link carries less than we send. A slower growth may come
# from others; an estimate above what we send is then lowered step by step.
STEEP: Final = 0.3
# Who sends less than this share of the estimate is taken at its word only when overuse is seen twice in such a time.
LITTLE: Final = 0.5
REPEAT_S: Final = 1.5
# The capacity seen at the last overuse holds within this range of it.
NEAR: Final = 0.15
MOST_STEP_S: Final = 1.0
# After a decrease the queue drains for a while before the rate may climb again.
REST_S: Final = 0.3


class RateControl:
    """The estimate as the delay leads it. It climbs by itself no further than proven, and never decays."""

    def __init__(self, start_bps: float, floor_bps: float, ceiling_bps: float) -> None:
        self.bitrate_bps = start_bps
        self.decreased_at = float("-inf")
        self._floor_bps, self._ceiling_bps = floor_bps, ceiling_bps
        self._capacity_bps: float | None = None
        self._updated_at: float | None = None

    def update(self, usage: Usage, slope: float, proven_bps: float | None, rtt_s: float, now: float) -> bool:
        """Follow the usage; True when the estimate was decreased. `proven_bps` is what lately arrived."""
        passed = min(MOST_STEP_S, now - self._updated_at) if self._updated_at is not None else 0.0
        self._updated_at = now
        if usage is Usage.OVERUSE:
            return self._decrease(slope, proven_bps, now)
        if usage is Usage.NORMAL and now - self.decreased_at > rtt_s + REST_S and proven_bps is not None:
            self._increase(proven_bps, rtt_s, passed)
        return False

    def _decrease(self, slope: float, proven_bps: float | None, now: float) -> bool:
        basis = self.bitrate_bps
        if proven_bps is not None and proven_bps < LITTLE * basis and now - self.decreased_at > REPEAT_S:
            # So little fills no queue at once: the way has changed perhaps. If it grows on, that was wrong.
            proven_bps = None
        if proven_bps is not None:
            self._note_capacity(proven_bps)
            doubt = 1 - min(1.0, slope / STEEP)
            basis = min(basis, (1 + (PROOF_FACTOR - 1) * doubt) * proven_bps)
        self.decreased_at = now
        self._set(min(self.bitrate_bps, DECREASE * basis))
        return True

    def _note_capacity(self, proven_bps: float) -> None:
        known = self._capacity_bps
        near = known is not None and abs(proven_bps - known) < NEAR * known
        self._capacity_bps = (known + proven_bps) / 2 if near and known is not None else proven_bps

    def _increase(self, proven_bps: float, rtt_s: float, passed_s: float) -> None:
        bitrate, capacity = self.bitrate_bps, self._capacity_bps
        if capacity is not None and max(bitrate, proven_bps) > (1 + NEAR) * capacity:
            # More than it bore then: it has grown.
            capacity = self._capacity_bps = None
        if capacity is not None and bitrate > (1 - 2 * NEAR) * capacity:
            raised = bitrate + max(PACKET_BITS / (rtt_s + 0.1), NEAR_INCREASE * bitrate) * passed_s
        else:
            raised = bitrate * INCREASE**passed_s
        most = PROOF_FACTOR * proven_bps + PROOF_MARGIN_BPS
        self._set(max(bitrate, min(raised, most)))

    def raise_to(self, bitrate_bps: float) -> None:
        """A probe has proven this much; never a decrease."""
        if bitrate_bps > self.bitrate_bps:
            self._set(bitrate_bps)
            if self._capacity_bps is not None and bitrate_bps > self._capacity_bps:
                self._capacity_bps = None

    def lower_to(self, bitrate_bps: float) -> None:
        """Something else than the delay demands this; never an increase."""
        self._set(min(self.bitrate_bps, bitrate_bps))

    def _set(self, bitrate_bps: float) -> None:
        self.bitrate_bps = min(self._ceiling_bps, max(self._floor_bps, bitrate_bps))
