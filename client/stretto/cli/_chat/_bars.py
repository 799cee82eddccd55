"""What a chat shows of what goes on: a bar for each workflow that has not ended, and below it one for each branch."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from stretto.cli._live import (
    BranchStatus,
    StepView,
    WorkflowView,
    bar,
    branch_bar,
    branch_sign,
    branch_words,
    squeezed,
)
from stretto.cli._output import clean
from stretto.cli._words import percent
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

__all__ = ["BARS_MAX", "bars", "ticking"]

BARS_MAX: Final = 8
"""Lines of bars: more would push the conversation off the screen."""

BAR_CELLS: Final = 12
BRANCH_CELLS: Final = 8
INDENT: Final = 2
ID_CHARACTERS: Final = 4
NAME_CELLS_MAX: Final = 24

_OVER: Final = frozenset({BranchStatus.SUCCEEDED, BranchStatus.FAILED})
_VOWELS: Final = frozenset("aeiouy")
_SIGNS: Final = {
    WorkflowStatus.WORKFLOW_STATUS_QUEUED: ("○", "blue"),
    WorkflowStatus.WORKFLOW_STATUS_WAITING: ("?", "yellow"),
}


def bars(views: Sequence[WorkflowView], width: int, now: float, lines_max: int = BARS_MAX) -> list[Text]:
    """One line for each workflow, and its branches below it: a line each, or one for all, or none, as there is room."""
    types = Counter(view.workflow_type for view in views)
    shown = views if len(views) <= lines_max else views[: lines_max - 1]
    heads = [_head(view, alone=types[view.workflow_type] == 1) for view in shown]
    left = len(views) - len(shown)
    below = _below([_branches(view) for view in shown], lines_max - len(shown) - bool(left), now)
    lines = [line for head, rows in zip(heads, below, strict=True) for line in (head, *rows)]
    lines += [Text(f"… {left} more; /status shows them", "dim")] if left else []
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def ticking(views: Iterable[WorkflowView]) -> bool:
    """Whether a time is shown, which goes on when nothing happens."""
    return any(_runs(step) for view in views for step in view.open_steps.values())


def _head(view: WorkflowView, *, alone: bool) -> Text:
    """Type, phase, bar, share, headline."""
    sign, style = _SIGNS.get(view.status, ("▸", "cyan"))  # type: ignore[call-overload]
    which = "" if alone else f" …{view.workflow_id[-ID_CHARACTERS:]}"
    line = Text.assemble((f"{sign} ", style), clean(_plain(view.workflow_type) + which))
    steps = (step for step in view.open_steps.values() if step.branch is None)
    phases = ", ".join(dict.fromkeys(_plain(step.path) for step in steps))
    line.append(f"  {clean(phases)}" if phases else "", "cyan")
    if view.questions:
        return line.append("  waits for your answer", "yellow")
    line.append("  ").append_text(bar(view.fraction, BAR_CELLS)).append(f" {percent(view.fraction):>4}")
    return line.append(f"  {clean(' '.join(view.headline.split()))}" if view.headline else "", "dim")


def _branches(view: WorkflowView) -> list[StepView]:
    """The branches of what is under way; those of a fan-out that is over are of the past."""
    going = {_place(step) for step in view.open_steps.values() if step.branch is not None}
    steps = (step for step in (*view.closed_steps, *view.open_steps.values()) if step.branch is not None)
    found = (step for step in steps if step.parent in view.open_steps or _place(step) in going)
    return sorted(found, key=lambda step: step.order)


def _place(step: StepView) -> tuple[str, str]:
    """What branches beside each other have in common."""
    return step.parent, step.path.rpartition("/")[0]


def _below(blocks: Sequence[Sequence[StepView]], room: int, now: float) -> list[list[Text]]:
    """The lines below each head. A line for all comes before a line each, so that nobody takes all the room."""
    below: list[list[Text]] = []
    for steps in blocks:
        folded = bool(steps) and room > 0
        room -= folded
        below.append([_summary(steps)] if folded else [])
    for number, steps in enumerate(blocks):
        if below[number] and len(steps) - 1 <= room:
            room -= len(steps) - 1
            below[number] = _rows(steps, now)
    return below


def _summary(steps: Sequence[StepView]) -> Text:
    """All branches of a workflow in a line."""
    told = Counter(step.branch.status for step in steps if step.branch is not None)
    line = Text(" " * INDENT + f"{len(steps)} branches", "dim")
    for words, style, count in (
        ("answered", "green", told[BranchStatus.SUCCEEDED]),
        ("failed", "red", told[BranchStatus.FAILED]),
        ("under way", "cyan", sum(count for status, count in told.items() if status not in _OVER)),
    ):
        line.append(f"  {count} {words}" if count else "", style)
    return line


def _rows(steps: Sequence[StepView], now: float) -> list[Text]:
    names = [clean(" ".join(step.branch.name.split())) for step in steps if step.branch is not None]
    cells = min(max(cell_len(name) for name in names), NAME_CELLS_MAX)
    return [_row(step, squeezed(name, cells), now) for step, name in zip(steps, names, strict=True)]


def _row(step: StepView, name: str, now: float) -> Text:
    assert step.branch is not None
    sign, style = branch_sign(step)
    drawn = branch_bar(step.branch, now, BRANCH_CELLS)
    failed = "red" if step.branch.status is BranchStatus.FAILED else "dim"
    words = (f"  {branch_words(step.branch, now)}", failed)
    return Text.assemble(" " * INDENT, (f"{sign} ", style), f"{name}  ", drawn, words)


def _runs(step: StepView) -> bool:
    return step.branch is not None and step.branch.status not in _OVER and bool(step.branch.asked_at)


def _plain(name: str) -> str:
    """A name of a workflow type or a step as people write it; what has no vowel is an abbreviation, such as HR."""
    words = name.replace("_", " ").replace("-", " ").split()
    return " ".join(word if set(word.lower()) & _VOWELS or not word.isalpha() else word.upper() for word in words)
