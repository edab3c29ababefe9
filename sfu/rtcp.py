"""RTCP (RFC 3550, 6; feedback RFC 4585 and 5104; REMB draft-alvestrand-rmcat-remb-03): read and written.

Transport-wide feedback has a file of its own, `transport_feedback`; `parse` reads it with the rest.

Reading is lenient as a receiver must be: `parse` never raises, unknown members are skipped, a malformed one
ends the compound and what came before it counts. Packets of reduced size (RFC 5506) are accepted.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from sfu.errors import ParseError
from sfu.transport_feedback import FMT_TRANSPORT_FEEDBACK, TransportFeedback, read_transport_feedback

_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_FMT_NACK, _FMT_PLI, _FMT_FIR, _FMT_REMB = 1, 1, 4, 15
_CNAME: Final = 1
# Of one NACK, which can name 17 numbers in four bytes, no more are read than a sender remembers.
MOST_NACKED: Final = 1024

_HEADER = Struct("!BBH")
_SENDER_INFO = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_FEEDBACK = Struct("!II")
_WORD = Struct("!I")
_PAIR = Struct("!HH")
_FIR_ENTRY = Struct("!IB3x")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one stream (RFC 3550, 6.4.1).

    `fraction_lost` is in 1/256 since the last report, `lost` in packets since the beginning (duplicates can
    make it negative), `jitter` in RTP ticks, `last_sr` the middle 32 bits of the last report's NTP time,
    `delay_since_last_sr` in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int

    def to_bytes(self) -> bytes:
        """The 24 bytes of the block."""
        return _BLOCK.pack(
            self.ssrc,
            self.fraction_lost << 24 | self.lost & 0xFFFFFF,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A sender ties its RTP clock to wall-clock time; `ntp` is the 64-bit NTP timestamp."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()

    def to_bytes(self) -> bytes:
        """The packet, without padding."""
        info = _SENDER_INFO.pack(self.ssrc, self.ntp, self.rtp_timestamp, self.packets, self.octets)
        return _packet(_SR, len(self.blocks), info + _join(self.blocks))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What a participant that sends nothing says of what it receives."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def to_bytes(self) -> bytes:
        """The packet, without padding."""
        return _packet(_RR, len(self.blocks), _WORD.pack(self.ssrc) + _join(self.blocks))


@dataclass(frozen=True, slots=True)
class SourceChunk:
    """The descriptions of one source: (item type, text), CNAME being type 1. The text is as it was sent."""

    ssrc: int
    items: tuple[tuple[int, str], ...]

    @property
    def cname(self) -> str | None:
        """The source's canonical name, if given."""
        return next((text for kind, text in self.items if kind == _CNAME), None)

    def to_bytes(self) -> bytes:
        """The chunk with its terminating zeros."""
        items = b"".join(_item(kind, text) for kind, text in self.items)
        return _WORD.pack(self.ssrc) + items + bytes(4 - len(items) % 4)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Who is behind which SSRC."""

    chunks: tuple[SourceChunk, ...]

    def to_bytes(self) -> bytes:
        """The packet, without padding."""
        return _packet(_SDES, len(self.chunks), _join(self.chunks))


@dataclass(frozen=True, slots=True)
class Bye:
    """The sources that have ended."""

    ssrcs: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """The packet, without a reason."""
        return _packet(_BYE, len(self.ssrcs), _words(self.ssrcs))


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets that a receiver misses (RFC 4585, 6.2.1): each number once, in the order first named."""

    sender_ssrc: int
    media_ssrc: int
    sequence_numbers: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """The packet; numbers within 16 of each other share an entry."""
        entries = b"".join(_PAIR.pack(pid, mask) for pid, mask in _nack_entries(self.sequence_numbers))
        return _feedback(_RTPFB, _FMT_NACK, self.sender_ssrc, self.media_ssrc, entries)


@dataclass(frozen=True, slots=True)
class Pli:
    """Picture loss indication: a keyframe is needed (RFC 4585, 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def to_bytes(self) -> bytes:
        """The packet."""
        return _feedback(_PSFB, _FMT_PLI, self.sender_ssrc, self.media_ssrc, b"")


@dataclass(frozen=True, slots=True)
class Fir:
    """Full intra request (RFC 5104, 4.3.1): a keyframe of each source.

    A repeated request keeps its `sequence_number`, a new one counts it up; of several the first is kept.
    """

    sender_ssrc: int
    ssrcs: tuple[int, ...]
    sequence_number: int = 0

    def to_bytes(self) -> bytes:
        """The packet."""
        entries = b"".join(_FIR_ENTRY.pack(ssrc, self.sequence_number & 0xFF) for ssrc in self.ssrcs)
        return _feedback(_PSFB, _FMT_FIR, self.sender_ssrc, 0, entries)


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate: all of `ssrcs` together should not exceed `bitrate_bps`."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """The packet; the bitrate is rounded down to 18 significant bits."""
        exponent = max(0, self.bitrate_bps.bit_length() - 18)
        head = len(self.ssrcs) << 24 | exponent << 18 | self.bitrate_bps >> exponent
        fci = b"REMB" + _WORD.pack(head) + _words(self.ssrcs)
        return _feedback(_PSFB, _FMT_REMB, self.sender_ssrc, 0, fci)


Message = (
    SenderReport | ReceiverReport | SourceDescription | Bye | Nack | Pli | Fir | Remb | TransportFeedback
)


class ParsedCompound(NamedTuple):
    """The members that were understood, and whether a malformed one cut the compound short."""

    messages: list[Message]
    malformed: bool


def is_transport_feedback(data: bytes) -> bool:
    """Whether it is one message of transport-wide feedback and nothing else."""
    alone = len(data) == 4 + 4 * int.from_bytes(data[2:4], "big")
    return alone and data[1] == _RTPFB and data[0] & 0x1F == FMT_TRANSPORT_FEEDBACK


def parse(data: bytes) -> ParsedCompound:
    """Read a compound or reduced-size packet. Never raises."""
    messages: list[Message] = []
    try:
        for kind, count, body in _members(data):
            reader = _READERS.get(kind)
            message = reader(count, body) if reader else None
            if message is not None:
                messages.append(message)
    except ParseError:
        return ParsedCompound(messages, malformed=True)
    return ParsedCompound(messages, malformed=False)


def _members(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at, end = 0, len(data)
    if end < _HEADER.size:
        raise ParseError("RTCP packet is shorter than its header")
    while at < end:
        if at + _HEADER.size > end:
            raise ParseError("RTCP header is cut off")
        first, kind, words = _HEADER.unpack_from(data, at)
        stop = at + 4 + 4 * words
        if first & 0xC0 != 0x80 or stop > end:
            raise ParseError("RTCP version is not 2, or its length lies")
        body = data[at + 4 : stop]
        if first & 0x20 and not (kind == _RTPFB and first & 0x1F == FMT_TRANSPORT_FEEDBACK):
            # Transport-wide feedback is padded by bytes, not by words, and says itself where it ends.
            body = _without_padding(body)
        yield kind, first & 0x1F, body
        at = stop


def _without_padding(body: bytes) -> bytes:
    padding = body[-1] if body else 0
    if padding == 0 or padding % 4 or padding > len(body):
        raise ParseError("RTCP padding is impossible")
    return body[:-padding]


def _need(body: bytes, length: int) -> None:
    if len(body) < length:
        raise ParseError("RTCP member is cut off")


def _read_blocks(body: bytes, at: int, count: int) -> tuple[ReportBlock, ...]:
    _need(body, at + count * _BLOCK.size)
    return tuple(_read_block(body, at + n * _BLOCK.size) for n in range(count))


def _read_block(body: bytes, at: int) -> ReportBlock:
    ssrc, loss, *rest = _BLOCK.unpack_from(body, at)
    lost = loss & 0xFFFFFF
    return ReportBlock(ssrc, loss >> 24, lost - (lost >> 23 << 24), *rest)


def _read_sender_report(count: int, body: bytes) -> SenderReport:
    _need(body, _SENDER_INFO.size)
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    blocks = _read_blocks(body, _SENDER_INFO.size, count)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, blocks)


def _read_receiver_report(count: int, body: bytes) -> ReceiverReport:
    _need(body, _WORD.size)
    (ssrc,) = _WORD.unpack_from(body)
    return ReceiverReport(ssrc, _read_blocks(body, _WORD.size, count))


def _read_source_description(count: int, body: bytes) -> SourceDescription:
    chunks, at = [], 0
    for _ in range(count):
        chunk, at = _read_chunk(body, at)
        chunks.append(chunk)
    return SourceDescription(tuple(chunks))


def _read_chunk(body: bytes, at: int) -> tuple[SourceChunk, int]:
    _need(body, at + 8)
    (ssrc,) = _WORD.unpack_from(body, at)
    items, at = [], at + 4
    while body[at]:
        _need(body, at + 2)
        stop = at + 2 + body[at + 1]
        _need(body, stop + 1)
        items.append((body[at], body[at + 2 : stop].decode("utf-8", "replace")))
        at = stop
    # One zero ends the list, more fill up the word.
    return SourceChunk(ssrc, tuple(items)), at - at % 4 + 4


def _read_bye(count: int, body: bytes) -> Bye:
    _need(body, 4 * count)
    return Bye(_read_words(body, 0, count))


def _read_rtp_feedback(fmt: int, body: bytes) -> Nack | TransportFeedback | None:
    if fmt == FMT_TRANSPORT_FEEDBACK:
        return read_transport_feedback(body)
    return _read_nack(body) if fmt == _FMT_NACK else None


def _read_nack(body: bytes) -> Nack:
    _need(body, _FEEDBACK.size)
    sender, media = _FEEDBACK.unpack_from(body)
    numbers: list[int] = []
    for pid, mask in _PAIR.iter_unpack(body[8:]):
        if len(numbers) >= MOST_NACKED:
            break
        numbers.append(pid)
        numbers += [(pid + bit + 1) & 0xFFFF for bit in range(mask.bit_length()) if mask >> bit & 1]
    # A dictionary keeps the order and holds each number once: a repeated one must not be sent again.
    return Nack(sender, media, tuple(dict.fromkeys(numbers)))


def _read_payload_feedback(fmt: int, body: bytes) -> Pli | Fir | Remb | None:
    if fmt not in (_FMT_PLI, _FMT_FIR, _FMT_REMB):
        return None
    _need(body, _FEEDBACK.size)
    sender, media = _FEEDBACK.unpack_from(body)
    if fmt == _FMT_PLI:
        return Pli(sender, media)
    return _read_fir(sender, body) if fmt == _FMT_FIR else _read_remb(sender, body)


def _read_fir(sender: int, body: bytes) -> Fir:
    entries = [_FIR_ENTRY.unpack_from(body, at) for at in range(8, len(body) - 7, 8)]
    if not entries:
        raise ParseError("FIR names no source")
    return Fir(sender, tuple(dict.fromkeys(ssrc for ssrc, _ in entries)), entries[0][1])


def _read_remb(sender: int, body: bytes) -> Remb | None:
    # Other application-layer feedback shares the number 15; REMB says its name.
    if body[8:12] != b"REMB":
        return None
    _need(body, 16)
    (head,) = _WORD.unpack_from(body, 12)
    count, exponent, mantissa = head >> 24, head >> 18 & 0x3F, head & 0x3FFFF
    _need(body, 16 + 4 * count)
    return Remb(sender, mantissa << exponent, _read_words(body, 16, count))


_READERS: Final[dict[int, Callable[[int, bytes], Message | None]]] = {
    _SR: _read_sender_report,
    _RR: _read_receiver_report,
    _SDES: _read_source_description,
    _BYE: _read_bye,
    _RTPFB: _read_rtp_feedback,
    _PSFB: _read_payload_feedback,
}


def _read_words(body: bytes, at: int, count: int) -> tuple[int, ...]:
    return tuple(_WORD.unpack_from(body, at + 4 * n)[0] for n in range(count))


def _words(values: Iterable[int]) -> bytes:
    return b"".join(_WORD.pack(value) for value in values)


def _join(parts: Iterable[ReportBlock] | Iterable[SourceChunk]) -> bytes:
    return b"".join(part.to_bytes() for part in parts)


def _item(kind: int, text: str) -> bytes:
    value = text.encode()
    return bytes((kind, len(value))) + value


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _feedback(kind: int, fmt: int, sender: int, media: int, fci: bytes) -> bytes:
    return _packet(kind, fmt, _FEEDBACK.pack(sender, media) + fci)


def _nack_entries(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    entry: tuple[int, int] | None = None
    for number in numbers:
        distance = (number - entry[0]) & 0xFFFF if entry else 0
        if entry and 0 < distance <= 16:
            entry = entry[0], entry[1] | 1 << (distance - 1)
            continue
        if entry:
            yield entry
        entry = number, 0
    if entry:
        yield entry
