"""Prints what happens as lines with a time, a workflow and a sign."""

import sys
import time
from collections.abc import Callable

from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

BAR_CELLS = 12
_COLOURS = {"good": "32", "bad": "31", "asks": "33", "quiet": "2"}


def _paint(text: str, mood: str) -> str:
    return f"\x1b[{_COLOURS[mood]}m{text}\x1b[0m" if mood in _COLOURS and sys.stdout.isatty() else text


def _progress(event: ProgressEvent) -> str:
    told = event.step_progress
    full = round(told.fraction * BAR_CELLS)
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {told.fraction:4.0%}  {told.message}"


def _retrying(event: ProgressEvent) -> str:
    error = event.step_retrying.error
    return f"attempt {event.attempt} failed: {error.error_class}: {error.message}; tries again"


def _question(event: ProgressEvent) -> str:
    question = event.interrupt_raised.interrupt.question
    return f"asks: {question.struct_value.fields['question'].string_value}"


def _seconds(event: ProgressEvent) -> str:
    return f"done in {event.step_completed.duration.ToTimedelta().total_seconds():.2f} s"


_TEXTS: dict[str, tuple[str, str, Callable[[ProgressEvent], str]]] = {
    "accepted": ("quiet", "●", lambda _: "accepted: durable before anything runs"),
    "started": ("quiet", "●", lambda _: "started"),
    "step_started": ("", "▸", lambda event: f"attempt {event.attempt}" if event.attempt > 1 else "starts"),
    "step_progress": ("", "·", _progress),
    "step_retrying": ("bad", "↻", _retrying),
    "step_completed": ("good", "✓", _seconds),
    "step_failed": ("bad", "✗", lambda event: f"failed: {event.step_failed.error.message}"),
    "interrupt_raised": ("asks", "?", _question),
    "interrupt_decided": ("asks", "!", lambda _: "decided"),
    "completed": ("good", "■", lambda _: "completed"),
    "failed": ("bad", "■", lambda event: f"failed: {event.failed.error.message}"),
}


class Timeline:
    """Lines since a beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def event(self, name: str, event: ProgressEvent) -> None:
        """One line for an event."""
        kind = event.WhichOneof("kind") or ""
        mood, sign, text = _TEXTS.get(kind, ("", "·", lambda _: kind))
        self._line(f"{name:<11} {event.sequence:>3} {sign} {event.step:<9} {text(event)}", mood)

    def note(self, text: str, mood: str = "") -> None:
        """One line for what the demo itself does."""
        self._line(f"{'':<15} {text}", mood)

    def _line(self, text: str, mood: str) -> None:
        print(f"{time.monotonic() - self._began:6.2f} s  {_paint(text, mood)}", flush=True)
