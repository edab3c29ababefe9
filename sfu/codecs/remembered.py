"""Reading headers that are dear to read and seldom change: parameter sets, tables of layers."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from sfu.errors import ParseError

# The worst of them take some hundred microseconds, a hundred times what a packet may cost. An encoder changes them
# with its picture's size, and repeats them with each keyframe.
_PACKETS_PER_CHANGE: Final = 32
_CHANGES_AT_ONCE: Final = 16

_KeyT = TypeVar("_KeyT")
_ValueT = TypeVar("_ValueT")


class Remembered(Generic[_KeyT, _ValueT]):
    """Knows what was read last; reads anew on average once in so many packets, and at first a few times at once."""

    __slots__ = ("_allowance", "_key", "_read", "_value")

    def __init__(self, read: Callable[[_KeyT], _ValueT]) -> None:
        self._read = read
        self._key: _KeyT | None = None
        self._value: _ValueT
        self._allowance = _CHANGES_AT_ONCE * _PACKETS_PER_CHANGE

    def count_packet(self) -> None:
        """One more packet has come, whatever is in it."""
        if self._allowance < _CHANGES_AT_ONCE * _PACKETS_PER_CHANGE:
            self._allowance += 1

    def read(self, key: _KeyT) -> _ValueT:
        """What these bytes say. Raises ParseError, also where they change too often; what is known stays."""
        if key != self._key:
            if self._allowance < _PACKETS_PER_CHANGE:
                raise ParseError("a header changes all the time")
            self._allowance -= _PACKETS_PER_CHANGE
            self._value = self._read(key)
            self._key = key
        return self._value
