"""What goes over a tap, from a worker to the recorder: frames of `u32be length | u8 type | payload`.

A track's packets are those of the publisher, decrypted, in order of arrival; what came as a retransmission has its
original header again. Times are CLOCK_MONOTONIC in ns, which both processes share.
"""

import enum
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from struct import Struct
from typing import Any

from sfu.errors import ParseError

# No frame is longer: a packet has at most 1,500 bytes, a description a few hundred.
LONGEST_FRAME = 64 * 1024

_head = Struct("!IB")
_packet_head = Struct("!IBIQ")
_track_number = Struct("!I")
_track_and_time = Struct("!IQ")
_report = Struct("!IQQI")
_lost = Struct("!II")


class FrameType(enum.IntEnum):
    """The fifth byte of a frame."""

    TRACK = 1
    RTP = 2
    SENDER_REPORT = 3
    END = 4
    LOST = 5
    PAUSED = 6
    RESUMED = 7
    CLOSE = 8
    KEYFRAME = 9


@dataclass(frozen=True, slots=True)
class TrackFrame:
    """A track begins. `sender_report` is {ntp, rtp_timestamp, arrival_ns} if one has come already."""

    track: int
    meeting: str
    recording_id: str
    owner: str
    source: str
    kind: str
    codec: str
    clock_rate: int
    payload_type: int
    sender_report: dict[str, int] | None

    def encode(self) -> bytes:
        """The frame."""
        description = asdict(self)
        del description["track"]
        return _frame(FrameType.TRACK, _track_number.pack(self.track) + json.dumps(description).encode())


@dataclass(frozen=True, slots=True)
class RtpFrame:
    """One packet. Written by `encode_packet`, which is faster."""

    track: int
    arrival_ns: int
    packet: bytes


@dataclass(frozen=True, slots=True)
class SenderReportFrame:
    """The publisher tied its clocks together: `ntp` (64 bits, its own wall clock) is `rtp_timestamp`."""

    track: int
    arrival_ns: int
    ntp: int
    rtp_timestamp: int

    def encode(self) -> bytes:
        """The frame."""
        payload = _report.pack(self.track, self.arrival_ns, self.ntp, self.rtp_timestamp)
        return _frame(FrameType.SENDER_REPORT, payload)


@dataclass(frozen=True, slots=True)
class EndFrame:
    """The track has ended; its number is not used again."""

    track: int

    def encode(self) -> bytes:
        """The frame."""
        return _frame(FrameType.END, _track_number.pack(self.track))


@dataclass(frozen=True, slots=True)
class LostFrame:
    """The recorder did not keep up: so many packets of the track are not here."""

    track: int
    packets: int

    def encode(self) -> bytes:
        """The frame."""
        return _frame(FrameType.LOST, _lost.pack(self.track, self.packets))


@dataclass(frozen=True, slots=True)
class PausedFrame:
    """The track was muted by the server (`paused`), or is no longer."""

    track: int
    arrival_ns: int
    paused: bool

    def encode(self) -> bytes:
        """The frame."""
        kind = FrameType.PAUSED if self.paused else FrameType.RESUMED
        return _frame(kind, _track_and_time.pack(self.track, self.arrival_ns))


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """The worker will send no more for this recording."""

    recording_id: str

    def encode(self) -> bytes:
        """The frame."""
        return _frame(FrameType.CLOSE, json.dumps({"recording_id": self.recording_id}).encode())


@dataclass(frozen=True, slots=True)
class KeyframeFrame:
    """The one frame that goes the other way: the recorder cannot go on with this track without a keyframe."""

    track: int

    def encode(self) -> bytes:
        """The frame."""
        return _frame(FrameType.KEYFRAME, _track_number.pack(self.track))


Frame = (
    TrackFrame
    | RtpFrame
    | SenderReportFrame
    | EndFrame
    | LostFrame
    | PausedFrame
    | CloseFrame
    | KeyframeFrame
)


def encode_packet(track: int, arrival_ns: int, sequence: int, packet: bytes) -> bytes:
    """An RtpFrame's bytes: the packet as it came, but for its number.

    The number is the publication's, without gaps where a packet was dropped on purpose (padding, a mute): a gap in
    a recording is a loss.
    """
    number = (sequence & 0xFFFF).to_bytes(2, "big")
    head = _packet_head.pack(13 + len(packet), FrameType.RTP, track, arrival_ns)
    return b"".join((head, packet[:2], number, packet[4:]))


def _frame(kind: FrameType, payload: bytes) -> bytes:
    return _head.pack(1 + len(payload), kind) + payload


def take_frames(buffer: bytearray) -> Iterator[Frame]:
    """Take the complete frames off the front of what was received; the rest stays. Raises ParseError.

    Frames of types that this version does not know are skipped. After an error the stream cannot be read on.
    """
    while len(buffer) >= _head.size:
        length, kind = _head.unpack_from(buffer)
        if not 1 <= length <= LONGEST_FRAME:
            raise ParseError(f"a tap frame of {length} bytes")
        if len(buffer) < 4 + length:
            return
        payload = bytes(buffer[5 : 4 + length])
        del buffer[: 4 + length]
        frame = _decode(kind, payload)
        if frame is not None:
            yield frame


def _decode(kind: int, payload: bytes) -> Frame | None:
    reader = _READERS.get(kind)
    try:
        return reader(payload) if reader else None
    except (KeyError, TypeError, ValueError, RecursionError, struct.error) as error:
        raise ParseError(f"a tap frame of type {kind} is malformed: {error}") from None


def _read_track(payload: bytes) -> TrackFrame:
    (track,) = _track_number.unpack_from(payload)
    description: dict[str, Any] = json.loads(payload[4:])
    return TrackFrame(track=track, **description)


def _read_rtp(payload: bytes) -> RtpFrame:
    track, arrival_ns = _track_and_time.unpack_from(payload)
    return RtpFrame(track, arrival_ns, payload[_track_and_time.size :])


def _read_paused(payload: bytes, *, paused: bool) -> PausedFrame:
    track, arrival_ns = _track_and_time.unpack(payload)
    return PausedFrame(track, arrival_ns, paused)


_READERS: dict[int, Callable[[bytes], Frame]] = {
    FrameType.TRACK: _read_track,
    FrameType.RTP: _read_rtp,
    FrameType.SENDER_REPORT: lambda payload: SenderReportFrame(*_report.unpack(payload)),
    FrameType.END: lambda payload: EndFrame(*_track_number.unpack(payload)),
    FrameType.LOST: lambda payload: LostFrame(*_lost.unpack(payload)),
    FrameType.PAUSED: lambda payload: _read_paused(payload, paused=True),
    FrameType.RESUMED: lambda payload: _read_paused(payload, paused=False),
    FrameType.KEYFRAME: lambda payload: KeyframeFrame(*_track_number.unpack(payload)),
    FrameType.CLOSE: lambda payload: CloseFrame(json.loads(payload)["recording_id"]),
}
