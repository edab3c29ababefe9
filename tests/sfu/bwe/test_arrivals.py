from random import Random

import pytest

from sfu import rtcp
from sfu.bwe.arrivals import MOST_FRESH, WINDOW, ArrivalLog
from sfu.transport_feedback import TransportFeedback


def told(messages: list[TransportFeedback]) -> list[tuple[list[int], list[int]]]:
    """For each message the numbers it tells of as received and as lost."""
    result = []
    for message in messages:
        numbers = [(message.base_number + offset) & 0xFFFF for offset in range(message.status_count)]
        received = [numbers[offset] for offset in message.received]
        result.append((received, [number for number in numbers if number not in received]))
    return result


def fed(batches: list[list[int]]) -> list[list[tuple[list[int], list[int]]]]:
    log, now, results = ArrivalLog(1, 2), 50.0, []
    for batch in batches:
        for number in batch:
            now += 0.001
            log.received(number, now)
        results.append(told(log.due()))
    return results


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([[5, 6, 7]], [[([5, 6, 7], [])]]),
        ([[], [5], []], [[], [([5], [])], []]),
        ([[5, 7], [9]], [[([5, 7], [6])], [([9], [8])]]),
        ([[65_534, 65_535, 0], [1]], [[([65_534, 65_535, 0], [])], [([1], [])]]),
        ([[65_535], [2]], [[([65_535], [])], [([2], [0, 1])]]),
        ([[5, 7, 6]], [[([5, 6, 7], [])]]),  # reordered within a batch
        ([[5, 7], [6, 8]], [[([5, 7], [6])], [([6], []), ([8], [])]]),  # and over two
        ([[5, 5, 6], [6, 7]], [[([5, 6], [])], [([7], [])]]),  # told once
        ([[5, 8], [6], [6, 7]], [[([5, 8], [6, 7])], [([6], [])], [([7], [])]]),
        ([[5], [4000], [4200], [6, 104, 103]],
         [[([5], [])], [([4000], list(range(6, 4000)))], [([4200], list(range(4001, 4200)))],
          [([104], [])]]),  # 6 and 103 are too late
        ([[5], [6, 6000, 6001], [5999]], [[([5], [])], [([6000, 6001], [])], [([5999], [])]]),  # begun anew
    ],
)  # fmt: skip
def test_each_number_is_told_once(
    batches: list[list[int]], expected: list[list[tuple[list[int], list[int]]]]
) -> None:
    assert fed(batches) == expected


def test_arrival_times_survive_the_bytes() -> None:
    log = ArrivalLog(7)
    log.media_ssrc = 9
    times = [1000.0, 1000.003, 1000.5, 1000.47]
    for number, at in enumerate(times):
        log.received(number, at)
    (message,) = rtcp.parse(log.due()[0].to_bytes()).messages
    assert isinstance(message, TransportFeedback)
    assert (message.sender_ssrc, message.media_ssrc, log.media_ssrc) == (7, 9, 9)
    at = message.reference_time * 0.064
    for delta, expected in zip(message.deltas, times, strict=True):
        at += delta * 0.00025
        assert at == pytest.approx(expected, abs=0.0003)


def test_messages_are_numbered() -> None:
    log = ArrivalLog(1, 2)
    counts = []
    for number in range(300):
        log.received(number, number * 0.05)
        counts += [message.feedback_count for message in log.due()]
    assert counts == [number & 0xFF for number in range(300)]


def test_hostile_numbers_cost_no_memory() -> None:
    log, random = ArrivalLog(1, 2), Random(1)
    for turn in range(20):
        for _ in range(2 * MOST_FRESH):
            log.received(random.randrange(65_536), float(turn))
        assert all(len(message.to_bytes()) < 1500 for message in log.due())
    assert log._told.bit_length() <= WINDOW + 1
