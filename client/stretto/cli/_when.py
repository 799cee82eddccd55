"""Times as people write them: `30s`, `2h`, `2026-11-21T12:00`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from stretto.cli._exits import CommandError

__all__ = ["after_now", "before_now", "duration"]

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
HOW: Final = "write a time like 30s, 1h30m or 7d, or a moment like 2026-11-21T12:00"


def duration(text: str) -> timedelta | None:
    """A length of time such as `90s` or `1h30m`; None when the text is none."""
    if not text or _PART.sub("", text):
        return None
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _PART.findall(text)), timedelta())


def after_now(text: str, option: str) -> datetime:
    """A moment to come: that long from now, or the moment itself."""
    return _moment(text, option, 1)


def before_now(text: str, option: str) -> datetime:
    """A moment in the past: that long ago, or the moment itself."""
    return _moment(text, option, -1)


def _moment(text: str, option: str, direction: int) -> datetime:
    """So far from now, or an ISO moment, which is local time when it has no zone."""
    try:
        length = duration(text)
        return datetime.now(UTC) + direction * length if length else datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise CommandError(f"{option} {text!r} is no time: {HOW}") from None
