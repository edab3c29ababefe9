"""One subscriber's headers, written over copies of shared packets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfu.burst import Group
from sfu.header import BARE, HeaderLayout
from sfu.link import Link
from sfu.packet import MediaPacket
from sfu.rewriter import StreamRewriter


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the receiver has agreed to for one slot: its payload types by codec, (media, retransmission or None).

    `plain` is the layout for a copy that may be sent again as it is, bytes for bytes: nothing in it changes.
    """

    payload_types: Mapping[str, tuple[int, int | None]]
    layout: HeaderLayout = BARE
    plain: HeaderLayout = BARE
    mid: str = ""


class CopyWriter:
    """The numbers of one copied stream, and of its retransmissions, in the receiver's terms."""

    def __init__(self, link: Link, clock_rate: int, ssrc: int, rtx_ssrc: int | None) -> None:
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.numbers = StreamRewriter(clock_rate)
        self.layout = BARE
        self.payload_type = 0
        self.rtx_payload_type: int | None = None
        self._link = link
        self._agreed: Agreed | None = None
        self._tail: tuple[Any, ...] = ()
        self._rtx_sequence = 0

    def agree(self, agreed: Agreed) -> None:
        """The receiver knows what we write from here on."""
        self._agreed = agreed

    def payload_type_of(self, codec: str) -> int | None:
        """The receiver's number for packets of this codec."""
        types = self._agreed.payload_types.get(codec) if self._agreed is not None else None
        return types[0] if types is not None else None

    def choose(self, codec: str) -> bool:
        """Write packets of this codec; False when the receiver has not agreed to it."""
        types = self._agreed.payload_types.get(codec) if self._agreed is not None else None
        if types is None or self._agreed is None:
            return False
        self.payload_type, rtx = types
        self.rtx_payload_type = rtx if self.rtx_ssrc is not None else None
        # Sent again under its own number, a copy must be the same bytes: one key stream, one content.
        repeats = self.rtx_ssrc is not None and self.rtx_payload_type is None
        self.layout = self._agreed.plain if repeats else self._agreed.layout
        self._tail = self.layout.tail(self._agreed.mid)
        return True

    def write(self, group: Group) -> None:
        """Make the group's place in the output's buffer this subscriber's copy."""
        view, numbers, ssrc, payload_type = group.place, self.numbers, self.ssrc, self.payload_type
        sequence_delta, timestamp_delta = numbers.sequence_delta, numbers.timestamp_delta
        view[:] = group.template
        layout = self.layout
        put = layout.pack_into
        if layout.is_bare:
            for at, marker, sequence, timestamp in group.headers:
                put(
                    view,
                    at,
                    marker | payload_type,
                    (sequence + sequence_delta) & 0xFFFF,
                    (timestamp + timestamp_delta) & 0xFFFFFFFF,
                    ssrc,
                )
        else:
            link, word, number_byte, tail = self._link, layout.word, layout.number_byte, self._tail
            number, each = (link.number, 1) if layout.is_numbered else (0, 0)
            for at, marker, sequence, timestamp in group.headers:
                put(
                    view,
                    at,
                    marker | payload_type,
                    (sequence + sequence_delta) & 0xFFFF,
                    (timestamp + timestamp_delta) & 0xFFFFFFFF,
                    ssrc,
                    word,
                    number_byte,
                    number & 0xFFFF,
                    *tail,
                )
                number += each
            link.number += each * group.count
        if group.pictures and (numbers.moves_pictures or group.is_shifted):
            picture_id_delta, tl0picidx_delta = numbers.picture_id_delta, numbers.tl0picidx_delta
            for at, descriptor, shift in group.pictures:
                descriptor.rewrite(view, at, picture_id_delta + shift, tl0picidx_delta)

    def copy(self, packet: MediaPacket, numbers: StreamRewriter) -> bytearray:
        """The packet once more, under its own number: the very bytes that were sent before, with the same `numbers`."""
        data = self._packet(
            packet, self.payload_type, packet.sequence + numbers.sequence_delta, self.ssrc, numbers
        )
        self._write_picture(data, self.layout.length, packet, numbers)
        return data

    def retransmission(self, packet: MediaPacket, numbers: StreamRewriter) -> bytearray:
        """RFC 4588, 4: another stream, the original number before the payload, which goes without padding."""
        assert self.rtx_payload_type is not None
        assert self.rtx_ssrc is not None
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        number = (packet.sequence + numbers.sequence_delta) & 0xFFFF
        payload = bytearray(number.to_bytes(2, "big") + packet.payload[: packet.octets])
        self._write_picture(payload, 2, packet, numbers)
        whole = packet.with_payload(bytes(payload))
        return self._packet(whole, self.rtx_payload_type, self._rtx_sequence, self.rtx_ssrc, numbers)

    def _packet(
        self, packet: MediaPacket, payload_type: int, sequence: int, ssrc: int, numbers: StreamRewriter
    ) -> bytearray:
        layout = self.layout
        data = bytearray(layout.template(packet) + packet.payload)
        timestamp = (packet.timestamp + numbers.timestamp_delta) & 0xFFFFFFFF
        head = (packet.marker | payload_type, sequence & 0xFFFF, timestamp, ssrc)
        if layout.is_bare:
            layout.pack_into(data, 1, *head)
        else:
            layout.pack_into(
                data, 1, *head, layout.word, layout.number_byte, self._next_number(), *self._tail
            )
        return data

    def _next_number(self) -> int:
        if not self.layout.is_numbered:
            return 0
        self._link.number += 1
        return (self._link.number - 1) & 0xFFFF

    @staticmethod
    def _write_picture(data: bytearray, at: int, packet: MediaPacket, numbers: StreamRewriter) -> None:
        descriptor = packet.descriptor
        if descriptor is not None:
            delta = numbers.picture_id_delta + packet.picture_shift
            descriptor.rewrite(data, at, delta, numbers.tl0picidx_delta)
