"""Media whose content can be checked: pictures with a number in bars and a flash, sound with a beep."""

import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import av.logging
import numpy as np

BITS = 12
FLASH_EVERY_MS = 1000
FLASH_MS = 200
FPS = 25
FRAME_MS = 40
OPUS_MS = 20


@dataclass(frozen=True)
class Encoded:
    """One encoded picture or packet of sound, and the ms of its capture."""

    at_ms: int
    data: bytes
    keyframe: bool
    number: int = 0


def draw(number: int, flash: bool, width: int, height: int) -> np.ndarray:
    """Twelve bars, the left one the highest bit, above a field that is white during a flash."""
    picture = np.full((height, width, 3), 255 if flash else 16, np.uint8)
    bar = width // BITS
    for bit in range(BITS):
        picture[: height // 2, bit * bar : (bit + 1) * bar] = 235 if number >> (BITS - 1 - bit) & 1 else 16
    return picture


@cache
def pictures(
    count: int, width: int = 192, height: int = 108, every: int = 1000, first: int = 0
) -> tuple[Encoded, ...]:
    """Numbered pictures at 25/s, a keyframe every so many; each second begins with a flash."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.bit_rate, encoder.gop_size = Fraction(1, 1000), 400_000, every
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
    encoded = []
    for number in range(first, first + count):
        at_ms = number * FRAME_MS
        flash = at_ms % FLASH_EVERY_MS < FLASH_MS
        frame = av.VideoFrame.from_ndarray(draw(number, flash, width, height), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
        encoded += [
            Encoded(at_ms, bytes(packet), packet.is_keyframe, number) for packet in encoder.encode(frame)
        ]
    return tuple(encoded)


@cache
def sound(length_ms: int) -> tuple[Encoded, ...]:
    """Opus packets of 20 ms; a beep of 1 kHz while the pictures flash."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48_000), 32_000
    encoder.options = {"application": "lowdelay"}
    encoded = []
    for at_ms in range(0, length_ms, OPUS_MS):
        times = (np.arange(960) + at_ms * 48) / 48_000
        loud = 12_000 if at_ms % FLASH_EVERY_MS < FLASH_MS else 0
        mono = (np.sin(2 * np.pi * 1000 * times) * loud).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(mono, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, at_ms * 48, Fraction(1, 48_000)
        encoded += [Encoded(at_ms, bytes(packet), True) for packet in encoder.encode(frame)]
    return tuple(encoded)


@dataclass(frozen=True)
class Sent:
    """An RTP packet, when it was captured and when it comes."""

    capture_ms: float
    arrival_ms: float
    data: bytes

    def delayed(self, delay_ms: float) -> "Sent":
        """The same packet, later."""
        return replace(self, arrival_ms=self.arrival_ms + delay_ms)


@dataclass
class Packetizer:
    """RTP of one track. The capture at 0 ms has RTP time `timestamp`; the network takes `delay_ms`."""

    payload_type: int
    clock_rate: int
    sequence: int = 65_500
    timestamp: int = 0xFFFF_F000
    delay_ms: float = 30.0
    mtu: int = 900

    def rtp_time(self, at_ms: float) -> int:
        """The RTP timestamp of a capture."""
        return (self.timestamp + round(at_ms * self.clock_rate / 1000)) & 0xFFFF_FFFF

    def packet(self, at_ms: float, payload: bytes, marker: bool) -> Sent:
        """One packet with the next number."""
        second = self.payload_type | (0x80 if marker else 0)
        head = struct.pack("!BBHII", 0x80, second, self.sequence, self.rtp_time(at_ms), 0x1234)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return Sent(at_ms, at_ms + self.delay_ms, head + payload)

    def sound(self, encoded: Encoded) -> list[Sent]:
        """One Opus packet."""
        return [self.packet(encoded.at_ms, encoded.data, False)]

    def picture(self, encoded: Encoded) -> list[Sent]:
        """A VP8 picture, with 15-bit picture ids (RFC 7741, 4.2)."""
        pieces = [encoded.data[at : at + self.mtu] for at in range(0, len(encoded.data), self.mtu)]
        number = struct.pack("!H", 0x8000 | encoded.number & 0x7FFF)
        return [
            self.packet(
                encoded.at_ms,
                bytes((0x80 | (0x10 if index == 0 else 0), 0x80)) + number + piece,
                index == len(pieces) - 1,
            )
            for index, piece in enumerate(pieces)
        ]

    def ntp(self, at_ms: float, wall_offset_s: float = 1e9) -> tuple[int, int]:
        """A sender report's two clocks at a moment: the publisher's wall clock is whatever it is."""
        return int((wall_offset_s + at_ms / 1000) * 2**32), self.rtp_time(at_ms)


@dataclass(frozen=True)
class Seen:
    """One decoded picture."""

    at_ms: int
    number: int
    flash: bool


def read_pictures(path: Path) -> list[Seen]:
    """What the pictures of a file show."""
    seen = []
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            grey = frame.to_ndarray(format="gray")
            height, width = grey.shape
            bar = width // BITS
            row = grey[height // 4]
            number = 0
            for bit in range(BITS):
                number = number << 1 | int(row[bit * bar + bar // 2] > 128)
            seen.append(
                Seen(
                    round(frame.pts * frame.time_base * 1000), number, grey[height * 3 // 4, width // 2] > 128
                )
            )
    return seen


def read_beeps(path: Path, by_samples: bool = False) -> list[int]:
    """When the beeps of a file begin, in ms: by its timestamps or, as browsers do, by counting samples."""
    beeps, loud, counted, start = [], False, 0, None
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            at_ms = float(frame.pts * frame.time_base * 1000)
            start = at_ms if start is None else start
            if by_samples:
                at_ms = start + counted / frame.sample_rate * 1000
            samples = frame.to_ndarray()
            samples = samples[0] if samples.ndim > 1 else samples
            counted += frame.samples
            for index in range(0, frame.samples, 240):
                now = float(np.abs(samples[index : index + 240]).max()) > 0.1
                if now and not loud:
                    beeps.append(round(at_ms + index / frame.sample_rate * 1000))
                loud = now
    return beeps


def play(path: Path) -> tuple[float, float]:
    """Decode a file to its end; its start and duration in s. Whatever FFmpeg warns of is an error."""
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as complaints, av.open(str(path)) as file:
            start, duration = (file.start_time or 0) / 1e6, (file.duration or 0) / 1e6
            for _ in file.decode(file.streams[0]):
                pass
    finally:
        av.logging.set_level(None)
    assert not complaints, complaints
    return start, duration
