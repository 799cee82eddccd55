"""Arranges the steps of a view in rows: nested ones below the ones around them, many alike in one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stretto.cli._live._branch import BranchStatus
from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._view import WorkflowView

__all__ = ["BRANCHES_MAX", "FAILURES_MAX", "OPEN_STEPS_MAX", "Row", "hidden", "rows_of"]

OPEN_STEPS_MAX: Final = 200
"""Steps under way that are drawn: more than a screen has lines, and few enough to be drawn ten times a second."""

BRANCHES_MAX: Final = 20
"""Branches beside each other that have a row each; of more, those that answered share one."""

FAILURES_MAX: Final = 8
"""Of so many branches, those that failed last have a row each: what goes on needs its place on the screen too."""

_Steps = tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One step, or several branches of which there is the same to say."""

    steps: _Steps
    depth: int
    name: str
    unasked: bool = False
    """Whether they are branches that wait for their turn."""
    around: bool = False
    """Whether rows of steps that are nested in it follow."""

    @property
    def step(self) -> StepView:
        """The first of them, which mostly is the only one."""
        return self.steps[0]


def rows_of(view: WorkflowView) -> list[Row]:
    """The rows from above to below."""
    known = _known(view)
    nested: dict[str, list[StepView]] = {}
    for step in sorted(known.values(), key=lambda step: step.order):
        nested.setdefault(step.parent if step.parent in known else "", []).append(step)
    rows: list[Row] = []
    stack = _beside(nested.get("", ()), 1, view)[::-1]
    while stack:
        row = stack.pop()
        inside = nested.get(row.step.step_id, ()) if len(row.steps) == 1 else ()
        rows.append(replace(row, around=bool(inside)))
        stack += _beside(inside, row.depth + 1, view)[::-1]
    return rows


def hidden(view: WorkflowView) -> int:
    """How many steps are in no row: the oldest of very many."""
    return view.closed_count + len(view.open_steps) - len(_known(view))


def _known(view: WorkflowView) -> dict[str, StepView]:
    # However many wait for their turn, they take one row, and hide none of those that are asked.
    unasked = [step for step in view.open_steps.values() if view.unasked(step)]
    others = [step for step in view.open_steps.values() if not view.unasked(step)][-OPEN_STEPS_MAX:]
    return {step.step_id: step for step in (*view.closed_steps, *others, *unasked)}


def _beside(steps: Sequence[StepView], depth: int, view: WorkflowView) -> list[Row]:
    """Each by itself, and those that share a row behind the last branch."""
    folded = _folded(steps, depth, view)
    gone = {step.step_id for row in folded for step in row.steps}
    rows = [Row((step,), depth, _name(step, depth)) for step in steps if step.step_id not in gone]
    last = max((step.order for step in steps if step.branch is not None or step.step_id in gone), default=0)
    place = sum(row.step.order <= last for row in rows)
    return [*rows[:place], *folded, *rows[place:]]


def _folded(steps: Sequence[StepView], depth: int, view: WorkflowView) -> list[Row]:
    """What shares a row: branches that wait for their turn, and of many those that are over."""
    waiting = _waiting(steps, depth, view)
    branches = [step for step in steps if step.branch is not None]
    count = len(branches) + sum(len(row.steps) for row in waiting)
    if count <= BRANCHES_MAX:
        return waiting
    # One whose failure was told a moment ago may not have ended yet.
    failed = sorted(_those(branches, BranchStatus.FAILED), key=lambda step: step.ended_at or float("inf"))
    alike = [failed[:-FAILURES_MAX], _those(branches, BranchStatus.SUCCEEDED)]
    names = [f"{len(those)} more" if len(those) < count else f"all {count}" for those in alike]
    return waiting + [
        Row(tuple(those), depth, name) for those, name in zip(alike, names, strict=True) if len(those) > 1
    ]


def _waiting(steps: Sequence[StepView], depth: int, view: WorkflowView) -> list[Row]:
    """A row for those of each source that were not asked yet, and one for those that never were."""
    waiting: dict[tuple[str, StepStatus], list[StepView]] = {}
    for step in steps:
        if view.unasked(step):
            waiting.setdefault((step.path, step.status), []).append(step)
    return [Row(tuple(those), depth, _name(those[0], depth), unasked=True) for those in waiting.values()]


def _those(branches: Iterable[StepView], status: BranchStatus) -> list[StepView]:
    return [step for step in branches if step.branch is not None and step.branch.status is status]


def _name(step: StepView, depth: int) -> str:
    if step.branch is not None:
        return step.branch.name
    return step.name if depth > 1 else step.path
