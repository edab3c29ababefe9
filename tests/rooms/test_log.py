"""The chain: whatever is changed in what was stored is found, at its place."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from time import perf_counter

import pytest

from rooms.errors import BadEvent, BrokenChain
from rooms.events import ChatSent, from_data
from rooms.log import GENESIS, LoggedEvent, Moment, chain, iso, verify
from rooms.meeting import Meeting
from tests.rooms.story import DELEGATE, ended


def store(logged: LoggedEvent) -> bytes:
    row = {
        **logged.to_json(),
        "meeting_id": logged.meeting_id,
        "previous_hash": logged.previous_hash,
        "hash": logged.hash,
    }
    return json.dumps(row, ensure_ascii=False).encode()


def load(stored: bytes) -> LoggedEvent:
    row = json.loads(stored)
    return LoggedEvent(
        row["meeting_id"],
        row["seq"],
        datetime.fromisoformat(row["time"]),
        row["meeting_ms"],
        row["actor"],
        from_data(row["type"], row["data"]),
        row["previous_hash"],
        row["hash"],
    )


def test_what_is_stored_comes_back_whole():
    log = ended().log
    loaded = [load(store(logged)) for logged in log]
    assert loaded == log
    verify(loaded)
    assert loaded[0].previous_hash == GENESIS


def test_any_flipped_byte_breaks_the_chain_where_it_is():
    """Each byte of each stored event: it cannot be read any more, or the chain names its number."""
    log = ended().log
    for index, logged in enumerate(log):
        row = store(logged)
        for at in range(len(row)):
            _assert_found(log, index, row[:at] + bytes([row[at] ^ 1]) + row[at + 1 :])


def _assert_found(log: Sequence[LoggedEvent], index: int, altered: bytes) -> None:
    try:
        loaded = load(altered)
    except (ValueError, KeyError, TypeError, AttributeError, BadEvent):
        return  # damaged beyond reading
    if store(loaded) == store(log[index]):
        return  # white space between the values, or another way to write the same
    with pytest.raises(BrokenChain) as broken:
        verify([*log[:index], loaded, *log[index + 1 :]])
    assert broken.value.seq == index + 1


def cut(log):
    return log[:2] + log[3:]


def swap(log):
    return [log[0], log[1], log[3], log[2], *log[4:]]


def insert(log):
    forged = replace(log[2], event=ChatSent("c", DELEGATE, "giả"))
    return [*log[:2], forged, *log[2:]]


def reseal(log):
    """Change an event and give it a fitting hash: then the next one does not fit."""
    forged = replace(log[1], meeting_ms=5)
    return [log[0], replace(forged, hash=forged.computed_hash()), *log[2:]]


@pytest.mark.parametrize("forge", [cut, swap, insert, reseal])
def test_forged_logs_break_at_the_third_place(forge):
    with pytest.raises(BrokenChain) as broken:
        verify(forge(ended().log))
    assert broken.value.seq == 3


def test_a_first_event_that_names_another_past_is_refused():
    moved = replace(ended().log[0], previous_hash="f" * 64)
    with pytest.raises(BrokenChain) as broken:
        verify([replace(moved, hash=moved.computed_hash())])
    assert broken.value.seq == 1


def test_no_events_are_a_whole_log():
    verify([])


def test_a_log_without_its_beginning_is_broken():
    with pytest.raises(BrokenChain) as broken:
        verify(ended().log[3:])
    assert broken.value.seq == 1


def test_times_are_utc_milliseconds():
    hanoi = timezone(timedelta(hours=7))
    moment = Moment(datetime(2026, 2, 5, 8, 0, 0, 123_456, hanoi), 7)
    (logged,) = chain(None, "m", "a", Meeting.create("Họp", "c", "a"), moment)
    assert logged.time == datetime(2026, 2, 5, 1, 0, 0, 123_000, UTC)
    assert logged.to_json()["time"] == iso(moment.time) == "2026-02-05T01:00:00.123Z"


def test_the_hash_is_the_one_anybody_computes():
    """Fixed for good, as archives are checked by it: SHA-256 over the RFC 8785 form of these members."""
    moment = Moment(datetime(2026, 2, 5, 1, 0, tzinfo=UTC), 0)
    (logged,) = chain(None, "m", "u", Meeting.create('Họp "A"', "c", "u"), moment)
    canonical = (
        '{"actor":"u","data":{"code":"c","created_by":"u","title":"Họp \\"A\\""},"meeting_id":"m",'
        '"meeting_ms":0,"previous_hash":"' + "0" * 64 + '","seq":1,'
        '"time":"2026-02-05T01:00:00.000Z","type":"MeetingCreated"}'
    )
    assert logged.hash == hashlib.sha256(canonical.encode()).hexdigest()


def test_apply_takes_only_the_next_event_of_its_meeting():
    story = ended()
    for wrong in (
        story.log[-1],
        story.log[0],
        replace(story.log[-1], meeting_id="other", seq=len(story.log) + 1),
    ):
        with pytest.raises(ValueError, match="does not follow"):
            story.meeting.apply(wrong)
    with pytest.raises(ValueError, match="at least one"):
        Meeting.replay([])


def test_ten_thousand_events_replay_within_a_second():
    story = ended()
    log = story.log[:3]
    meeting = Meeting.replay(log)
    said = [ChatSent(f"c{n}", "chair", f"Ý kiến thứ {n}") for n in range(10_000)]
    log = [*log, *chain(meeting.last, meeting.meeting_id, "chair", said, story.now)]
    began = perf_counter()
    assert Meeting.replay(log).seq == 10_003
    assert perf_counter() - began < 1
