"""How times, names and spans are said in an official document (NĐ 30/2020/NĐ-CP, Annex I)."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from recording.documents.catalogue import Catalogue
from recording.minutes import Minutes
from rooms.ids import ParticipantId
from rooms.log import Moment
from rooms.participant import Kind

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

# How somebody is addressed, and never the beginning of a name.
_ADDRESS = re.compile(r"^(?:[Đđ]ồng chí |(?i:đ/c|mrs?|ms)[. ]) *")
# An address or, as in Ông Ích Khiêm or Đồng Chí Thanh, a name: where there is no telling, a name stays as typed.
_PERHAPS_ADDRESS = ("ông ", "bà ", "đồng chí ")
_PLACED = ("điểm cầu", "bridge point")


class Wording:
    """The phrases of one document. Times are Viet Nam's, with the date when it is not that of the start."""

    def __init__(self, words: Catalogue, minutes: Minutes) -> None:
        self.words = words
        self._first_day = local(minutes.start).date() if minutes.start else None
        self._several_days = len({local(moment).date() for moment in _presences(minutes)}) > 1
        self._kinds = {row.participant_id: row.kind for row in minutes.attendance}

    def clock(self, moment: Moment) -> str:
        """`08 giờ 00 phút`."""
        time = local(moment)
        said = self.words("time", hour=f"{time:%H}", minute=f"{time:%M}")
        if time.date() == self._first_day:
            return said
        return self.words("time_on", time=said, date=f"{time:%d/%m/%Y}")

    def exact(self, moment: Moment | None) -> str:
        """`08:00:05`, for tables; nothing for what has not come.

        When people were there on several days, every time has its date on a second line: so the times of a
        coming and of its leaving, in columns side by side, stay at the same height.
        """
        if moment is None:
            return ""
        return f"{local(moment):%H:%M:%S\n%d/%m/%Y}" if self._several_days else f"{local(moment):%H:%M:%S}"

    def day_and_time(self, moment: Moment | None) -> str:
        """`08 giờ 00 phút, ngày 05 tháng 02 năm 2026`, or room to write.

        Days below 10 and the months 1 and 2 have a leading 0, so that nobody makes 1 into 11.
        """
        if moment is None:
            return self.words("blank")
        time = local(moment)
        said = self.words("time", hour=f"{time:%H}", minute=f"{time:%M}")
        month = self.words(f"month.{time.month}")
        return self.words("date_time", time=said, day=f"{time:%d}", month=month, year=time.year)

    def span(self, start: Moment, end: Moment | None) -> str:
        """`từ 08 giờ 00 phút đến 09 giờ 30 phút`."""
        if end is None:
            return self.words("since", start=self.clock(start))
        return self.words("span", start=self.clock(start), end=self.clock(end))

    def duration(self, duration_ms: int) -> str:
        """`2 phút 05 giây`, `20 giây`."""
        minutes, seconds = divmod(round(duration_ms / 1000), 60)
        if not minutes:
            return self.words("seconds", seconds=seconds)
        return self.words("minutes_seconds", minutes=minutes, seconds=f"{seconds:02}")

    def name(self, participant_id: ParticipantId, name: str) -> str:
        """`Ông (Bà) Nguyễn Văn A`, `Điểm cầu Quy Nhơn`."""
        kind = self._kinds[participant_id]
        said = _is_placed(name) if kind is Kind.ROOM else _is_addressed(name)
        return name if said else self.words(f"name.{kind}", name=name)

    @staticmethod
    def bare_name(name: str) -> str:
        """Return a name as it stands under a signature: nobody signs as Mr."""
        return _ADDRESS.sub("", name)

    def listed(self, said: Iterable[str]) -> str:
        """Join what is listed: `a, b và c`; or leave room to write."""
        *others, last = [*said] or [self.words("blank")]
        return self.words("and").join([", ".join(others), last]) if others else last


def _is_addressed(name: str) -> bool:
    return bool(_ADDRESS.match(name)) or name.casefold().startswith(_PERHAPS_ADDRESS)


def _is_placed(name: str) -> bool:
    return name.casefold().startswith(_PLACED)


def _presences(minutes: Minutes) -> Iterator[Moment]:
    """Yield every moment at which somebody came or went."""
    for row in minutes.attendance:
        for interval in row.intervals:
            yield from filter(None, (interval.joined, interval.left))


def local(moment: Moment) -> datetime:
    """Return the wall-clock time in Viet Nam."""
    return moment.time.astimezone(ZONE)


def hours(duration_ms: int) -> str:
    """`1:29:55`: hours, minutes and seconds."""
    seconds = duration_ms // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def printable(text: str) -> str:
    """Return text without what no format may hold: controls (but line breaks), surrogates, non-characters.

    The rules of `rooms.text` keep them out; a log need not have been written under these rules.
    """
    return "".join(character for character in text if character == "\n" or _may_be_printed(character))


def _may_be_printed(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") and ord(character) & 0xFFFE != 0xFFFE
