"""The worker's one buffer, in which copies are rewritten and encrypted one after another."""

from collections.abc import Sequence
from typing import Any, Final

from pylibsrtp._binding import ffi, lib

from sfu.drops import DropCounter, DropReason
from sfu.port import Path

# Before segmentation a datagram has at most 65,507 bytes; tags come on top.
_BUFFER_BYTES: Final = 65_536 + 2048


class Output:
    """Encrypts and sends what lies in its buffer; counts what left and what was lost here."""

    def __init__(self, drops: DropCounter) -> None:
        self.drops = drops
        self.pointer = ffi.new("unsigned char[]", _BUFFER_BYTES)
        self.view = memoryview(ffi.buffer(self.pointer)).cast("B")
        self.sent = 0
        self.resent = 0
        self._length = ffi.new("int *")

    def send(
        self, key: Any, path: Path, place: memoryview, stride: int, slots: Sequence[tuple[Any, int]]
    ) -> bool:
        """Encrypt the packets at `slots`, (pointer, length) each, and send `place`, which holds them `stride` apart.

        False when they were lost here, and counted.
        """
        length_pointer, protect = self._length, lib.srtp_protect
        for pointer, length in slots:
            length_pointer[0] = length
            if protect(key, pointer, length_pointer):
                # Nothing of the buffer may leave: part of it is still plain.
                self.drops.count(DropReason.TOO_OLD, len(slots))
                return False
        sent = path.send(place) if len(slots) == 1 else path.send_burst(place, stride)
        if sent:
            self.sent += len(slots)
        else:
            self.drops.count(DropReason.SOCKET_FULL, len(slots))
        return sent

    def send_again(self, key: Any, path: Path, data: bytes | bytearray) -> bool:
        """Encrypt and send one packet again that is ready but for that."""
        length = len(data)
        self.view[:length] = data
        self._length[0] = length
        if lib.srtp_protect(key, self.pointer, self._length):
            self.drops.count(DropReason.TOO_OLD)
            return False
        if not path.send(self.view[: self._length[0]]):
            self.drops.count(DropReason.SOCKET_FULL)
            return False
        self.sent += 1
        self.resent += 1
        return True
