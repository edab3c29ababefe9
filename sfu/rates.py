"""How many bits and frames a second each layer of a stream takes."""

from typing import Final

from sfu.codecs.descriptor import Descriptor
from sfu.layers import ALL, Limits

# A second holds some frames of the slowest layer; encoders are calm enough for the half.
_INTERVAL_S: Final = 0.5
_WEIGHT: Final = 0.5
# A stream that takes less for a moment (it has just begun, its encoder is short of time) soon takes as much again,
# and whoever was given it for its little cost is flooded.
_FALLING_WEIGHT: Final = 0.1
# What has brought nothing for so long is not being sent: a still screen brings a frame a second at least.
SILENT_S: Final = 1.5
# Who pauses a stream must find its rate again as it was: an interval in which it ended tells less than half of it.
_ENDED_S: Final = 0.3


class LayerRates:
    """Counts octets and frames by (spatial, temporal) layer and smooths them over about a second."""

    def __init__(self) -> None:
        self.last_arrival = float("-inf")
        self._since: float | None = None
        self._octets: dict[tuple[int, int], int] = {}
        self._frames: dict[tuple[int, int], int] = {}
        self._bitrates: dict[tuple[int, int], float] = {}
        self._framerates: dict[tuple[int, int], float] = {}

    def count(self, octets: int, descriptor: Descriptor | None, now: float) -> None:
        """One packet more."""
        self.last_arrival = now
        key = (0, 0) if descriptor is None else (descriptor.spatial_id, descriptor.temporal_id)
        self._octets[key] = self._octets.get(key, 0) + octets
        if descriptor is not None and descriptor.start_of_frame:
            self._frames[key] = self._frames.get(key, 0) + 1

    def measure(self, now: float) -> None:
        """Called several times a second: closes an interval when it is due."""
        if self._since is None or now - self.last_arrival > SILENT_S:
            self._begin(now)
            return
        elapsed = now - self._since
        if elapsed >= _INTERVAL_S:
            if now - self.last_arrival < _ENDED_S:
                self._smooth(self._bitrates, self._octets, 8 / elapsed)
                self._smooth(self._framerates, self._frames, 1 / elapsed)
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._since = now if self.is_alive(now) else None
        self._octets.clear()
        self._frames.clear()

    @staticmethod
    def _smooth(
        rates: dict[tuple[int, int], float], counts: dict[tuple[int, int], int], scale: float
    ) -> None:
        for key in rates.keys() | counts.keys():
            rate = counts.get(key, 0) * scale
            before = rates.get(key, rate)
            rates[key] = before + (_WEIGHT if rate > before else _FALLING_WEIGHT) * (rate - before)

    def is_alive(self, now: float) -> bool:
        """Whether packets came lately."""
        return now - self.last_arrival <= SILENT_S

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Every (spatial, temporal) layer that was seen, the lowest first."""
        return sorted(self._bitrates)

    @property
    def highest_temporal(self) -> int:
        """The highest temporal layer that was seen; that of all limits before any was."""
        return max((layer[1] for layer in self._bitrates.keys() | self._octets.keys()), default=ALL.temporal)

    def bitrate_bps(self, limits: Limits) -> float:
        """Of all layers within the limits, as last measured."""
        return sum(rate for layer, rate in self._bitrates.items() if _within(layer, limits))

    def fps(self, limits: Limits) -> float:
        """Pictures a second within the limits: those of the lowest spatial layer."""
        return sum(
            rate for layer, rate in self._framerates.items() if layer[0] == 0 and _within(layer, limits)
        )


def _within(layer: tuple[int, int], limits: Limits) -> bool:
    return layer[0] <= limits.spatial and layer[1] <= limits.temporal
