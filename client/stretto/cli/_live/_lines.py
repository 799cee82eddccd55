"""One plain line for each event, for pipes and logs."""

from datetime import UTC
from typing import Any, Final

from stretto.cli._events import told
from stretto.cli._live._bars import branch_line
from stretto.cli._live._words import one_line
from stretto.fanout.v1.fanout_pb2 import BranchProgress
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
_BRANCH_SIGNS: Final = {"succeeded": "✓", "failed": "✗"}


def line_of(event: ProgressEvent, result: Any = None, branch: BranchProgress | None = None) -> str:
    """Time, workflow, sequence, sign, step and what happened.

    Args:
        event: What happened.
        result: The decoded result, where it completes.
        branch: What its detail says of a branch.
    """
    at = event.occurred_at.ToDatetime(UTC).astimezone()
    kind = event.WhichOneof("kind") or ""
    words = [f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}", event.workflow_id, f"{event.sequence:>4}"]
    words.append(_SIGNS.get(kind, "·") if branch is None else _BRANCH_SIGNS.get(branch.WhichOneof("kind") or "", "·"))
    words += [one_line(event.step)] if event.step else []
    words += [f"attempt {event.attempt}"] if event.attempt > 1 else []
    if branch is not None:
        return "  ".join((*words, branch_line(branch, event.step_progress.message)))
    return "  ".join((*words, told(event, result if kind == "completed" else None).plain))
