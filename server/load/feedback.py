"""Transport-wide feedback as browsers send it (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1)."""

from collections.abc import Iterator, Sequence
from struct import Struct

_HEAD = Struct("!BBHIIHHI")
_RTPFB, _FMT_TRANSPORT_CC = 205, 15
_REFERENCE_NS = 64_000_000
_TICK_NS = 250_000
_MISSING, _SMALL, _LARGE = 0, 1, 2
_VECTOR = 7
_MOST_RUN = 8_191
# What a message can be about without growing past a packet.
MOST_NUMBERS = 400


class FeedbackWriter:
    """Collects the arrivals of one transport; `flush` tells of them and forgets them."""

    def __init__(self) -> None:
        self._arrivals: dict[int, int] = {}
        self._next: int | None = None
        self._highest = 0
        self._count = 0

    def arrived(self, number: int, at_ns: int) -> None:
        """A packet with this transport-wide sequence number came; what was told of already is left out."""
        if self._next is None:
            self._next = self._highest = number
        unwrapped = self._highest + ((number - self._highest + 0x8000 & 0xFFFF) - 0x8000)
        if unwrapped >= self._next:
            self._highest = max(self._highest, unwrapped)
            self._arrivals[unwrapped] = at_ns

    @property
    def waiting(self) -> int:
        """How many arrivals have not been told of."""
        return len(self._arrivals)

    def flush(self, sender_ssrc: int, media_ssrc: int) -> Iterator[bytes]:
        """The messages about everything since the last time."""
        while self._arrivals:
            first = min(self._arrivals)
            start = first if self._next is None or first - self._next > MOST_NUMBERS // 2 else self._next
            end = min(self._highest + 1, start + MOST_NUMBERS)
            told = [self._arrivals.pop(number, None) for number in range(start, end)]
            self._next = end
            self._count = self._count + 1 & 0xFF
            yield encode(sender_ssrc, media_ssrc, start & 0xFFFF, told, self._count)


def encode(sender_ssrc: int, media_ssrc: int, base: int, arrivals: Sequence[int | None], count: int) -> bytes:
    """One message about the numbers from `base` on, None for what did not come; times are in ns."""
    first = next((at for at in arrivals if at is not None), 0)
    reference = first // _REFERENCE_NS
    symbols, deltas = _deltas(arrivals, reference * (_REFERENCE_NS // _TICK_NS))
    body = b"".join(_chunks(symbols)) + deltas
    body += bytes(-len(body) % 4)
    words = (_HEAD.size + len(body)) // 4 - 1
    last = (reference & 0xFFFFFF) << 8 | count
    head = _HEAD.pack(
        0x80 | _FMT_TRANSPORT_CC, _RTPFB, words, sender_ssrc, media_ssrc, base, len(arrivals), last
    )
    return head + body


def _deltas(arrivals: Sequence[int | None], last: int) -> tuple[list[int], bytes]:
    """The symbol of each number, and the times between arrivals in quarters of a millisecond."""
    symbols, deltas = [], b""
    for at in arrivals:
        if at is None:
            symbols.append(_MISSING)
            continue
        delta = max(-0x8000, min(0x7FFF, at // _TICK_NS - last))
        last += delta
        small = 0 <= delta <= 0xFF
        symbols.append(_SMALL if small else _LARGE)
        deltas += delta.to_bytes(1, "big") if small else delta.to_bytes(2, "big", signed=True)
    return symbols, deltas


def _chunks(symbols: Sequence[int]) -> Iterator[bytes]:
    at = 0
    while at < len(symbols):
        run = _run(symbols, at)
        if run >= _VECTOR:
            yield (symbols[at] << 13 | run).to_bytes(2, "big")
            at += run
            continue
        part = symbols[at : at + _VECTOR]
        value = sum(symbol << 12 - 2 * place for place, symbol in enumerate(part))
        yield (0xC000 | value).to_bytes(2, "big")
        at += _VECTOR


def _run(symbols: Sequence[int], at: int) -> int:
    end = at + 1
    while end < len(symbols) and symbols[end] == symbols[at] and end - at < _MOST_RUN:
        end += 1
    return end - at
