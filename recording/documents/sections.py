"""The sections of the minutes that the log can fill: what was shown, asked, written, and what failed."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from recording.documents.content import Block
from recording.documents.wording import Wording
from recording.minutes import Interruption, Minutes
from rooms.attendance import Attendance
from rooms.log import Moment


def listed(texts: Iterable[str]) -> Iterator[Block]:
    """Write a list as official documents do: a dash before each, semicolons between, a stop at the end."""
    items = list(texts)
    for number, text in enumerate(items, 1):
        yield Block("item", f"- {text}{';' if number < len(items) else '.'}")


def presentations(minutes: Minutes, say: Wording) -> Iterator[Block]:
    """Write section II: whose screen was shown when; what was presented is the secretary's to write."""
    yield Block("heading", say.words("section.presentations"))
    yield from listed(
        say.words(
            "shared",
            name=say.name(shared.participant_id, shared.name),
            span=say.span(shared.span.start, shared.span.end),
        )
        for shared in minutes.screens
    )
    yield Block("fill")


def discussion(minutes: Minutes, say: Wording) -> Iterator[Block]:
    """Write section III: who asked to speak, what was written; what was said is the secretary's to write."""
    yield Block("heading", say.words("section.discussion"))
    parts = [("opinions", [Block("fill")]), ("hands", _hands(minutes, say)), ("chat", _chat(minutes, say))]
    for number, (key, blocks) in enumerate(((key, blocks) for key, blocks in parts if blocks), 1):
        yield Block("subheading", f"{number}. {say.words(key)}")
        yield from blocks


def _hands(minutes: Minutes, say: Wording) -> list[Block]:
    times = ((say.clock(hand.span.start), say.name(hand.participant_id, hand.name)) for hand in minutes.hands)
    return list(listed(say.words("hand", time=time, name=name) for time, name in times))


def _chat(minutes: Minutes, say: Wording) -> list[Block]:
    return [
        Block(
            "message",
            say.words(
                "message",
                time=say.clock(message.moment),
                name=say.name(message.participant_id, message.name),
                text=message.text,
            ),
        )
        for message in minutes.messages
    ]


def incidents(minutes: Minutes, say: Wording) -> Iterator[Block]:
    """Write section VI: lost connections and gaps of the recording, in the order of happening."""
    yield Block("heading", say.words("section.incidents"))
    found = sorted([*_disconnections(minutes, say), *_interruptions(minutes, say)])
    if not found:
        yield Block("paragraph", say.words("incidents.none"))
        return
    yield from listed(text for _, text in found)
    yield Block("blank", say.words("incidents.handling"))
    yield Block("blank", say.words("incidents.effect"))


def _disconnections(minutes: Minutes, say: Wording) -> Iterator[tuple[int, str]]:
    for row in minutes.attendance:
        for interval, following in zip_longest(row.intervals, row.intervals[1:]):
            for cut in interval.interruptions:
                back = cut.back or (following.joined if following else None)
                yield cut.lost.meeting_ms, _disconnection(row, cut.lost, back, say)


def _disconnection(row: Attendance, lost: Moment, back: Moment | None, say: Wording) -> str:
    """Say when somebody was cut off, and for how long: to the return, even to a new seat."""
    name = say.name(row.participant_id, row.name)
    if back is None:
        return say.words("incident.lost", time=say.clock(lost), name=name)
    duration = say.duration(back.meeting_ms - lost.meeting_ms)
    return say.words("incident.cut", time=say.clock(lost), name=name, duration=duration)


def _interruptions(minutes: Minutes, say: Wording) -> Iterator[tuple[int, str]]:
    for recording in minutes.recordings:
        for interruption in recording.interruptions:
            yield interruption.moment.meeting_ms, _interruption(interruption, say)


def _interruption(interruption: Interruption, say: Wording) -> str:
    """Say the reason when it has words; codes are for programs."""
    key = f"incident.recording.{interruption.reason}"
    return say.words(key if key in say.words else "incident.recording", time=say.clock(interruption.moment))
