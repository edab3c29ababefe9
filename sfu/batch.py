"""What one stream has received in one batch, for each of its sinks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sfu.burst import Burst
from sfu.output import Output
from sfu.packet import MediaPacket
from sfu.redundancy import pack
from sfu.view import View

if TYPE_CHECKING:
    from sfu.stream import Stream


class Batch:
    """The packets as received; each view in use takes its part once, whoever asks first.

    `earlier` are the last packets of sound before these, for who gets them once more.
    """

    __slots__ = ("_bursts", "_redundant", "earlier", "packets", "stream")

    def __init__(
        self, stream: "Stream", packets: Sequence[MediaPacket], earlier: Sequence[MediaPacket] = ()
    ) -> None:
        self.stream = stream
        self.packets = packets
        self.earlier = earlier
        self._bursts: dict[View, Burst | None] = {}
        self._redundant: dict[tuple[int, int], Burst] = {}

    def burst(self, view: View) -> Burst | None:
        """The view's part, None when it is empty. Who sends from a view must ask for each batch of its stream."""
        try:
            return self._bursts[view]
        except KeyError:
            burst = self._bursts[view] = view.take(self.packets)
            return burst

    def redundant(self, depth: int, payload_type: int, output: Output) -> Burst:
        """The packets of sound, each with up to `depth` earlier ones, whose format is `payload_type` (RFC 2198)."""
        burst = self._redundant.get((depth, payload_type))
        if burst is None:
            packets = pack([*self.earlier, *self.packets], len(self.earlier), depth, payload_type)
            burst = self._redundant[depth, payload_type] = Burst(packets, output)
        return burst
