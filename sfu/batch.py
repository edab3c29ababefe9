"""What one stream has received in one batch, for each of its sinks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sfu.burst import Burst
from sfu.packet import MediaPacket
from sfu.view import View

if TYPE_CHECKING:
    from sfu.stream import Stream


class Batch:
    """The packets as received; each view in use takes its part once, whoever asks first."""

    __slots__ = ("_bursts", "packets", "stream")

    def __init__(self, stream: "Stream", packets: Sequence[MediaPacket]) -> None:
        self.stream = stream
        self.packets = packets
        self._bursts: dict[View, Burst | None] = {}

    def burst(self, view: View) -> Burst | None:
        """The view's part, None when it is empty. Who sends from a view must ask for each batch of its stream."""
        try:
            return self._bursts[view]
        except KeyError:
            burst = self._bursts[view] = view.take(self.packets)
            return burst
