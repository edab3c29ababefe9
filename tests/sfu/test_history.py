"""How long packets can be asked for again: as long as the slowest receiver needs."""

import pytest

from sfu.history import LEAST_PACKETS, MOST_AGE_S, ROUND_S, History
from sfu.packet import MediaPacket
from sfu.rtp import RtpPacket
from tests.sfu.packets import video_packet


def filled(history: History, until: float, per_s: int = 100) -> History:
    """So many small packets a second, up to this time."""
    for sequence in range(int(until * per_s)):
        parsed = RtpPacket.parse(video_packet(sequence & 0xFFFF, 0, 1, 1, 0, 1, 60))
        history.add(MediaPacket(parsed, sequence, None, sequence / per_s))
    return history


def reckon(history: History, *rtts: float, rounds: int) -> None:
    """Reports of receivers with these round trips, for so many rounds."""
    for turn in range(rounds + 1):
        for rtt in rtts:
            history.reckon_with(rtt, turn * (ROUND_S + 0.1))


@pytest.mark.parametrize(
    ("rtts", "age_s"), [((), 0.6), ((0.02,), 0.28), ((0.02, 0.15), 0.8), ((0.5, 0.02), MOST_AGE_S)], ids=str
)
def test_it_is_as_long_as_the_slowest_receiver_needs(rtts: tuple[float, ...], age_s: float) -> None:
    history = History()
    reckon(history, *rtts, rounds=2)
    assert len(filled(history, 3)) == pytest.approx(age_s * 100, abs=2)


def test_a_slow_receiver_lengthens_it_at_once_and_shortens_it_when_it_has_gone() -> None:
    history = History()
    reckon(history, 0.02, rounds=2)
    history.reckon_with(0.3, 11)
    assert len(filled(history, 3)) == pytest.approx(100, abs=2)
    for turn in range(4):
        history.reckon_with(0.02, 12 + turn * (ROUND_S + 0.1))
    history.clear()
    assert len(filled(history, 3)) == pytest.approx(28, abs=2)


def test_a_few_packets_are_kept_at_any_age() -> None:
    """Five pages a second: what was lost of one shows with the next, or with the one after that."""
    history = History()
    reckon(history, 0.02, rounds=2)
    assert len(filled(history, 60, per_s=5)) == LEAST_PACKETS
    assert history.get(299 - 3) is not None
