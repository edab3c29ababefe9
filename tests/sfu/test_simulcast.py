"""One subscriber's choice among a track's encodings and layers, and what the sender is told of it."""

import itertools
import time
from collections.abc import Iterator

import pytest

from sfu.layers import ALL, Limits
from sfu.past import KEPT_S
from sfu.publication import PAUSE_AFTER_S, PAUSE_LAST_AFTER_S, RESUME_S, RETRY_S
from sfu.rtp import RtpPacket
from sfu.stream import Stream
from tests.sfu import layered
from tests.sfu.copies import VIDEO, Copy, Source

NOW = time.monotonic()
RIDS = ("l", "m", "h")


class Camera(Source):
    """Three encodings, each a stream of its own numbers."""

    def __init__(self) -> None:
        super().__init__(VIDEO, RIDS)
        self.packets = {rid: layered.stream(10 + index, first=1000 * index) for index, rid in enumerate(RIDS)}
        self.now = NOW

    def stream_of(self, rid: str) -> Stream:
        """The encoding."""
        return self.publication.streams[RIDS.index(rid)]

    def shows(self, count: int = 1, rids: str = "lmh") -> None:
        """So many pictures, each a batch."""
        for _ in range(count):
            for rid in rids:
                self.stream_of(rid).receive(next(self.packets[rid]), self.now)
            self.end_batch()
            self.now += 1 / 30

    def keyframe(self, rid: str) -> None:
        """The encoder answers a request."""
        self.packets[rid] = anew(self.packets[rid])

    def passes(self, seconds: float, rids: str = "lmh") -> None:
        """Time with pictures and the clock's ticks."""
        for _ in range(round(seconds * 30)):
            self.shows(1, rids)
            self.publication.tick(self.now)


def anew(packets: Iterator[RtpPacket]) -> Iterator[RtpPacket]:
    """Go on with a keyframe, in the same numbers; in a new pattern of layers."""
    after = next(packets)
    number, picture = after.sequence_number, after.timestamp // 3000
    yield layered.packet(number, picture, after.ssrc, key=True)
    for step in itertools.count(1):
        # Pictures count on; their layers begin with the pattern's second.
        aligned = picture + step + (-picture) % 4
        yield layered.packet(number + step, aligned, after.ssrc)


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
def copy(camera: Camera) -> Iterator[Copy]:
    one = Copy(camera)
    yield one
    one.close()


def test_it_begins_with_the_lowest(camera: Camera, copy: Copy) -> None:
    camera.shows(4)
    assert [packet.sequence_number for packet in copy.received()] == [0, 1, 2, 3]
    assert [stream.is_wanted() for stream in camera.publication.streams] == [True, False, False]


def test_what_it_had_goes_on_until_the_other_can_begin(camera: Camera, copy: Copy) -> None:
    """And numbers, times and pictures go on without a gap."""
    camera.shows(4)
    copy.subscription.aim(camera.stream_of("h"), ALL)
    assert camera.plis() == 1
    assert [stream.is_wanted() for stream in camera.publication.streams] == [True, False, True]
    camera.shows(4)
    camera.keyframe("h")
    camera.shows(4)
    received = copy.received()
    assert [packet.sequence_number for packet in received] == list(range(13))
    assert all(
        0 < after.timestamp - before.timestamp < 9000 for before, after in itertools.pairwise(received)
    )
    pictures = [int.from_bytes(packet.data[14:16], "big") & 0x7FFF for packet in received]
    assert pictures == list(range(13))
    assert [stream.is_wanted() for stream in camera.publication.streams] == [False, False, True]


def test_temporal_layers_go_at_once_and_come_back_in_step(camera: Camera, copy: Copy) -> None:
    camera.shows(8)
    stream = camera.stream_of("l")
    copy.subscription.aim(stream, Limits(7, 0))
    camera.shows(8)
    received = copy.received()
    assert [packet.sequence_number for packet in received] == list(range(10))
    assert [packet.timestamp // 3000 for packet in received] == [*range(8), 8, 12]
    copy.subscription.aim(stream, ALL)
    camera.shows(8)
    received = copy.received()
    # T0; T2 may not come before T1 is there in sync; from T1 on everything.
    assert [packet.timestamp // 3000 for packet in received] == [16, 18, 20, 21, 22, 23]
    assert [packet.sequence_number for packet in received] == list(range(10, 16))
    pictures = [int.from_bytes(packet.data[14:16], "big") & 0x7FFF for packet in received]
    assert pictures == list(range(10, 16))


@pytest.mark.parametrize("past", range(4))
@pytest.mark.parametrize(("limits", "every"), [(Limits(7, 0), 4), (Limits(7, 1), 2)])
def test_layers_go_at_any_picture_without_a_keyframe(
    camera: Camera, copy: Copy, past: int, limits: Limits, every: int
) -> None:
    """Most pictures are not of the layers that stay: then the next one that is goes on."""
    camera.shows(8 + past)
    before = copy.received()
    asked = camera.plis()
    copy.subscription.aim(camera.stream_of("l"), limits)
    camera.shows(12)
    after = copy.received()
    kept = [picture for picture in range(8 + past, 20 + past) if picture % every == 0]
    assert [packet.timestamp // 3000 for packet in after] == kept
    numbers = [packet.sequence_number for packet in (*before, *after)]
    assert numbers == list(range(len(numbers)))
    assert camera.plis() == asked


def test_a_lost_packet_of_a_view_is_sent_again(camera: Camera, copy: Copy) -> None:
    camera.shows(4)
    copy.subscription.aim(camera.stream_of("l"), Limits(7, 0))
    camera.shows(12)
    before = copy.received()
    lost = before[-2]
    copy.subscription.retransmit((lost.sequence_number,), NOW)
    (again,) = copy.received()
    assert int.from_bytes(again.data[12:14], "big") == lost.sequence_number
    assert again.timestamp == lost.timestamp
    assert again.data[14:] == lost.data[12:]


def again_of(copy: Copy, number: int) -> RtpPacket | None:
    """What comes when this number is asked for."""
    copy.subscription.retransmit((number,), NOW)
    return next(iter(copy.received()), None)


@pytest.mark.parametrize("limits", [Limits(7, 0), Limits(7, 1)])
def test_what_was_lost_before_a_turn_is_sent_again_after_it(
    camera: Camera, copy: Copy, limits: Limits
) -> None:
    """No keyframe comes with the turn: what follows cannot be decoded without it."""
    camera.shows(4)
    before = copy.received()
    copy.subscription.aim(camera.stream_of("l"), limits)
    camera.shows(4)
    copy.subscription.aim(camera.stream_of("l"), ALL)
    camera.shows(4)
    turned = copy.received()
    for lost in (before[-1], before[-4], turned[0]):
        again = again_of(copy, lost.sequence_number)
        assert again is not None
        assert int.from_bytes(again.data[12:14], "big") == lost.sequence_number
        assert (again.timestamp, again.data[14:]) == (lost.timestamp, lost.data[12:])
    camera.passes(KEPT_S)
    copy.received()
    assert again_of(copy, before[-1].sequence_number) is None


def test_what_comes_late_from_before_a_turn_is_there_to_be_asked_for(camera: Camera, copy: Copy) -> None:
    """The publisher's line lost it, and it is repaired when the receiver has other layers already."""
    camera.shows(7)
    late = next(camera.packets["l"])
    camera.shows(1)
    copy.subscription.aim(camera.stream_of("l"), Limits(7, 0))
    camera.shows(8)
    copy.received()
    stream = camera.stream_of("l")
    stream.receive(late, camera.now)
    camera.shows(1)
    copy.received()
    again = again_of(copy, late.sequence_number)
    assert again is not None
    assert int.from_bytes(again.data[12:14], "big") == late.sequence_number


def test_a_turn_there_and_back_sends_a_packet_again_once_in_a_round_trip(camera: Camera, copy: Copy) -> None:
    camera.shows(8)
    lost = copy.received()[-1]
    assert again_of(copy, lost.sequence_number) is not None
    copy.subscription.aim(camera.stream_of("l"), Limits(7, 0))
    camera.shows(8)
    copy.received()
    assert again_of(copy, lost.sequence_number) is None


def test_views_are_closed_when_nobody_uses_them(camera: Camera, copy: Copy) -> None:
    camera.shows(4)
    stream = camera.stream_of("l")
    for limits in (Limits(7, 0), Limits(7, 1), ALL):
        copy.subscription.aim(stream, limits)
        camera.shows(8)
    camera.passes(KEPT_S)
    assert list(stream._views) == [ALL]
    copy.subscription.rest()
    assert not stream._views
    camera.shows(4)
    copy.received()
    camera.shows(4)
    assert copy.received() == []


# What the sender is told


def test_the_sender_hears_which_encodings_are_wanted(camera: Camera, copy: Copy) -> None:
    told: list[tuple[str, ...]] = []
    camera.publication.on_wanted = told.append
    camera.passes(PAUSE_AFTER_S + 0.5)
    assert told == [RIDS, ("l",)]
    copy.subscription.aim(camera.stream_of("h"), ALL)
    camera.passes(0.1, "l")
    assert told[-1] == ("l", "h")
    copy.subscription.rest()
    camera.passes(PAUSE_AFTER_S + 0.5)
    assert told[-1] == ("l",)
    camera.passes(PAUSE_LAST_AFTER_S)
    assert told[-1] == ()


def test_rungs_are_what_comes_and_what_may_come(camera: Camera) -> None:
    camera.passes(2.0)
    rungs = camera.publication.rungs(camera.now)
    assert {(rung.stream, rung.temporal) for rung in rungs} == {(s, t) for s in range(3) for t in (0, 1, 7)}
    assert [rung.bitrate_bps for rung in rungs] == sorted(rung.bitrate_bps for rung in rungs)
    everything = [rung for rung in rungs if rung.temporal == 7]
    assert all(rung.fps == pytest.approx(30, rel=0.1) for rung in everything)
    camera.passes(3.0, "l")
    found = {rung.stream: rung for rung in camera.publication.rungs(camera.now) if rung.temporal == 7}
    assert set(found) == {0, 1, 2}  # paused at the sender, they can come back


def test_an_encoding_that_does_not_come_when_wanted_is_not_offered_for_a_while(
    camera: Camera, copy: Copy
) -> None:
    """The sender's own line may be too weak for it."""
    camera.publication.on_wanted = lambda _: None
    camera.passes(2.0)
    camera.passes(3.0, "l")
    copy.subscription.aim(camera.stream_of("h"), ALL)
    camera.passes(RESUME_S + 0.5, "l")
    offered = {rung.stream for rung in camera.publication.rungs(camera.now)}
    assert offered == {0, 1}
    camera.passes(RETRY_S - RESUME_S + 1.0, "l")
    assert {rung.stream for rung in camera.publication.rungs(camera.now)} == {0, 1, 2}
