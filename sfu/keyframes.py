"""Asking a sender for a keyframe, for all who need one."""

from collections.abc import Callable
from dataclasses import dataclass

from sfu import rtcp

# Browsers rarely send a keyframe unasked, so a newcomer sees nothing until we ask.
# One request serves everybody who joins within the interval.
KEYFRAME_REQUEST_INTERVAL_S = 0.5
# Of what we send without being a media source (RFC 4585, 6.1, "SSRC of packet sender").
FEEDBACK_SSRC = 1


@dataclass(slots=True)
class Asked:
    """What all publishers of a worker were asked for."""

    nacks: int = 0
    keyframes: int = 0


class KeyframeRequests:
    """Merges requests of one stream: at most one an interval, repeated until a keyframe comes."""

    def __init__(self, send_rtcp: Callable[[bytes], bool], asked: Asked) -> None:
        self.sent = 0
        self._asked = asked
        self._send_rtcp = send_rtcp
        self._wanted = False
        self._asked_at = float("-inf")

    def request(self, ssrc: int | None, now: float) -> bool:
        """Somebody needs a keyframe. False when that joins an earlier request."""
        merged = self._wanted or now - self._asked_at < KEYFRAME_REQUEST_INTERVAL_S
        self._wanted = True
        self.repeat(ssrc, now)
        return not merged

    def repeat(self, ssrc: int | None, now: float) -> None:
        """Ask if somebody still waits and it is time; without an SSRC there is nobody to ask yet."""
        if ssrc is None or not self._wanted or now - self._asked_at < KEYFRAME_REQUEST_INTERVAL_S:
            return
        if self._send_rtcp(rtcp.Pli(FEEDBACK_SSRC, ssrc).to_bytes()):
            self._asked_at = now
            self.sent += 1
            self._asked.keyframes += 1

    def came(self) -> None:
        """Nobody waits any more."""
        self._wanted = False
