"""The header of one subscriber's packets: the 12 bytes of RTP and the extension agreed with it (RFC 8285).

What differs from packet to packet and from subscriber to subscriber lies in one piece, so that one call writes
it; the rest is in a template which all subscribers of the same layout share.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any, Final, NamedTuple

from sfu.packet import MediaPacket
from sfu.rtp import HEADER_LENGTH, ONE_BYTE_PROFILE

# Beyond the extension's header: the number's element is always there, as padding where it is not agreed.
_NUMBER_LENGTH: Final = 3
_pack_head: Final = Struct("!BHII").pack_into
# abs-send-time counts seconds in 6.18 fixed point.
_SEND_TIME_UNITS: Final = 1 << 18


class Extensions(NamedTuple):
    """The ids agreed for what we write, 0 where there is none, and how long the mid is."""

    transport_wide_number: int = 0
    send_time: int = 0
    audio_level: int = 0
    mid: int = 0
    mid_length: int = 0


class HeaderLayout:
    """Where each part lies. `pack_into(buffer, at + 1, second byte, sequence, timestamp, ssrc, *rest)`.

    The rest is nothing in a bare layout, else `word`, `number_byte`, the transport-wide number (0 where
    `is_numbered` is false) and what `tail` makes of the subscription's mid.
    """

    __slots__ = (
        "_extensions",
        "_fill",
        "is_bare",
        "is_numbered",
        "length",
        "number_byte",
        "pack_into",
        "word",
    )

    def __init__(self, extensions: Extensions) -> None:
        self._extensions = extensions
        self.is_bare = not any(extensions)
        self.is_numbered = extensions.transport_wide_number != 0
        self.number_byte = extensions.transport_wide_number << 4 | 1 if self.is_numbered else 0
        body = _NUMBER_LENGTH + (1 + extensions.mid_length if extensions.mid else 0)
        body += (4 if extensions.send_time else 0) + (2 if extensions.audio_level else 0)
        words = (body + 3) // 4
        self._fill = 4 * words - body
        self.word = ONE_BYTE_PROFILE << 16 | words
        self.length = HEADER_LENGTH if self.is_bare else HEADER_LENGTH + 4 + 4 * words
        self.pack_into: Callable[..., None] = _pack_head if self.is_bare else self._struct().pack_into

    def _struct(self) -> Struct:
        return Struct(f"!BHIIIBHB{self._extensions.mid_length}s" if self._extensions.mid else "!BHIIIBH")

    def tail(self, mid: str) -> tuple[Any, ...]:
        """The last arguments of `pack_into` for a subscription in the section `mid`."""
        if not self._extensions.mid:
            return ()
        return (self._extensions.mid << 4 | self._extensions.mid_length - 1, mid.encode())

    def template(self, packet: MediaPacket) -> bytes:
        """The header with all that is the same for every copy; what `pack_into` writes is zero."""
        first = 0x80 | (0x20 if packet.padding else 0)
        if self.is_bare:
            return bytes((first,)).ljust(HEADER_LENGTH, b"\0")
        return (
            bytes((first | 0x10,)).ljust(1 + self._written, b"\0") + self._shared(packet) + bytes(self._fill)
        )

    @property
    def _written(self) -> int:
        mid = 1 + self._extensions.mid_length if self._extensions.mid else 0
        return HEADER_LENGTH - 1 + 4 + _NUMBER_LENGTH + mid

    def _shared(self, packet: MediaPacket) -> bytes:
        extensions, elements = self._extensions, b""
        if extensions.send_time:
            moment = int(time.monotonic() * _SEND_TIME_UNITS) & 0xFFFFFF
            elements += bytes((extensions.send_time << 4 | 2,)) + moment.to_bytes(3, "big")
        if extensions.audio_level:
            # Without a level the element would claim full loudness: an id of 0 makes it padding.
            level = packet.level
            elements += b"\0\0" if level is None else bytes((extensions.audio_level << 4, level))
        return elements


@lru_cache(maxsize=256)
def layout_of(extensions: Extensions) -> HeaderLayout:
    """The one layout of these extensions: copies share their templates by it."""
    return HeaderLayout(extensions)


BARE: Final = layout_of(Extensions())
