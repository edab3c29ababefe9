"""The state of one direction of a peer's connection over some seconds, as figures and as a score."""

from dataclasses import dataclass
from typing import Any

from sfu.quality import Link, judge


@dataclass(frozen=True, slots=True)
class Health:
    """What was measured, and how many bits a second went through."""

    link: Link
    bitrate_bps: float

    def as_dict(self) -> dict[str, float]:
        """For the server's reports."""
        return {
            "loss": round(self.link.loss, 4),
            "residual_loss": round(self.link.residual_loss, 4),
            "rtt_ms": round(self.link.rtt_ms),
            "jitter_ms": round(self.link.jitter_ms, 1),
            "bitrate_bps": round(self.bitrate_bps),
        }


class Counted:
    """Turns counters that only grow into what they grew by since the last look; one that began anew counts from 0."""

    def __init__(self, *counters: float) -> None:
        self._before = counters

    def since(self, *counters: float) -> tuple[float, ...]:
        """How much each has grown."""
        before, self._before = self._before, counters
        return tuple(now - then if now >= then else now for now, then in zip(counters, before, strict=True))


def report(up: Health | None, down: Health | None) -> dict[str, Any]:
    """Both directions and the worse of their scores; a direction that is not used is empty."""
    judged = [judge(one.link) for one in (up, down) if one is not None]
    worst = min(judged, key=lambda quality: quality.score)
    return {
        "score": round(worst.score, 2),
        "reason": worst.reason,
        "up": up.as_dict() if up is not None else {},
        "down": down.as_dict() if down is not None else {},
    }
