"""When a line of a log was written, as it says itself. A time without a zone is taken for UTC."""

import datetime as dt
import re
from typing import Final

HEAD_CHARACTERS: Final = 100
"""A time further inside of a line is one that the line tells of."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
_ZONE: Final = r"(?:\s?(?P<zone>Z\b|UTC\b|[+-]\d\d:?\d\d\b))?"
_PATTERNS: Final = (
    re.compile(rf"(?<!\d)(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]{_CLOCK}{_ZONE}"),
    re.compile(rf"(?<!\d)(?P<day>\d\d)/(?P<month>[A-Z][a-z]{{2}})/(?P<year>\d{{4}}):{_CLOCK}{_ZONE}"),
    re.compile(rf"(?<!\w)(?P<month>[A-Z][a-z]{{2}}) +(?P<day>\d{{1,2}}) {_CLOCK}"),
)
_NUMBER: Final = re.compile(r"\d{9,19}(?:\.\d+)?")
_EPOCH_UNITS: Final = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From where on a number counts nanoseconds, microseconds, milliseconds, and how many there are in a second."""


def time_in(line: str, written_at: dt.datetime) -> dt.datetime | None:
    """The time at the head of a line of a file. One without a year is the last such day before the file was written."""
    head = line[:HEAD_CHARACTERS]
    match = next((match for pattern in _PATTERNS if (match := pattern.search(head))), None)
    if match is None:
        return None
    parts = match.groupdict()
    if parts.get("year"):
        return _time(parts, int(parts["year"]))
    this_year = _time(parts, written_at.year)
    # A clock may be ahead by some hours; what is later than that is of the year before.
    late = this_year is not None and this_year > written_at + dt.timedelta(days=1)
    return _time(parts, written_at.year - 1) if late or this_year is None else this_year


def time_of(value: object, written_at: dt.datetime) -> dt.datetime | None:
    """The time in a field of JSON: a text, or a number of seconds or of parts of them since 1970."""
    if isinstance(value, str):
        return _since_1970(float(value)) if _NUMBER.fullmatch(value) else time_in(value, written_at)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_1970(value)
    return None


def _since_1970(number: float) -> dt.datetime | None:
    parts = next((parts for least, parts in _EPOCH_UNITS if number >= least), 1)
    try:
        return dt.datetime.fromtimestamp(number / parts, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _time(parts: dict[str, str | None], year: int) -> dt.datetime | None:
    """The time of these parts, unless there is no such one."""
    month = parts["month"] or ""
    try:
        return dt.datetime(
            year,
            int(month) if month.isdigit() else _MONTHS.index(month) + 1,
            int(parts["day"] or 0),
            int(parts["hour"] or 0),
            int(parts["minute"] or 0),
            min(int(parts["second"] or 0), 59),  # A leap second.
            int((parts["fraction"] or "")[:6].ljust(6, "0")),
            tzinfo=_zone(parts.get("zone")),
        ).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> dt.timezone:
    if not text or text[0] not in "+-":
        return dt.UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return dt.timezone(dt.timedelta(minutes=-minutes if text[0] == "-" else minutes))
