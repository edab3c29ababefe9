"""Which layers of a stream somebody gets, and at which packet that may change."""

from typing import Final, NamedTuple

from sfu.codecs.descriptor import Descriptor


class Limits(NamedTuple):
    """The highest spatial and temporal layer that is passed on, counted from 0."""

    spatial: int
    temporal: int

    def include(self, descriptor: Descriptor) -> bool:
        """Whether a packet is within."""
        return descriptor.spatial_id <= self.spatial and descriptor.temporal_id <= self.temporal


# Descriptors have three bits for each.
ALL: Final = Limits(7, 7)


def step(current: Limits, target: Limits, descriptor: Descriptor, highest: int = ALL.temporal) -> Limits:
    """What a receiver of `current` may get from this packet on, on its way to `target`.

    `highest` is the highest temporal layer there is: who has it has them all.

    Fewer layers from any picture on. More spatial layers from a keyframe on; more temporal ones where the
    codec says that a layer can be entered, which may be one layer at a time.
    """
    if descriptor.keyframe:
        return target
    if not descriptor.start_of_frame or descriptor.spatial_id:
        return current
    temporal = min(current.temporal, target.temporal)
    if descriptor.up_from <= temporal < descriptor.up_to:
        temporal = max(temporal, min(descriptor.up_to, target.temporal))
        if temporal >= highest:
            temporal = target.temporal
    return Limits(min(current.spatial, target.spatial), temporal)
