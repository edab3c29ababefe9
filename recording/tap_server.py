"""Where SFU workers connect and send what they forward, in the frames of `sfu.tapframes`.

Reading never waits for the disk. A bad packet costs itself and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from recording.archive import SOURCES, is_identifier
from recording.recording import Recording
from recording.segment import Kind
from recording.track import Track, TrackRecorder
from sfu import tapframes
from sfu.errors import ParseError

READ_BYTES: Final = 1 << 18
# A publisher needs a round trip and a picture to answer; asking more often helps nobody.
KEYFRAME_INTERVAL_NS: Final = 1_000_000_000
# A worker that does not read its end of the tap shall not fill our memory.
MOST_WAITING_BYTES: Final = 65_536
_KINDS: Final = {"opus": "audio", "VP8": "video"}
_FAILURES_LOGGED: Final = 10

_log = logging.getLogger(__name__)


class TapConnection:
    """One worker's stream: its track numbers and the recorders behind them."""

    def __init__(self, find: Callable[[str], Recording | None], writer: asyncio.StreamWriter) -> None:
        self._find = find
        self._writer = writer
        self._tracks: dict[int, tuple[Recording, TrackRecorder]] = {}
        self._failures = 0
        self._handlers: dict[type[tapframes.Frame], Callable[[Any], None]] = {
            tapframes.TrackFrame: self._begin,
            tapframes.RtpFrame: self._packet,
            tapframes.SenderReportFrame: self._report,
            tapframes.EndFrame: self._end,
            tapframes.LostFrame: self._lost,
            tapframes.PausedFrame: self._paused,
            tapframes.CloseFrame: self._close,
        }

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Read until the worker goes; the tracks that it had not closed end then."""
        buffer = bytearray()
        try:
            while data := await reader.read(READ_BYTES):
                buffer += data
                for frame in tapframes.take_frames(buffer):
                    self._handle(frame)
        except (ConnectionError, ParseError) as error:
            _log.warning("TapConnection x %s", error)
        finally:
            self._gone()

    def _handle(self, frame: tapframes.Frame) -> None:
        try:
            self._handlers[type(frame)](frame)
        except Exception:
            # Whatever one frame does, the other tracks and recordings of this worker go on.
            self._failures += 1
            if self._failures <= _FAILURES_LOGGED:
                _log.exception("TapConnection x %s", type(frame).__name__)

    def _packet(self, frame: tapframes.RtpFrame) -> None:
        if entry := self._tracks.get(frame.track):
            entry[1].rtp(frame.packet, frame.arrival_ns)

    def _begin(self, frame: tapframes.TrackFrame) -> None:
        self._forget(frame.track)
        recording, track = self._find(frame.recording_id), track_of(frame)
        if recording is None:
            # Hung up on, the worker keeps the track and what comes of it until the recording has begun.
            _log.info("TapConnection x recording %s is not running", frame.recording_id)
            self._writer.transport.abort()
            return
        if track is None:
            recording.refuse_track(frame.owner, frame.source, frame.codec)
            return
        recorder = recording.add_track(track, KeyframeRequest(self._writer, frame.track), self)
        self._tracks[frame.track] = (recording, recorder)
        if frame.sender_report:
            recorder.report(frame.sender_report["ntp"], frame.sender_report["rtp_timestamp"])

    def _report(self, frame: tapframes.SenderReportFrame) -> None:
        if entry := self._tracks.get(frame.track):
            entry[1].report(frame.ntp, frame.rtp_timestamp)

    def _end(self, frame: tapframes.EndFrame) -> None:
        self._forget(frame.track)

    def _lost(self, frame: tapframes.LostFrame) -> None:
        if entry := self._tracks.get(frame.track):
            entry[1].overload()

    def _paused(self, frame: tapframes.PausedFrame) -> None:
        entry = self._tracks.get(frame.track)
        if entry and frame.paused:
            entry[1].mute(frame.arrival_ns)

    def _close(self, frame: tapframes.CloseFrame) -> None:
        """No more of this recording; tracks that have not ended stay until `stop` says when it did."""
        if recording := self._find(frame.recording_id):
            recording.close_tap(self)

    def _forget(self, number: int) -> None:
        if entry := self._tracks.pop(number, None):
            recording, recorder = entry
            recording.end_track(recorder)

    def _gone(self) -> None:
        for recording, recorder in self._tracks.values():
            if recording.expects(self):
                recording.end_track(recorder)
        for recording, _ in self._tracks.values():
            recording.close_tap(self)
        self._tracks.clear()


class KeyframeRequest:
    """Ask the worker for a keyframe of one track, by the tap's way back, at most once a second."""

    def __init__(self, writer: asyncio.StreamWriter, number: int) -> None:
        self._writer = writer
        self._number = number
        self._asked_ns = time.monotonic_ns() - KEYFRAME_INTERVAL_NS

    def __call__(self) -> None:
        """Ask, unless that was just done."""
        now = time.monotonic_ns()
        waiting = self._writer.transport.get_write_buffer_size()
        if now - self._asked_ns < KEYFRAME_INTERVAL_NS or waiting > MOST_WAITING_BYTES:
            return
        self._asked_ns = now
        self._writer.write(tapframes.KeyframeFrame(self._number).encode())


def track_of(frame: tapframes.TrackFrame) -> Track | None:
    """The track that begins, None when it is none that we can record."""
    known = _KINDS.get(frame.codec) == frame.kind and frame.source in SOURCES and frame.clock_rate > 0
    if not known or not is_identifier(frame.owner):
        return None
    return Track(frame.owner, frame.source, cast(Kind, frame.kind), frame.clock_rate, frame.payload_type)


class TapServer:
    """Listen for workers on a Unix socket that only this user may open."""

    def __init__(self, path: Path, find: Callable[[str], Recording | None]) -> None:
        self._path = path
        self._find = find
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Begin to listen. Raises OSError. A socket file that a dead process left is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, self._path)
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Close every connection and wait for their ends."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._connections.values())
        for writer in self._connections:
            writer.transport.abort()
        await asyncio.gather(*tasks)
        self._path.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[writer] = task
        try:
            await TapConnection(self._find, writer).serve(reader)
        finally:
            del self._connections[writer]
            writer.close()
