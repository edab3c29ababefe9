"""What a load is made of."""

from dataclasses import asdict, dataclass
from typing import Any, Self

# A VP8 frame's first packet has a descriptor, a keyframe's header and the stamp in it; see `packets`.
LEAST_BYTES = 120
SIMULCAST_RIDS = ("l", "m", "h")


@dataclass(frozen=True, slots=True)
class Plan:
    """What each publisher sends: packets a second, and the bytes of each before encryption, RTP header included.

    Video comes in frames of `burst` packets. With `simulcast` that is the highest of three encodings; the middle
    one has a third of its packets, the lowest one packet a frame. A rate of 0 leaves the track out.
    """

    video_rate: int = 150
    video_bytes: int = 1_100
    burst: int = 5
    audio_rate: int = 50
    audio_bytes: int = 160
    simulcast: bool = False

    @property
    def frame_rate(self) -> float:
        """Video frames a second; where there is no video, moments at which audio leaves."""
        return self.video_rate / self.burst if self.video_rate else float(self.audio_rate)

    @property
    def parts(self) -> tuple[int, int, int]:
        """Packets of a frame in each encoding, the lowest first."""
        return 1, max(1, self.burst // 3), self.burst

    @property
    def sources(self) -> dict[str, str]:
        """mid → source of each track."""
        rates = {"audio": self.audio_rate, "video": self.video_rate}
        names = {"audio": "microphone", "video": "camera"}
        return {mid: names[mid] for mid, rate in rates.items() if rate}

    def to_json(self) -> dict[str, Any]:
        """For the process that carries it out."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Back from `to_json`."""
        return cls(**values)
