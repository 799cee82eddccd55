"""What views say, in words: signs, colours, times, errors, questions, and the command that answers one."""

import json
import shlex
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.struct_pb2 import Value

from stretto.cli._live._step import StepStatus
from stretto.cli._output import clean
from stretto.cli._words import reason
from stretto.client import unpack
from stretto.workflow.v1.workflow_pb2 import Interrupt, WorkflowError, WorkflowStatus

SIGNS: Final = {
    StepStatus.RUNNING: ("▸", "cyan"),
    StepStatus.RETRYING: ("↻", "yellow"),
    StepStatus.WAITING: ("?", "yellow"),
    StepStatus.FINISHED: ("✓", "green"),
    StepStatus.FAILED: ("✗", "red"),
    StepStatus.STOPPED: ("■", "magenta"),
}
"""Sign and colour of a step."""

STATUS_SIGNS: Final = {
    WorkflowStatus.WORKFLOW_STATUS_UNSPECIFIED: ("·", "dim"),
    WorkflowStatus.WORKFLOW_STATUS_QUEUED: ("○", "blue"),
    WorkflowStatus.WORKFLOW_STATUS_RUNNING: ("▸", "cyan"),
    WorkflowStatus.WORKFLOW_STATUS_WAITING: ("?", "yellow"),
    WorkflowStatus.WORKFLOW_STATUS_SUCCEEDED: ("✓", "green"),
    WorkflowStatus.WORKFLOW_STATUS_FAILED: ("✗", "red"),
    WorkflowStatus.WORKFLOW_STATUS_CANCELLED: ("■", "magenta"),
    WorkflowStatus.WORKFLOW_STATUS_QUARANTINED: ("✗", "bold red"),
    WorkflowStatus.WORKFLOW_STATUS_TIMED_OUT: ("✗", "red"),
}
"""Sign and colour of a workflow."""

_MINUTE, _HOUR = 60, 3600
_QUESTION_KEYS: Final = ("question", "message", "text", "prompt")


def status_name(status: int) -> str:
    """A status without its prefix."""
    name = WorkflowStatus.Name(status).removeprefix("WORKFLOW_STATUS_")  # type: ignore[arg-type]
    return "" if name == "UNSPECIFIED" else name


def elapsed(seconds: float) -> str:
    """A length of time that ticks: always of the same width while its largest unit stays."""
    seconds = max(seconds, 0.0)
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:02.0f} s"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:02.0f} min"


def took(seconds: float) -> str:
    """A length of time that is over."""
    return f"{max(seconds, 0.0) * 1e3:.0f} ms" if seconds < 1 else elapsed(seconds)


def why(error: WorkflowError) -> str:
    """What went wrong with a step, in a line; which one it was stands beside it."""
    return one_line(f"{error.error_class}: {error.message}" if error.error_class else error.message or reason(error))


def question(asked: Value) -> str:
    """What is asked, in a line: its text where it has one, and its JSON where it has more."""
    packed = AnyProto()
    packed.Pack(asked)
    value: Any = unpack(packed)  # Whole numbers are whole again.
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        texts = [value[key] for key in _QUESTION_KEYS if isinstance(value.get(key), str)]
        if texts:
            rest = {key: item for key, item in value.items() if item is not texts[0]}
            return one_line(f"{texts[0]} {_json(rest)}" if rest else texts[0])
    return one_line(_json(value))


def decide_command(workflow_id: str, interrupt: Interrupt, *, alone: bool, again: str = "") -> list[str]:
    """The command that answers a question, ready to paste: it asks for the answer. In lines that fit a terminal."""
    first = clean(shlex.join(["stretto", "decide", workflow_id])) + again
    if alone:
        return [first]
    return [f"{first} \\", f"  --interrupt {clean(shlex.quote(interrupt.interrupt_id))}"]


def one_line(text: str) -> str:
    """Somebody's text as one harmless line."""
    return clean(" ".join(text.split()))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
