"""Inputs that are nearly right: real ones with a few changes, the same on every run with the same seed."""

import random
from collections.abc import Callable, Sequence

_INTERESTING = tuple(
    value.to_bytes(size, order)
    for size, values in (
        (1, (0, 1, 0x0F, 0x10, 0x7F, 0x80, 0xBE, 0xFE, 0xFF)),
        (2, (0, 1, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF)),
        (4, (0, 1, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)),
    )
    for value in values
    for order in ("big", "little")
)
# Most inputs get one or two changes: more, and hardly anything passes the first check of a parser.
_CHANGES = (1, 1, 1, 2, 2, 3, 5, 8)
_LONGEST_RUN = 32


class Mutator:
    """Makes inputs from a corpus. `tokens` are put in here and there; nothing gets longer than `longest`."""

    def __init__(
        self, corpus: Sequence[bytes], seed: int, tokens: Sequence[bytes] = (), longest: int = 2_048
    ) -> None:
        self._random = random.Random(seed)
        self._corpus = [one[:longest] for one in corpus] or [b""]
        self._pieces = (*_INTERESTING, *(tuple(tokens) * 4))
        self._longest = longest
        self._mutations: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._flip, self._set, self._set, self._add, self._put, self._put, self._insert, self._fill,
            self._truncate, self._remove, self._repeat, self._splice,
        )  # fmt: skip

    def make(self) -> bytes:
        """The next input."""
        choose = self._random.choice
        data = bytearray(choose(self._corpus))
        for _ in range(choose(_CHANGES)):
            choose(self._mutations)(data)
        return bytes(data[: self._longest])

    def _at(self, data: bytearray) -> int:
        return int(self._random.random() * len(data))

    def _span(self, data: bytearray) -> tuple[int, int]:
        start = self._at(data)
        return start, start + 1 + int(self._random.random() * _LONGEST_RUN)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._at(data)] ^= 1 << self._random.getrandbits(3)

    def _set(self, data: bytearray) -> None:
        if data:
            data[self._at(data)] = self._random.getrandbits(8)

    def _add(self, data: bytearray) -> None:
        if data:
            at = self._at(data)
            data[at] = (data[at] + self._random.choice((-1, 1, 4, -4))) & 0xFF

    def _put(self, data: bytearray) -> None:
        piece = self._random.choice(self._pieces)
        at = self._at(data)
        data[at : at + len(piece)] = piece

    def _insert(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self._random.choice(self._pieces)

    def _fill(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self._random.randbytes(1 + self._random.getrandbits(4))

    def _truncate(self, data: bytearray) -> None:
        del data[self._at(data) :]

    def _remove(self, data: bytearray) -> None:
        start, end = self._span(data)
        del data[start:end]

    def _repeat(self, data: bytearray) -> None:
        start, end = self._span(data)
        data[start:start] = data[start:end] * (1 << self._random.getrandbits(2))

    def _splice(self, data: bytearray) -> None:
        other = self._random.choice(self._corpus)
        if other:
            data[self._at(data) :] = other[self._random.randrange(len(other)) :]
