"""What the router knows of those who get a track: a subscriber, the recorder, later another node."""

from typing import TYPE_CHECKING, Protocol

from sfu.batch import Batch

if TYPE_CHECKING:
    from sfu.publication import Publication
    from sfu.stream import Stream


class Sink(Protocol):
    """One receiver of one (owner, source).

    It takes packets from the streams it has added itself to, see `Stream.add_sink`. It may have to wait: for the
    publication, for a keyframe, for its peer. Methods are called from the read loop: they never block, and an
    exception costs the sink this batch only.
    """

    def started(self, publication: "Publication") -> None:
        """The track is there, now or again."""

    def forward(self, batch: Batch) -> None:
        """Packets of one stream, in order of arrival."""

    def restarted(self, stream: "Stream") -> None:
        """The stream's encoder has begun anew: what comes does not go on from what came."""

    def reported(self, stream: "Stream") -> None:
        """A new sender report ties the stream's clock to its publisher's: `stream.clock`."""

    def paused(self, paused: bool) -> None:
        """The track is muted by the server, or no longer; the next packets follow a gap."""

    def audible(self, audible: bool) -> None:
        """The microphone is among those that are passed on, or no longer."""

    def wants(self, stream: "Stream") -> bool:
        """Whether the sender must keep this stream going for this sink."""

    def ended(self) -> None:
        """The publication is gone; another may come."""
