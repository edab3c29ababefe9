"""Numbers as a receiver must see them: without a jump where we dropped packets or changed the source."""

from bisect import bisect_right

from sfu.packet import MediaPacket

# How far back a late packet may still belong: as far as libsrtp's replay window reaches.
WINDOW = 1024
_ALL_SEEN = (1 << WINDOW) - 1
_MOST_DROPS = WINDOW + 256


class ReplayWindow:
    """Which of the last `WINDOW` numbers came: each is given out once.

    Two packets with one number would be encrypted with one key stream, so whatever comes twice, or from before
    the window, is refused. Numbers here do not wrap.
    """

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest: int | None = None
        self._seen = 0

    def accept(self, sequence: int) -> bool:
        """Note an arrival; False when it came before, or comes too late."""
        if self.highest is None:
            self.highest, self._seen = sequence, 1
            return True
        ahead = sequence - self.highest
        if ahead > 0:
            self._seen = (self._seen << ahead | 1) & _ALL_SEEN if ahead < WINDOW else 1
            self.highest = sequence
            return True
        bit = 1 << -ahead
        if -ahead >= WINDOW or self._seen & bit:
            return False
        self._seen |= bit
        return True


class SequenceRewriter:
    """Renumber what is passed on, so that what we dropped is not taken for loss.

    A receiver asks again for each hole in the sequence (RFC 4585, 6.2.1). A number dropped on purpose is given
    back; one the network lost keeps its hole, for it may still come. Numbers here do not wrap. The same serves
    for pictures, whose packets share a number.
    """

    __slots__ = ("_dropped_before", "_drops", "highest")

    def __init__(self) -> None:
        self.highest: int | None = None
        self._drops: list[int] = []
        self._dropped_before = 0

    def drop(self, sequence: int) -> bool:
        """Give a number back. False when that is too late: later ones have been given out already."""
        if self.highest is not None and sequence <= self.highest:
            return bool(self._drops) and self._drops[-1] == sequence
        self.highest = sequence
        self._drops.append(sequence)
        if len(self._drops) > _MOST_DROPS:
            self._prune(sequence - WINDOW)
        return True

    def rewrite(self, sequence: int) -> int:
        """The new number of what is passed on."""
        if self.highest is None or sequence > self.highest:
            self.highest = sequence
        return sequence - self._dropped_before - bisect_right(self._drops, sequence)

    def _prune(self, oldest: int) -> None:
        done = bisect_right(self._drops, oldest)
        self._dropped_before += done
        del self._drops[:done]


class StreamRewriter:
    """One subscriber's numbers over a change of source or of layer: they go on, those in descriptors too.

    `splice` fixes the differences at the first packet of a source. The clock of the stream goes on by the
    time that passed, so that a receiver's jitter buffer sees a pause and no leap. `turn` does so at a change
    of view within one stream, whose clock and references stay.
    """

    __slots__ = (
        "_last_at",
        "_last_picture_id",
        "_last_sequence",
        "_last_timestamp",
        "_last_tl0picidx",
        "clock_rate",
        "picture_id_delta",
        "sequence_delta",
        "timestamp_delta",
        "tl0picidx_delta",
    )

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.sequence_delta = 0
        self.timestamp_delta = 0
        self.picture_id_delta = 0
        self.tl0picidx_delta = 0
        self._last_sequence: int | None = None
        self._last_timestamp = 0
        self._last_at = 0.0
        self._last_picture_id: int | None = None
        self._last_tl0picidx: int | None = None

    @property
    def moves_pictures(self) -> bool:
        """Whether the numbers in descriptors differ from the source's."""
        return self.picture_id_delta != 0 or self.tl0picidx_delta != 0

    def sent(self, packet: MediaPacket) -> None:
        """Remember the newest packet that has left."""
        sequence = packet.sequence + self.sequence_delta
        if self._last_sequence is not None and sequence < self._last_sequence:
            return
        self._last_sequence = sequence
        self._last_timestamp = packet.timestamp + self.timestamp_delta
        self._last_at = packet.arrival
        descriptor = packet.descriptor
        if descriptor is not None and descriptor.picture_id is not None:
            self._last_picture_id = descriptor.picture_id + packet.picture_shift + self.picture_id_delta
        if descriptor is not None and descriptor.tl0picidx is not None:
            self._last_tl0picidx = descriptor.tl0picidx + self.tl0picidx_delta

    def splice(self, packet: MediaPacket) -> None:
        """Make `packet` the one after the last that was sent."""
        if self._last_sequence is None:
            # The first source keeps its numbers, as they would be on the wire.
            self.sequence_delta = (packet.sequence & 0xFFFF) - packet.sequence
            return
        self.sequence_delta = self._last_sequence + 1 - packet.sequence
        passed = max(1, round((packet.arrival - self._last_at) * self.clock_rate))
        self.timestamp_delta = self._last_timestamp + passed - packet.timestamp
        self._splice_picture(packet)

    def _splice_picture(self, packet: MediaPacket) -> None:
        self._count_on(packet)
        descriptor = packet.descriptor
        if descriptor is not None and descriptor.tl0picidx is not None and self._last_tl0picidx is not None:
            self.tl0picidx_delta = self._last_tl0picidx + 1 - descriptor.tl0picidx

    def _count_on(self, packet: MediaPacket) -> None:
        descriptor = packet.descriptor
        if descriptor is None or descriptor.picture_id is None or self._last_picture_id is None:
            return
        self.picture_id_delta = self._last_picture_id + 1 - descriptor.picture_id - packet.picture_shift

    def turn(self, packet: MediaPacket) -> None:
        """Make `packet`, of another view of the same stream, the one after the last that was sent."""
        if self._last_sequence is None:
            return self.splice(packet)
        self.sequence_delta = self._last_sequence + 1 - packet.sequence
        if packet.descriptor is not None and packet.descriptor.picture_cycle:
            self._count_on(packet)
        return None

    def source_sequence(self, sequence_number: int, highest: int) -> int:
        """The source's number for one of ours on the wire, the nearest to the source's `highest`."""
        expected = highest + self.sequence_delta
        offset = ((sequence_number - expected + 0x8000) & 0xFFFF) - 0x8000
        return highest + offset
