"""Values as short words for people: times, statuses, payloads."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from stretto.cli._json import plain
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

__all__ = ["ago", "clock", "length", "percent", "short", "status"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TENTHS_MAX: Final = 10

_STYLES: Final = {
    "QUEUED": "blue",
    "RUNNING": "cyan",
    "WAITING": "yellow",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "CANCELLED": "magenta",
    "QUARANTINED": "bold red",
}


def status(value: int) -> Text:
    """A workflow's status in its colour."""
    name = WorkflowStatus.Name(value).removeprefix("WORKFLOW_STATUS_")  # type: ignore[arg-type]
    return Text(name, style=_STYLES.get(name, ""))


def ago(moment: Timestamp) -> str:
    """How long ago a moment was, such as `5 min ago`."""
    seconds = (datetime.now(UTC) - moment.ToDatetime(UTC)).total_seconds()
    return f"{span(max(seconds, 0.0))} ago"


def clock(moment: Timestamp) -> str:
    """A moment in local time."""
    return f"{moment.ToDatetime(UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def length(duration: Duration) -> str:
    """How long something took."""
    return span(duration.ToTimedelta().total_seconds())


def span(seconds: float) -> str:
    """A number of seconds, as exact as a person wants to know it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _TENTHS_MAX:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds // _DAY:.0f} days"


def percent(fraction: float) -> str:
    """A share of the work."""
    return f"{fraction:.0%}"


def short(value: Any) -> str:
    """A payload on one line: a text as it is, anything else as JSON."""
    value = plain(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
