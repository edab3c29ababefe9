"""Files whose writing was cut short → finished ones. Muxed again up to the last whole frame, never decoded.

Every step may be cut short as well: a repaired copy gets its final name only when it lies on the disk
whole, and the broken original goes only after that.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import av.container
from av import VideoStream

from recording.archive import Folder, SegmentName
from recording.segment import WRITE_ERRORS, Format, Muxer

_CODECS: Final = {"vp8": "VP8", "opus": "opus"}
# Enough for the header; with more, FFmpeg would decode pictures to learn what the header says already.
_READ_OPTIONS: Final = {"probesize": "32", "analyzeduration": "0"}


@dataclass(frozen=True, slots=True)
class Extent:
    """What a file holds and from when to when, in ms since the recording began."""

    format: Format
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class _Frame:
    at_ms: int
    duration_ms: int
    data: bytes
    keyframe: bool


def probe(path: Path) -> Extent | None:
    """What a file holds, by reading it; None when it has no readable media. Raises OSError."""
    with _opened(path) as source:
        if source is None:
            return None
        frames = [(frame.at_ms, frame.at_ms + frame.duration_ms) for frame in _frames(source)]
        form = _format(source)
        duration_ms = round((source.duration or 0) / 1000)
        return Extent(form, frames[0][0], max(frames[-1][1], duration_ms)) if frames and form else None


def repair(folder: Folder, name: SegmentName) -> Extent | None:
    """Finish an unfinished file; None when it holds nothing, and it is then set aside.

    Raises WRITE_ERRORS when the disk has no room for the copy; the unfinished file is then as it was.
    """
    if folder.final_path(name).exists():
        folder.discard_repaired(name)
        return probe(folder.final_path(name))
    extent = _remux(folder.open_path(name), folder.repair_path(name))
    if extent is None:
        folder.set_aside(name)
        return None
    folder.finish(folder.repair_path(name), name)
    folder.discard_repaired(name)
    return extent


def salvage(folder: Folder, name: SegmentName) -> Extent | None:
    """As `repair`, but without room for a copy the file is finished as it lies: it plays, with no index.

    Raises OSError when the disk does not even take what was written already.
    """
    try:
        return repair(folder, name)
    except WRITE_ERRORS:
        folder.repair_path(name).unlink(missing_ok=True)
    extent = probe(folder.open_path(name))
    if extent is None:
        folder.set_aside(name)
    else:
        folder.finish(folder.open_path(name), name)
    return extent


def _remux(source_path: Path, target_path: Path) -> Extent | None:
    target_path.unlink(missing_ok=True)
    with _opened(source_path) as source:
        form = _format(source) if source else None
        if source is None or form is None:
            return None
        with Muxer(target_path, form.template()) as muxer:
            extent = _copy(source, muxer, form)
    if extent is None:
        target_path.unlink(missing_ok=True)
    return extent


def _copy(source: av.container.InputContainer, muxer: Muxer, form: Format) -> Extent | None:
    start_ms, end_ms = None, 0
    for frame in _frames(source):
        muxer.write(frame.at_ms, frame.duration_ms, frame.data, frame.keyframe)
        start_ms = frame.at_ms if start_ms is None else start_ms
        end_ms = frame.at_ms + frame.duration_ms
    if start_ms is None:
        return None
    muxer.finish(end_ms)
    return Extent(form, start_ms, end_ms)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer | None]:
    """The file to read; None when not even its header is whole."""
    with path.open("rb") as file:
        try:
            source = av.open(file, "r", format="matroska", options=dict(_READ_OPTIONS))
        except (av.error.FFmpegError, ValueError):
            yield None
            return
        with source:
            yield source


def _format(source: av.container.InputContainer) -> Format | None:
    if len(source.streams) != 1:
        return None
    stream = source.streams[0]
    codec = _CODECS.get(stream.codec_context.name)
    if codec == "VP8" and isinstance(stream, VideoStream):
        return Format("video", codec, stream.codec_context.width, stream.codec_context.height)
    return Format("audio", codec) if codec == "opus" else None


def _frames(source: av.container.InputContainer) -> Iterator[_Frame]:
    """The whole frames in order; ends where the file is broken."""
    last_ms = -1
    with contextlib.suppress(av.error.FFmpegError):
        for packet in source.demux(source.streams[0]):
            if packet.pts is None or packet.is_corrupt or packet.size == 0:
                continue
            at_ms = round(packet.pts * packet.time_base * 1000)
            if at_ms <= last_ms:
                continue
            last_ms = at_ms
            duration = round((packet.duration or 0) * packet.time_base * 1000)
            yield _Frame(at_ms, duration, bytes(packet), packet.is_keyframe)
