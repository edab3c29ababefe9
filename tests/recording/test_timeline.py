"""Publisher's clocks onto ours: any RTP start, any wall clock, jitter, drift, steps, lies."""

import random
from itertools import pairwise

import pytest

from recording.timeline import LeastDelay, PublisherClock, TrackClock
from tests.recording.material import Packetizer

MS = 1_000_000


def clock_for(packetizer: Packetizer, publisher: PublisherClock | None = None) -> TrackClock:
    return TrackClock(packetizer.clock_rate, publisher or PublisherClock())


def observe_and_place(clock: TrackClock, timestamp: int, arrival_ms: float) -> float:
    clock.observe(timestamp, round(arrival_ms * MS))
    return clock.place(timestamp, round(arrival_ms * MS)) / MS


def run(clock: TrackClock, packetizer: Packetizer, captures_ms, delay_ms) -> list[float]:
    """Where each capture is placed, in ms."""
    return [
        observe_and_place(clock, packetizer.rtp_time(at_ms), at_ms + delay_ms(at_ms)) for at_ms in captures_ms
    ]


@pytest.mark.parametrize("timestamp", [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0])
@pytest.mark.parametrize("rate", [48_000, 90_000])
def test_media_keeps_its_pace_across_every_wrap(timestamp, rate):
    track = Packetizer(0, rate, timestamp=timestamp)
    placed = run(clock_for(track), track, range(0, 5000, 20), lambda _: 30)
    assert all(abs(at - 30 - index * 20) < 0.1 for index, at in enumerate(placed))


def test_jitter_does_not_reach_the_file():
    generator = random.Random(1)
    track = Packetizer(0, 48_000)
    placed = run(clock_for(track), track, range(0, 20_000, 20), lambda _: 30 + generator.expovariate(1 / 20))
    late = [at - 30 - index * 20 for index, at in enumerate(placed)][200:]
    assert max(late) < 10
    assert min(late) >= -0.1


@pytest.mark.parametrize("wall_offset_s", [0.5, 1e9, 3.9e9])
@pytest.mark.parametrize(("sound_ms", "picture_ms"), [(30, 150), (150, 30), (30, 900)])
def test_reports_bring_picture_and_sound_together(wall_offset_s, sound_ms, picture_ms):
    publisher = PublisherClock()
    sound, picture = Packetizer(0, 48_000, timestamp=99), Packetizer(0, 90_000, timestamp=0xFFFF_0000)
    heard, shown = clock_for(sound, publisher), clock_for(picture, publisher)
    heard.report(*sound.ntp(-100, wall_offset_s))
    shown.report(*picture.ntp(-300, wall_offset_s))
    differences = []
    for at_ms in range(0, 20_000, 40):
        heard_ns, shown_ns = round((at_ms + sound_ms) * MS), round((at_ms + picture_ms) * MS)
        heard.observe(sound.rtp_time(at_ms), heard_ns)
        shown.observe(picture.rtp_time(at_ms), shown_ns)
        placed_ns = heard.place(sound.rtp_time(at_ms), heard_ns)
        differences.append(placed_ns - shown.place(picture.rtp_time(at_ms), shown_ns))
    assert all(abs(difference) < MS for difference in differences[1:])


def test_a_correction_is_spread_and_never_goes_back():
    publisher = PublisherClock()
    sound, picture = Packetizer(0, 48_000), Packetizer(0, 90_000)
    heard, shown = clock_for(sound, publisher), clock_for(picture, publisher)
    placed = []
    for at_ms in range(0, 10_000, 40):
        if at_ms == 2000:
            heard.report(*sound.ntp(1900))
            shown.report(*picture.ntp(1900))
        heard.observe(sound.rtp_time(at_ms), (at_ms + 30) * MS)
        placed.append(observe_and_place(shown, picture.rtp_time(at_ms), at_ms + 230))
    steps = [after - before for before, after in pairwise(placed)]
    assert min(steps) >= 35.9
    assert placed[49] == pytest.approx(49 * 40 + 230, abs=1)
    assert placed[-1] == pytest.approx(249 * 40 + 30, abs=1)


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_wall_clock_that_steps_between_reports_moves_nothing(step_s):
    publisher = PublisherClock()
    sound, picture = Packetizer(0, 48_000), Packetizer(0, 90_000)
    heard, shown = clock_for(sound, publisher), clock_for(picture, publisher)
    for at_ms in range(0, 20_000, 20):
        wall = 1e9 + (step_s if at_ms >= 8000 else 0)
        if at_ms % 5000 == 0:
            heard.report(*sound.ntp(at_ms, wall))
        if at_ms % 1000 == 500:
            shown.report(*picture.ntp(at_ms, wall))
        for clock, track in ((heard, sound), (shown, picture)):
            placed = observe_and_place(clock, track.rtp_time(at_ms), at_ms + 30)
            assert placed == pytest.approx(at_ms + 30, abs=1)


def test_reports_that_lie_by_an_hour_are_not_believed():
    publisher = PublisherClock()
    sound, picture = Packetizer(0, 48_000), Packetizer(0, 90_000)
    heard, shown = clock_for(sound, publisher), clock_for(picture, publisher)
    heard.report(*sound.ntp(0, 1e9))
    shown.report(*picture.ntp(0, 1e9 + 3600))
    shown.report(0, 123)
    for at_ms in range(0, 4000, 20):
        for clock, track in ((heard, sound), (shown, picture)):
            placed = observe_and_place(clock, track.rtp_time(at_ms), at_ms + 30)
            assert placed == pytest.approx(at_ms + 30, abs=1)


def test_a_fast_sound_card_is_followed():
    """200 ppm, an hour: 720 ms would be lost in the end."""
    track = Packetizer(0, 48_000)
    clock = clock_for(track)
    for at_ms in range(0, 3_600_000, 500):
        ticks = at_ms * 1.0002
        placed = observe_and_place(clock, track.rtp_time(ticks), at_ms + 30)
    assert placed == pytest.approx(at_ms + 30, abs=5)


def test_a_new_rtp_time_goes_on_at_once():
    clock = clock_for(track := Packetizer(0, 90_000))
    run(clock, track, range(0, 2000, 40), lambda _: 30)
    track.timestamp = 0x1000_0000
    placed = run(clock, track, range(2000, 4000, 40), lambda _: 30)
    assert placed[0] == pytest.approx(2030, abs=1)
    assert placed[-1] == pytest.approx(3990, abs=1)


@pytest.mark.parametrize("jump_s", [-36_000, -5, 5, 36_000])
@pytest.mark.parametrize("place_first", ["the odd one", "its neighbour"])
def test_one_odd_packet_moves_nobody_else(jump_s, place_first):
    """Observed as they come, placed as they were numbered: an odd one may be observed first or last."""
    clock = clock_for(track := Packetizer(0, 48_000))
    run(clock, track, range(0, 2000, 20), lambda _: 30)
    odd = (track.rtp_time(2000) + jump_s * 48_000) & 0xFFFF_FFFF
    pair = [(odd, 2030 * MS), (track.rtp_time(2020), 2050 * MS)]
    if place_first == "its neighbour":
        pair.reverse()
    for timestamp, arrival_ns in pair:
        clock.observe(timestamp, arrival_ns)
    for timestamp, arrival_ns in pair:
        assert clock.place(timestamp, arrival_ns) == pytest.approx(arrival_ns, abs=MS)
    placed = run(clock, track, range(2040, 4000, 20), lambda _: 30)
    assert all(abs(at - 30 - 2040 - index * 20) < 1 for index, at in enumerate(placed))


def test_frames_wait_a_second_for_the_first_report():
    clock = clock_for(track := Packetizer(0, 90_000))
    assert not clock.ready(0)
    clock.observe(track.rtp_time(0), 5000 * MS)
    assert not clock.ready(5999 * MS)
    assert clock.ready(6000 * MS)
    clock.report(*track.ntp(0))
    assert clock.ready(5001 * MS)


def test_the_least_delay_forgets_after_its_window():
    least = LeastDelay()
    values = []
    for second, delay in enumerate([50, 10, 40, 30, *[60] * 10]):
        least.observe(delay, second * 1_000_000_000)
        values.append(least.value)
    assert values == [50, *[10] * 10, 30, 30, 60]
