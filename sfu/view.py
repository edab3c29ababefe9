"""Some layers of a stream in a numbering of their own, made once for all who get just these."""

from collections.abc import Sequence

from sfu.burst import Burst
from sfu.history import History
from sfu.layers import ALL, Limits
from sfu.output import Output
from sfu.packet import MediaPacket
from sfu.rewriter import SequenceRewriter


class View:
    """What of a stream is within `limits`, numbered without gaps, with the history for those who ask again.

    A packet beyond the limits gives its number back. One that comes when later ones have been numbered cannot:
    an empty one takes its place, so that nobody waits for it.
    """

    users = 0

    def __init__(self, limits: Limits, output: Output, remembers: bool) -> None:
        self.limits = limits
        self.history = History()
        self._output = output
        self._remembers = remembers
        self._numbers = SequenceRewriter()
        self._pictures = SequenceRewriter()
        self._newest_picture = 0

    def take(self, packets: Sequence[MediaPacket]) -> Burst | None:
        """The view's part of what the stream has received, each packet once."""
        if self.limits != ALL:
            packets = [mine for packet in packets if (mine := self._select(packet)) is not None]
        if not packets:
            return None
        if self._remembers:
            for packet in packets:
                self.history.add(packet)
        return Burst(packets, self._output)

    def _select(self, packet: MediaPacket) -> MediaPacket | None:
        descriptor, sequence = packet.descriptor, packet.stream_sequence
        if descriptor is None or self.limits.include(descriptor):
            number = self._numbers.rewrite(sequence)
            return packet.renumbered(number, self._picture_shift(packet), self._marker(packet))
        self._drop_picture(packet)
        if self._numbers.drop(sequence):
            return None
        return packet.emptied(self._numbers.rewrite(sequence))

    def _marker(self, packet: MediaPacket) -> int:
        """The last packet of a picture is marked, also where the picture's upper layers are left out."""
        descriptor = packet.descriptor
        last = (
            descriptor is not None
            and descriptor.end_of_frame
            and descriptor.spatial_id == self.limits.spatial
        )
        return 0x80 if last else packet.marker

    def _picture_shift(self, packet: MediaPacket) -> int:
        picture = self._picture(packet)
        return 0 if picture is None else self._pictures.rewrite(picture) - picture

    def _drop_picture(self, packet: MediaPacket) -> None:
        picture = self._picture(packet)
        if picture is not None:
            self._pictures.drop(picture)

    def _picture(self, packet: MediaPacket) -> int | None:
        """The picture's number without wrapping, where a receiver takes a gap in these numbers for a loss."""
        descriptor = packet.descriptor
        if descriptor is None or descriptor.picture_id is None or not descriptor.picture_cycle:
            return None
        cycle = descriptor.picture_cycle
        ahead = (descriptor.picture_id - self._newest_picture + cycle // 2) % cycle - cycle // 2
        picture = self._newest_picture + ahead
        self._newest_picture = max(self._newest_picture, picture)
        return picture

    def clear(self) -> None:
        """Forget what could be sent again."""
        self.history.clear()
