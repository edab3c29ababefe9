"""What the router knows of those who get a track: a subscriber, the recorder, later another node."""

from typing import TYPE_CHECKING, Protocol

from sfu.burst import Burst

if TYPE_CHECKING:
    from sfu.publication import Publication


class Sink(Protocol):
    """One receiver of one (owner, source).

    It may have to wait: for the publication, for a keyframe, for its peer. Methods are called from the read
    loop: they never block, and an exception costs the sink this burst only.
    """

    def started(self, publication: "Publication") -> None:
        """The track is there, now or again."""

    def forward(self, burst: Burst) -> None:
        """Packets of the publication, in order of arrival."""

    def reported(self, publication: "Publication") -> None:
        """A new sender report ties the track's clock to its publisher's: `publication.clock`."""

    def paused(self, paused: bool) -> None:
        """The track is muted by the server, or no longer; the next packets follow a gap."""

    def ended(self) -> None:
        """The publication is gone; another may come."""
