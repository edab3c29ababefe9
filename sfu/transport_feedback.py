"""Transport-wide feedback: which packets arrived, and when (draft-holmer-rmcat-transport-wide-cc-extensions-01).

After the header come chunks that say of each packet whether it arrived, then the times of those that did. What
did not arrive costs nothing to read, and each arrival takes at least a byte: no message is slower than its length.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple

from sfu.errors import ParseError

# The unit of `deltas`, and what of it makes the unit of `reference_time`.
TICK_S: Final = 0.000_25
TICKS_PER_REFERENCE: Final = 256
FMT_TRANSPORT_FEEDBACK: Final = 15

_HEAD = Struct("!BBHIIHHI")
_BODY = Struct("!IIHHI")
_CHUNK = Struct("!H")
_DELTA = Struct("!h")
_SMALL, _LARGE = 1, 2
_MOST_RUN: Final = 0x1FFF
_ONE_BIT, _TWO_BITS = 14, 7
_RTPFB: Final = 205
# With two bytes for each delta and the worst of chunks this is 960 bytes.
_MOST_ARRIVALS: Final = 400
_MOST_DISTANCE: Final = 0x7FFF


class TransportFeedback(NamedTuple):
    """What became of `status_count` packets from the transport-wide number `base_number` on (modulo 2**16).

    `received` has the distances from `base_number` of those that arrived, ascending, each below `status_count`.
    `deltas` has for each of them the time since the one before it in the list, in ticks of 250 µs; it may be
    negative, and for the first one it is the time since `reference_time`, which counts 64 ms, modulo 2**24.
    `feedback_count` numbers the messages, modulo 256. `media_ssrc` is any stream of the one who sent the packets.
    """

    sender_ssrc: int
    media_ssrc: int
    base_number: int
    status_count: int
    reference_time: int
    feedback_count: int
    received: tuple[int, ...]
    deltas: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """The packet, padded with 1 to 3 bytes where needed. Deltas beyond 16 bits cannot be written."""
        symbols = self._symbols()
        chunks = b"".join(_CHUNK.pack(chunk) for chunk in _chunks(symbols))
        deltas = b"".join(_delta(delta) for delta in self.deltas)
        missing = -(len(chunks) + len(deltas)) % 4
        words = 4 + (len(chunks) + len(deltas) + missing) // 4
        first = (0xA0 if missing else 0x80) | FMT_TRANSPORT_FEEDBACK
        times = (self.reference_time & 0xFFFFFF) << 8 | self.feedback_count & 0xFF
        head = _HEAD.pack(
            first,
            _RTPFB,
            words,
            self.sender_ssrc,
            self.media_ssrc,
            self.base_number,
            self.status_count,
            times,
        )
        return head + chunks + deltas + (bytes(missing - 1) + bytes((missing,)) if missing else b"")

    def _symbols(self) -> bytes:
        kinds = (_SMALL if 0 <= delta <= 0xFF else _LARGE for delta in self.deltas)
        symbols = bytearray(self.status_count)
        for offset, kind in zip(self.received, kinds, strict=True):
            symbols[offset] = kind
        return bytes(symbols)


def _delta(delta: int) -> bytes:
    return bytes((delta,)) if 0 <= delta <= 0xFF else _DELTA.pack(delta)


def _chunks(symbols: bytes) -> Iterator[int]:
    """The shortest of the three forms, chunk by chunk; what a vector has too much is not received."""
    at = 0
    while at < len(symbols):
        part = symbols[at : at + _MOST_RUN]
        run = len(part) - len(part.lstrip(part[:1]))
        if run >= min(_ONE_BIT, len(part)):
            yield part[0] << 13 | run
        elif run >= _TWO_BITS or _LARGE not in part[:_ONE_BIT]:
            # A run that is worth a chunk of its own was seen above, unless large deltas follow it.
            run, chunk = _vector_or_run(part, run)
            yield chunk
        else:
            run = _TWO_BITS
            yield 0xC000 | _packed(part[:_TWO_BITS], 2)
        at += run


def _vector_or_run(part: bytes, run: int) -> tuple[int, int]:
    if _LARGE in part[:_ONE_BIT]:
        return run, part[0] << 13 | run
    return _ONE_BIT, 0x8000 | _packed(part[:_ONE_BIT], 1)


def _packed(symbols: bytes, bits: int) -> int:
    value = 0
    for symbol in symbols.ljust(14 // bits, b"\0"):
        value = value << bits | symbol
    return value


def _unpacked(width: int, bits: int) -> list[bytes]:
    """For each number of `width` bits the symbols of `bits` bits in it, highest first."""
    mask, shifts = (1 << bits) - 1, range(width - bits, -1, -bits)
    return [bytes(number >> shift & mask for shift in shifts) for number in range(1 << width)]


_HIGH_ONE, _LOW_ONE = _unpacked(6, 1), _unpacked(8, 1)
_HIGH_TWO, _LOW_TWO = _unpacked(6, 2), _unpacked(8, 2)


def read_transport_feedback(body: bytes) -> TransportFeedback:
    """Read what follows the RTCP header. Raises ParseError, in time linear in its length."""
    if len(body) < _BODY.size:
        raise ParseError("transport-wide feedback is cut off")
    sender, media, base, count, times = _BODY.unpack_from(body)
    received, kinds, at = _read_chunks(body, count)
    deltas = _read_deltas(body, at, kinds)
    return TransportFeedback(
        sender, media, base, count, times >> 8, times & 0xFF, tuple(received), tuple(deltas)
    )


def _read_chunks(body: bytes, count: int) -> tuple[list[int], bytearray, int]:
    """The distances of what was received, the kind of delta of each, and where the deltas begin."""
    at, offset, length = _BODY.size, 0, len(body)
    received: list[int] = []
    kinds = bytearray()
    while offset < count:
        if at + 2 > length:
            raise ParseError("transport-wide feedback lacks a chunk")
        high, low = body[at], body[at + 1]
        at += 2
        if high < 0x80:
            run = min((high & 0x1F) << 8 | low, count - offset)
            symbol = high >> 5
            if symbol:
                if run > length - at:
                    raise ParseError("transport-wide feedback lacks deltas")
                received.extend(range(offset, offset + run))
                kinds += bytes((symbol,)) * run
            offset += run
            continue
        part = (
            _HIGH_ONE[high & 0x3F] + _LOW_ONE[low] if high < 0xC0 else _HIGH_TWO[high & 0x3F] + _LOW_TWO[low]
        )
        part = part[: count - offset]
        received.extend([offset + index for index, symbol in enumerate(part) if symbol])
        kinds += part.replace(b"\0", b"")
        offset += len(part)
    return received, kinds, at


def _read_deltas(body: bytes, at: int, kinds: bytearray) -> Sequence[int]:
    if kinds.count(_SMALL) == len(kinds):
        deltas = body[at : at + len(kinds)]
        if len(deltas) < len(kinds):
            raise ParseError("transport-wide feedback lacks deltas")
        return deltas
    if 3 in kinds:
        raise ParseError("transport-wide feedback uses a reserved symbol")
    if at + len(kinds) + kinds.count(_LARGE) > len(body):
        raise ParseError("transport-wide feedback lacks deltas")
    return _read_mixed(body, at, kinds)


def _read_mixed(body: bytes, at: int, kinds: bytearray) -> list[int]:
    deltas = []
    for kind in kinds:
        deltas.append(body[at] if kind == _SMALL else _DELTA.unpack_from(body, at)[0])
        at += kind
    return deltas


class FeedbackWriter:
    """Puts arrivals into messages and numbers these; `media_ssrc` is to be one of the sender's streams."""

    def __init__(self, sender_ssrc: int, media_ssrc: int) -> None:
        self.sender_ssrc = sender_ssrc
        self.media_ssrc = media_ssrc
        self._count = 0

    def write(self, arrivals: Sequence[tuple[int, int]], base: int) -> list[TransportFeedback]:
        """Tell of all numbers from `base` to the last of `arrivals`: (number, tick), ascending by number.

        Neither numbers nor ticks wrap here, no number is below `base`. A new message begins where one would grow
        too long for a datagram, or a delta or distance too large for its field.
        """
        messages, start = [], 0
        while start < len(arrivals):
            stop = _stop(arrivals, start, base)
            messages.append(self._message(arrivals[start:stop], base))
            start, base = stop, arrivals[stop - 1][0] + 1
        return messages

    def _message(self, arrivals: Sequence[tuple[int, int]], base: int) -> TransportFeedback:
        reference = arrivals[0][1] // TICKS_PER_REFERENCE
        ticks = [reference * TICKS_PER_REFERENCE, *(tick for _, tick in arrivals)]
        message = TransportFeedback(
            self.sender_ssrc,
            self.media_ssrc,
            base & 0xFFFF,
            arrivals[-1][0] - base + 1,
            reference & 0xFFFFFF,
            self._count,
            tuple(number - base for number, _ in arrivals),
            tuple(later - earlier for earlier, later in pairwise(ticks)),
        )
        self._count = (self._count + 1) & 0xFF
        return message


def _stop(arrivals: Sequence[tuple[int, int]], start: int, base: int) -> int:
    """Where the message that begins with arrival `start` must end."""
    most = min(len(arrivals), start + _MOST_ARRIVALS)
    for at in range(start + 1, most):
        delta = arrivals[at][1] - arrivals[at - 1][1]
        if not -0x8000 <= delta <= 0x7FFF or arrivals[at][0] - base > _MOST_DISTANCE:
            return at
    return most
