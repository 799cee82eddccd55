"""Events of a journal, a line each."""

from collections.abc import Callable
from datetime import UTC
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from rich.text import Text

from stretto.cli._json import whole
from stretto.cli._tables import cell
from stretto.cli._words import failure, length, percent, short
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import OriginKind

__all__ = ["columns", "told"]


def columns(event: ProgressEvent, payload: Any = None) -> tuple[Text, Text, Text, Text]:
    """Sequence, time, step and what happened; `payload` is the decoded one of the event, if it has one."""
    moment = event.occurred_at.ToDatetime(UTC).astimezone()
    attempt = f" #{event.attempt}" if event.attempt > 1 else ""
    return (
        cell(str(event.sequence)),
        cell(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}", "dim"),
        cell(f"{event.step}{attempt}", "bold"),
        told(event, payload),
    )


def told(event: ProgressEvent, payload: Any = None) -> Text:
    """What happened, in a few words."""
    kind = event.WhichOneof("kind")
    if kind not in _WORDS:  # A newer server may know more.
        return cell(kind or "unknown event", "dim")
    words, style = _WORDS[kind]
    return cell(words(getattr(event, kind)) + (f": {short(payload)}" if payload is not None else ""), style)


def _accepted(body: Any) -> str:
    if not body.HasField("origin"):
        return f"accepted {body.workflow_type}"
    verb = OriginKind.Name(body.origin.kind).removeprefix("ORIGIN_KIND_").lower()
    return f"accepted {body.workflow_type}, {verb} of {body.origin.workflow_id}"


def _progress(body: Any) -> str:
    share = percent(body.fraction) if body.HasField("fraction") else ""
    return " ".join(filter(None, (share, body.message))) or "progress"


def _completed(body: Any) -> str:
    wrote = f": {short(whole(MessageToDict(body.update)))}" if body.HasField("update") else ""
    return f"completed in {length(body.duration)}{wrote}"


def _caused(what: str) -> Callable[[Any], str]:
    return lambda body: f"{what}: {body.cause}" if body.cause else what


_WORDS: Final[dict[str, tuple[Callable[[Any], str], str]]] = {
    "accepted": (_accepted, ""),
    "started": (lambda body: f"started after {length(body.queued_for)} in the queue", ""),
    "step_started": (lambda _: "started", ""),
    "step_progress": (_progress, "cyan"),
    "step_retrying": (lambda body: f"failed, another attempt follows: {failure(body.error)}", "yellow"),
    "step_completed": (_completed, "green"),
    "step_failed": (lambda body: f"failed after {length(body.duration)}: {failure(body.error)}", "red"),
    "token_delta": (lambda body: f"says: {body.text}", ""),
    "interrupt_raised": (lambda body: f"asks: {short(whole(MessageToDict(body.interrupt.question)))}", "yellow"),
    "interrupt_decided": (lambda _: "decided", "yellow"),
    "cancel_requested": (_caused("cancel asked for"), "magenta"),
    "completed": (lambda _: "completed", "bold green"),
    "failed": (lambda body: f"failed: {failure(body.error)}", "bold red"),
    "cancelled": (_caused("cancelled"), "bold magenta"),
    "quarantined": (lambda body: f"quarantined: {failure(body.error)}", "bold red"),
    "timed_out": (lambda body: f"timed out: {failure(body.error)}", "bold red"),
}
