"""Dates and months in a text, read against today."""

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stretto.orchestrator.understanding._offline.lexicon import DAYS, MONTHS, NUMBERS

__all__ = ["Moment", "day_of", "moments_in", "months_in"]

_DAY: Final = "|".join(f"{day}|{day[:3]}|{day[:4]}" for day in DAYS)
_MONTH: Final = "|".join(f"{month}|{month[:3]}|{month[:4]}" for month in MONTHS)
_COUNT: Final = "|".join([r"\d{1,3}", "an?", *NUMBERS])
_PATTERNS: Final = tuple(
    re.compile(rf"(?<![\w-]){pattern}(?![\w-])", re.IGNORECASE)
    for pattern in (
        r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::\d\d)?Z?)?",
        r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
        rf"(?P<month>{_MONTH})\.?\s+(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y>\d{{4}}))?",
        rf"(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})\.?(?:,?\s+(?P<y>\d{{4}}))?",
        r"(?P<near>(?:the\s+)?day\s+after\s+tomorrow|today|tomorrow|yesterday)",
        rf"in\s+(?P<count>{_COUNT})\s+(?P<unit>day|week|month)s?",
        rf"(?P<count>{_COUNT})\s+(?P<unit>day|week|month)s?\s+(?P<ago>ago|from\s+(?:now|today))",
        rf"(?P<which>next|this|coming|last)?\s*(?<!\w)(?P<weekday>{_DAY})",
    )
)
_TIME: Final = re.compile(
    r"\s*(?:,\s*)?at\s+(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>[ap])?\.?(?:m\b\.?)?", re.IGNORECASE
)
_YEAR_MONTH: Final = re.compile(r"(?<![\w-])(?P<y>\d{4})[-/](?P<m>0[1-9]|1[0-2])(?![\w-])")
_MONTH_YEAR: Final = re.compile(
    rf"(?<![\w-])(?P<month>{_MONTH})(?:\.?,?\s+(?:of\s+)?(?P<y>\d{{4}}))?(?![\w-])", re.IGNORECASE
)
_MONTH_NEAR: Final = re.compile(r"(?<!\w)(?P<which>this|last|next|previous)\s+month(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date that a text names, its time where one is told, and the characters that do it."""

    date: dt.date
    start: int
    end: int
    time: dt.time | None = None
    open_year: bool = False
    """Whether the text leaves the year open; the date is then the nearest one."""

    def ahead(self, today: dt.date) -> "Moment":
        """The same day of the year, not before today, where the year was left open."""
        if not self.open_year or self.date >= today:
            return self
        later = _dated(self.date.year + 1, self.date.month, self.date.day) or self.date
        return Moment(later, self.start, self.end, self.time)


def day_of(now: int) -> dt.date:
    """The date of a moment in microseconds since 1970, in UTC."""
    return (dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=now)).date()


@lru_cache(maxsize=512)
def moments_in(raw: str, today: dt.date) -> tuple[Moment, ...]:
    """The dates in a text, in the order of their places; none covers another."""
    found: list[Moment] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(raw):
            moment = _moment(match, today)
            if moment and not any(moment.start < other.end and other.start < moment.end for other in found):
                found.append(_timed(moment, raw))
    return tuple(sorted(_without_names(found, raw), key=lambda moment: moment.start))


def months_in(raw: str, today: dt.date) -> tuple[Moment, ...]:
    """The months in a text, each as its first day."""
    return tuple(_months(raw, today))


def _months(raw: str, today: dt.date) -> Iterator[Moment]:
    for match in _YEAR_MONTH.finditer(raw):
        yield Moment(dt.date(max(int(match["y"]), 1), int(match["m"]), 1), *match.span())
    for match in _MONTH_NEAR.finditer(raw):
        step = {"this": 0, "next": 1}.get(match["which"].lower(), -1)
        yield Moment(_months_later(today.replace(day=1), step), *match.span())
    for match in _MONTH_YEAR.finditer(raw):
        # `may` in small letters is mostly the verb.
        if match["month"] != "may" and match["month"] not in {"mar", "sep"}:
            number = _month_number(match["month"])
            date = dt.date(max(int(match["y"]), 1), number, 1) if match["y"] else _nearest_month(number, today)
            yield Moment(date, *match.span())


def _moment(match: re.Match[str], today: dt.date) -> Moment | None:
    parts = match.groupdict()
    open_year = False
    if parts.get("near"):
        date: dt.date | None = today + dt.timedelta(days=_near(parts["near"]))
    elif parts.get("count"):
        date = _counted(parts, today)
    elif parts.get("weekday"):
        date = _weekday(parts, today)
    else:
        number = int(parts["m"]) if parts.get("m") else _month_number(parts["month"])
        open_year = not parts.get("y")
        date = (
            _nearest(number, int(parts["d"]), today) if open_year else _dated(int(parts["y"]), number, int(parts["d"]))
        )
    time = _time(parts) if parts.get("y") and parts.get("hour") else None
    return Moment(date, *match.span(), time, open_year) if date else None


def _near(words: str) -> int:
    last = words.lower().split()[-1]
    return 2 if "after" in words.lower() else {"today": 0, "tomorrow": 1, "yesterday": -1}[last]


def _counted(parts: dict[str, str], today: dt.date) -> dt.date | None:
    word = parts["count"].lower()
    count = int(word) if word.isdecimal() else NUMBERS.get(word, 1)
    count = -count if (parts.get("ago") or "").lower() == "ago" else count
    if parts["unit"].lower() == "month":
        return _months_later(today, count)
    return today + dt.timedelta(days=count * (7 if parts["unit"].lower() == "week" else 1))


def _weekday(parts: dict[str, str], today: dt.date) -> dt.date:
    """The coming day of that name; `last` is the one before today."""
    wanted = next(n for n, day in enumerate(DAYS) if day.startswith(parts["weekday"].lower()[:3]))
    if (parts["which"] or "").lower() == "last":
        return today - dt.timedelta(days=(today.weekday() - wanted - 1) % 7 + 1)
    return today + dt.timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)


def _month_number(word: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month.startswith(word.lower()[:3]))


def _months_later(date: dt.date, months: int) -> dt.date:
    place = date.year * 12 + date.month - 1 + months
    year, month = place // 12, place % 12 + 1
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        return date
    return dt.date(year, month, min(date.day, calendar.monthrange(year, month)[1]))


def _dated(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _nearest(month: int, day: int, today: dt.date) -> dt.date | None:
    """The date of that day and month which is nearest to today; of two, the earlier."""
    dates = [date for year in (-1, 0, 1) if (date := _dated(today.year + year, month, day))]
    return min(dates, key=lambda date: abs((date - today).days), default=None)


def _nearest_month(month: int, today: dt.date) -> dt.date:
    """The first of that month which is the fewest months away; of two, the earlier."""
    ahead = (month - today.month) % 12
    return _months_later(today.replace(day=1), ahead if ahead < 6 else ahead - 12)  # noqa: PLR2004 - Half a year.


def _time(parts: dict[str, str]) -> dt.time | None:
    hour, minute = int(parts["hour"]), int(parts.get("minute") or 0)
    if (parts.get("half") or "").lower().startswith("p") and hour < 12:  # noqa: PLR2004 - Noon.
        hour += 12
    return dt.time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 - A clock's hands.


def _timed(moment: Moment, raw: str) -> Moment:
    """The moment with the time that stands right after it."""
    match = _TIME.match(raw, moment.end)
    time = _time(match.groupdict()) if match else None
    return Moment(moment.date, moment.start, match.end(), time, moment.open_year) if match and time else moment


def _without_names(found: list[Moment], raw: str) -> Iterator[Moment]:
    """Weekdays that only name the day of a date next to them say nothing new; `sat` and `sun` are mostly words."""
    for moment in found:
        words = raw[moment.start : moment.end].lower().split()
        named = len(words) == 1 and words[0][:3] in {day[:3] for day in DAYS} and words[0][0].isalpha()
        beside = any(0 <= other.start - moment.end <= 2 for other in found if other is not moment)  # noqa: PLR2004
        verb = raw[moment.start : moment.end] in {"sat", "sun", "wed", "mon"}
        if not (named and beside) and not verb:
            yield moment
