"""Values as short words for people: times, statuses, payloads."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from stretto.workflow.v1.error_reason_pb2 import ErrorReason
from stretto.workflow.v1.workflow_pb2 import WorkflowError, WorkflowStatus

__all__ = ["age", "ago", "clock", "failure", "length", "percent", "pretty", "reason", "short", "status"]

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
    "TIMED_OUT": "red",
}


def status(value: "WorkflowStatus.ValueType") -> Text:
    """A workflow's status in its colour."""
    name = WorkflowStatus.Name(value).removeprefix("WORKFLOW_STATUS_")
    return Text(name, style=_STYLES.get(name, ""))


def age(moment: Timestamp) -> str:
    """How long ago a moment was, in whole seconds or more, such as `5 min`."""
    seconds = (datetime.now(UTC) - moment.ToDatetime(UTC)).total_seconds()
    return span(round(seconds)) if seconds >= 1 else "0 s"


def ago(moment: Timestamp) -> str:
    """How long ago a moment was, such as `5 min ago`."""
    return f"{age(moment)} ago"


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
        return f"{seconds:.2g} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds // _DAY:.0f} days"


def percent(fraction: float) -> str:
    """A share of the work."""
    return f"{fraction:.0%}"


def pretty(value: Any) -> str:
    """JSON on as many lines as it needs; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def short(value: Any) -> str:
    """JSON on one line; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failure(error: WorkflowError) -> str:
    """What a workflow or a step failed with, in a sentence."""
    what = f"{error.error_class}: {error.message}" if error.error_class else error.message
    where = f" at step {error.step}" if error.step else ""
    # Not how many failed: an attempt may have ended with a question, or with its server.
    attempt = f", attempt {error.attempt}" if error.attempt > 1 else ""
    fields = "; ".join(f"{violation.field}: {violation.description}" for violation in error.violations)
    return f"{what or reason(error)}{where}{attempt}" + (f" ({fields})" if fields else "")


def reason(error: WorkflowError) -> str:
    """Name of the reason, without what all reasons have in common."""
    return ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
