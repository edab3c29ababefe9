"""The minutes as a document: form 1.9 of NĐ 30/2020/NĐ-CP around the sections in use.

What the platform does not know (absences, opinions, votes, conclusions) is left as dots for the secretary;
nothing is written that the log does not say. The number is given by the document system, never here.
"""

from collections.abc import Iterator

from recording.documents.catalogue import Language, catalogue
from recording.documents.content import Annex, Block, Content, Signature
from recording.documents.sections import discussion, incidents, listed, presentations
from recording.documents.wording import Wording, hours, printable
from recording.minutes import Minutes, RecordingTimes
from rooms.attendance import Attendance, Interval
from rooms.participant import Kind
from rooms.permissions import Role

# So many times of somebody's presence can be read in a sentence; more stand in the annex alone.
_SPANS_IN_A_SENTENCE = 3


def compose(minutes: Minutes, language: Language) -> Content:
    """Write the minutes in one language."""
    words = catalogue(language)
    say = Wording(words, minutes)
    return Content(
        language=language,
        parent=words("parent"),
        issuer=words("issuer"),
        country=words("country"),
        motto=words("motto"),
        number=words("number"),
        type_name=words("type_name"),
        title=printable(minutes.title),
        blocks=tuple(Block(block.kind, printable(block.text)) for block in _body(minutes, say)),
        closing=words("end", time=say.day_and_time(minutes.end)),
        signatures=(_signature(minutes, say, Role.SECRETARY), _signature(minutes, say, Role.CHAIR)),
        recipients_title=words("recipients"),
        recipients=(words("recipients.chair"), words("recipients.points"), words("recipients.archive")),
        annex=_annex(minutes, say),
    )


def _body(minutes: Minutes, say: Wording) -> Iterator[Block]:
    yield from _opening(minutes, say)
    yield from _attendance(minutes, say)
    yield Block("lead", say.words("proceedings"))
    yield Block("heading", say.words("section.opening"))
    yield Block("fill")
    yield from presentations(minutes, say)
    yield from discussion(minutes, say)
    yield Block("heading", say.words("section.vote"))
    yield Block("fill")
    yield Block("heading", say.words("section.conclusion"))
    yield Block("fill")
    yield from incidents(minutes, say)
    yield Block("lead", say.words("hash", seq=minutes.last_seq))
    yield Block("digest", minutes.last_hash)


def _opening(minutes: Minutes, say: Wording) -> Iterator[Block]:
    yield Block("paragraph", say.words("start", time=say.day_and_time(minutes.start)))
    points = sum(row.kind is Kind.ROOM for row in minutes.attendance)
    yield Block("blank", say.words("place"))
    yield Block("paragraph", say.words("place.points" if points else "place.people", count=f"{points:02}"))
    yield Block("paragraph", say.words("form", recorded=_recorded(minutes, say)))


def _recorded(minutes: Minutes, say: Wording) -> str:
    """Say whether the meeting was recorded, and when."""
    if not minutes.recordings:
        return say.words("recorded.no")
    times = "; ".join(_recording(recording, say) for recording in minutes.recordings)
    return say.words("recorded.yes", times=times)


def _recording(recording: RecordingTimes, say: Wording) -> str:
    span = say.span(recording.span.start, recording.span.end)
    if not recording.pauses:
        return span
    pauses = ", ".join(say.span(pause.start, pause.end) for pause in recording.pauses)
    return say.words("recorded.paused", span=span, pauses=pauses)


def _attendance(minutes: Minutes, say: Wording) -> Iterator[Block]:
    rows = _by_role(minutes)
    points = [row for row in rows if row.kind is Kind.ROOM]
    people = [row for row in rows if row.kind is Kind.PERSON]
    yield Block("lead", say.words("attendance"))
    number = 1
    for key, group in (("attendance.points", points), ("attendance.people", people)):
        if group:
            yield Block("lead", f"{number}. {say.words(key)}")
            yield from listed(_present(row, say) for row in group)
            number += 1
    yield Block("blank", f"{number}. {say.words('attendance.absent')}")
    yield Block("paragraph", f"{number + 1}. {say.words('attendance.total')}")
    counts = {"points": f"{len(points):02}", "people": f"{len(people):02}"}
    yield Block("paragraph", say.words("attendance.connections", **counts))
    for role in (Role.CHAIR, Role.SECRETARY):
        names = (say.name(row.participant_id, row.name) for row in rows if row.role is role)
        yield Block("blank", say.words(f"attendance.{role}", names=say.listed(names)))


def _by_role(minutes: Minutes) -> list[Attendance]:
    """Return who was there, the chair first, otherwise in the order of coming."""
    return sorted(minutes.attendance, key=lambda row: list(Role).index(row.role))


def _present(row: Attendance, say: Wording) -> str:
    spans = _spans(row.intervals, say)
    name = say.name(row.participant_id, row.name)
    if row.kind is Kind.ROOM:
        return say.words("attendance.point", name=name, spans=spans)
    return say.words("attendance.person", name=name, role=say.words(f"role.{row.role}").lower(), spans=spans)


def _spans(intervals: tuple[Interval, ...], say: Wording) -> str:
    if len(intervals) <= _SPANS_IN_A_SENTENCE:
        return say.listed(say.span(interval.joined, interval.left) for interval in intervals)
    span = say.span(intervals[0].joined, intervals[-1].left)
    return say.words("attendance.often", count=f"{len(intervals):02}", span=span)


def _signature(minutes: Minutes, say: Wording, role: Role) -> Signature:
    """Give the place to sign, with the name when only one can be meant: which of two is not ours to say."""
    names = [row.name for row in minutes.attendance if row.role is role]
    name = printable(say.bare_name(names[0])) if len(names) == 1 else ""
    return Signature(say.words(f"signature.{role}"), say.words(f"signature.{role}.hint"), name)


def _annex(minutes: Minutes, say: Wording) -> Annex:
    columns = ("number", "name", "role", "from", "to", "total", "note")
    return Annex(
        number=say.words("annex"),
        title=say.words("annex.title"),
        subtitle=say.words("annex.subtitle", title=printable(minutes.title)),
        header=tuple(say.words(f"annex.{column}") for column in columns),
        rows=tuple(_annex_row(number, row, say) for number, row in enumerate(_by_role(minutes), 1)),
        note=say.words("annex.footnote"),
    )


def _annex_row(number: int, row: Attendance, say: Wording) -> tuple[str, ...]:
    cuts = sum(len(interval.interruptions) for interval in row.intervals)
    return (
        f"{number}",
        printable(row.name),
        say.words(f"role.{row.role}"),
        "\n".join(say.exact(interval.joined) for interval in row.intervals),
        "\n".join(say.exact(interval.left) for interval in row.intervals),
        hours(row.total_ms),
        say.words("annex.cuts", count=cuts) if cuts else "",
    )
