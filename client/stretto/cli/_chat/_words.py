"""What a chat shows of what goes on: a bar for each workflow that has not ended, and a reply that is being written."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from stretto.cli._chat._story import Writing
from stretto.cli._live import WorkflowView
from stretto.cli._output import clean
from stretto.cli._words import percent
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

__all__ = ["bars", "written"]

_VOWELS: Final = frozenset("aeiouy")
INDENT: Final = 2
ID_CHARACTERS: Final = 4
BAR_CELLS: Final = 12
BARS_MAX: Final = 8
"""Workflows that have a line of their own: more would push the conversation off the screen."""

WRITTEN_LINES_MAX: Final = 6
"""Lines shown of a reply that is being written; the whole of it is printed once it is there."""

_SIGNS: Final = {
    WorkflowStatus.WORKFLOW_STATUS_QUEUED: ("○", "blue"),
    WorkflowStatus.WORKFLOW_STATUS_WAITING: ("?", "yellow"),
}


def written(writing: Writing | None, width: int) -> list[Text]:
    """The end of a reply that is being written."""
    if writing is None:
        return []
    room = max(width - INDENT, 10)
    rows = [row for line in clean(writing.text).expandtabs().splitlines() for row in textwrap.wrap(line, room)]
    return [Text(" " * INDENT + row, "italic dim") for row in rows[-WRITTEN_LINES_MAX:]]


def bars(views: Sequence[WorkflowView], width: int, lines_max: int = BARS_MAX) -> list[Text]:
    """One line for each workflow: type, phase, bar, share, headline."""
    types = Counter(view.workflow_type for view in views)
    shown = views if len(views) <= lines_max else views[: lines_max - 1]
    lines = [_bar(view, width, alone=types[view.workflow_type] == 1) for view in shown]
    left = len(views) - len(shown)
    return [*lines, Text(f"… {left} more; /status shows them", "dim")] if left else lines


def _bar(view: WorkflowView, width: int, *, alone: bool) -> Text:
    sign, style = _SIGNS.get(view.status, ("▸", "cyan"))  # type: ignore[call-overload]
    which = "" if alone else f" …{view.workflow_id[-ID_CHARACTERS:]}"
    line = Text.assemble((f"{sign} ", style), clean(_plain(view.workflow_type) + which))
    phases = ", ".join(dict.fromkeys(_plain(step.path) for step in view.open_steps.values()))
    line.append(f"  {clean(phases)}" if phases else "", "cyan")
    if view.questions:
        line.append("  waits for your answer", "yellow")
    else:
        _add_share(line, view)
    line.truncate(width, overflow="ellipsis")
    return line


def _add_share(line: Text, view: WorkflowView) -> None:
    full = round(min(max(view.fraction, 0.0), 1.0) * BAR_CELLS)
    line.append("  " + "━" * full, "cyan").append("─" * (BAR_CELLS - full), "bright_black")
    line.append(f" {percent(view.fraction):>4}")
    line.append(f"  {clean(' '.join(view.headline.split()))}" if view.headline else "", "dim")


def _plain(name: str) -> str:
    """A name of a workflow type or a step as people write it; what has no vowel is an abbreviation, such as HR."""
    words = name.replace("_", " ").replace("-", " ").split()
    return " ".join(word if set(word.lower()) & _VOWELS or not word.isalpha() else word.upper() for word in words)
