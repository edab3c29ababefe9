"""One WebM file while it is written: frames in, muxed as they are, never decoded. Every method blocks.

What `kill -9` and a power cut may cost is bounded by three measures: clusters of a fifth of a second, each written
when it is full, and `sync` every second.
"""

import contextlib
import io
import os
import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, cast

import av
import av.container

from recording import ebml
from recording.archive import Folder, SegmentName

Kind = Literal["audio", "video"]
TIME_BASE: Final = Fraction(1, 1000)
# The muxer keeps a cluster in memory until the next one begins: a fifth of a second is what a crash costs then,
# and 100 bytes a second are its price.
OPTIONS: Final = {"cluster_time_limit": "200", "flush_packets": "1"}
# Opus: CELT, 20 ms, one frame (RFC 6716, 3.1), which decoders take for silence; and six in one packet.
SILENCE: Final = b"\xf8\xff\xfe"
SILENCE_MS: Final = 20
LONG_SILENCE: Final = b"\xfb\x06" + b"\xff\xfe" * 6
LONG_SILENCE_FRAMES: Final = 6
# What PyAV raises for I/O and for data that FFmpeg refuses.
WRITE_ERRORS: Final = (OSError, ValueError, RuntimeError, av.error.FFmpegError)


@dataclass(frozen=True, slots=True)
class Format:
    """What one file holds; a change of it begins the next file. Sizes in pixels, 0 for sound."""

    kind: Kind
    codec: str
    width: int = 0
    height: int = 0

    def template(self) -> bytes:
        """An empty file of this format, from which the muxer takes its stream parameters."""
        if self.kind == "audio":
            return ebml.opus_template()
        return ebml.vp8_template(self.width, self.height)


class WholeFile(io.RawIOBase):
    """An unbuffered file that writes all or raises: at ENOSPC the kernel may take half and say nothing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("x+b", buffering=0)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write every byte. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As a file's."""
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As a file's."""
        return self._file.readinto(buffer)

    def readable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def sync(self) -> None:
        """Wait until the disk has the data and the size."""
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file; again does nothing."""
        self._file.close()
        super().close()


class Muxer:
    """A WebM file of one track with timestamps in milliseconds. Raises WRITE_ERRORS."""

    def __init__(self, path: Path, template: bytes) -> None:
        self._file = WholeFile(path)
        try:
            self._output = av.open(self._file, "w", format="webm", options=dict(OPTIONS))
            with av.open(io.BytesIO(template)) as source:
                self._stream = self._output.add_stream_from_template(source.streams[0])
        except BaseException:
            self._file.close()
            raise

    def write(self, pts_ms: int, duration_ms: int, data: bytes, keyframe: bool) -> None:
        """Add one frame. Timestamps must rise."""
        packet = av.Packet(data)
        packet.stream = self._stream
        packet.time_base = TIME_BASE
        packet.pts = packet.dts = pts_ms
        packet.duration = duration_ms
        packet.is_keyframe = keyframe
        self._output.mux(packet)

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        self._file.sync()

    def finish(self, duration_ms: int) -> None:
        """Write index and duration, wait until the disk has them, close."""
        self._output.close()
        ebml.put_duration(cast(BinaryIO, self._file), duration_ms)
        self._file.sync()
        self._file.close()

    def abandon(self) -> None:
        """Close as well as can be: on a full disk closing fails as writing did."""
        with contextlib.suppress(*WRITE_ERRORS):
            self._output.close()
        with contextlib.suppress(*WRITE_ERRORS):
            self._file.sync()
        with contextlib.suppress(*WRITE_ERRORS):
            self._file.close()

    def __enter__(self) -> "Muxer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()


class Segment:
    """One file of a track: opened by its first frame, finished by rename. `sync` may run beside the rest."""

    def __init__(self, folder: Folder, name: SegmentName, form: Format) -> None:
        self.folder = folder
        self.name = name
        self.format = form
        self._muxer: Muxer | None = None
        self._closing = threading.Lock()

    def write(self, pts_ms: int, duration_ms: int, data: bytes, keyframe: bool) -> None:
        """Add one frame. Raises WRITE_ERRORS, after which only `abandon` is left to do."""
        if self._muxer is None:
            self._muxer = Muxer(self.folder.open_path(self.name), self.format.template())
            self.folder.sync()
        self._muxer.write(pts_ms, duration_ms, data, keyframe)

    def fill(self, at_ms: int, frames: int) -> None:
        """Add so many frames of silence, in as few packets as can be. Raises WRITE_ERRORS."""
        many, few = divmod(frames, LONG_SILENCE_FRAMES)
        for data, count in [(LONG_SILENCE, LONG_SILENCE_FRAMES)] * many + [(SILENCE, 1)] * few:
            self.write(at_ms, count * SILENCE_MS, data, True)
            at_ms += count * SILENCE_MS

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        with self._closing:
            if self._muxer is not None:
                self._muxer.sync()

    def finish(self, duration_ms: int) -> None:
        """Complete the file and give it its final name. Raises WRITE_ERRORS."""
        with self._closing:
            muxer, self._muxer = self._muxer, None
            if muxer is None:
                return
            with muxer:
                muxer.finish(duration_ms)
        self.folder.finish(self.folder.open_path(self.name), self.name)

    def abandon(self) -> None:
        """Close the file as well as can be and leave it under its unfinished name."""
        with self._closing:
            muxer, self._muxer = self._muxer, None
            if muxer is not None:
                muxer.abandon()
