"""One plain line for each event, for pipes and logs."""

from datetime import UTC
from typing import Any, Final

from stretto.cli._events import told
from stretto.cli._live._words import one_line
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

_SIGNS: Final = {
    "accepted": "○",
    "started": "▸",
    "step_started": "▸",
    "step_retrying": "↻",
    "step_completed": "✓",
    "step_failed": "✗",
    "interrupt_raised": "?",
    "interrupt_decided": "!",
    "cancel_requested": "■",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "■",
    "quarantined": "✗",
    "timed_out": "✗",
}


def line_of(event: ProgressEvent, result: Any = None) -> str:
    """Time, workflow, sequence, sign, step and what happened, with the decoded result of the one that completes."""
    at = event.occurred_at.ToDatetime(UTC).astimezone()
    kind = event.WhichOneof("kind") or ""
    words = [f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}", event.workflow_id, f"{event.sequence:>4}"]
    words.append(_SIGNS.get(kind, "·"))
    words += [one_line(event.step)] if event.step else []
    words += [f"attempt {event.attempt}"] if event.attempt > 1 else []
    return "  ".join((*words, told(event, result if kind == "completed" else None).plain))
