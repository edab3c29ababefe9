"""Numbers as a receiver must see them: without a jump where we dropped packets or changed the source."""

from bisect import bisect_right

from sfu.burst import MediaPacket

# How far back a late packet may still belong: as far as libsrtp's replay window reaches.
WINDOW = 1024


class SequenceRewriter:
    """Renumber what is passed on, so that what we dropped is not taken for loss.

    A receiver asks again for each hole in the sequence (RFC 4585, 6.2.1). A packet dropped on purpose gives
    its number back; one the network lost keeps its hole, for it may still come. Numbers here do not wrap. A
    number is given out once: whatever comes twice, or from before the window, is refused, for two packets
    with one number would be encrypted with one key stream.
    """

    def __init__(self) -> None:
        self.highest: int | None = None
        self._seen: set[int] = set()
        self._drops: list[int] = []
        self._dropped_before = 0

    def accept(self, sequence: int) -> bool:
        """Note an arrival; False when it came before, or comes too late."""
        if self.highest is None:
            self.highest = sequence
        if sequence in self._seen or sequence <= self.highest - WINDOW:
            return False
        self._seen.add(sequence)
        if sequence > self.highest:
            self.highest = sequence
            if len(self._seen) > 2 * WINDOW:
                self._prune()
        return True

    def _prune(self) -> None:
        assert self.highest is not None
        oldest = self.highest - WINDOW
        self._seen = {sequence for sequence in self._seen if sequence > oldest}
        done = bisect_right(self._drops, oldest)
        self._dropped_before += done
        del self._drops[:done]

    def drop(self, sequence: int) -> bool:
        """Give the number of an accepted packet back. False when later ones have been numbered already."""
        if sequence != self.highest:
            return False
        self._drops.append(sequence)
        return True

    def rewrite(self, sequence: int) -> int:
        """The new number of an accepted packet that is passed on."""
        return sequence - self._dropped_before - bisect_right(self._drops, sequence)


class StreamRewriter:
    """One subscriber's numbers over a change of source: they go on, those in VP8's descriptor too.

    `splice` fixes the differences at the first packet of a source. The clock of the stream goes on by the
    time that passed, so that a receiver's jitter buffer sees a pause and no leap.
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
            self._last_picture_id = descriptor.picture_id + self.picture_id_delta
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
        descriptor = packet.descriptor
        if descriptor is None:
            return
        if descriptor.picture_id is not None and self._last_picture_id is not None:
            self.picture_id_delta = self._last_picture_id + 1 - descriptor.picture_id
        if descriptor.tl0picidx is not None and self._last_tl0picidx is not None:
            self.tl0picidx_delta = self._last_tl0picidx + 1 - descriptor.tl0picidx

    def source_sequence(self, sequence_number: int, highest: int) -> int:
        """The source's number for one of ours on the wire, the nearest to the source's `highest`."""
        expected = highest + self.sequence_delta
        offset = ((sequence_number - expected + 0x8000) & 0xFFFF) - 0x8000
        return highest + offset
