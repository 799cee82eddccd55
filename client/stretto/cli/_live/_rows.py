"""Arranges the steps of a view in rows: nested ones below the ones around them, many answers in one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stretto.cli._live._branch import BranchStatus
from stretto.cli._live._step import StepView
from stretto.cli._live._view import WorkflowView

__all__ = ["BRANCHES_MAX", "OPEN_STEPS_MAX", "Row", "hidden", "rows_of"]

OPEN_STEPS_MAX: Final = 200
"""Steps under way that are drawn: more than a screen has lines, and few enough to be drawn ten times a second."""

BRANCHES_MAX: Final = 20
"""Branches beside each other that have a row each; of more, those that answered share one."""

_Steps = tuple[StepView, ...]
_Named = tuple[_Steps, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One step, or several branches that answered."""

    steps: _Steps
    depth: int
    name: str
    alone: bool
    """Whether no other execution has this name."""

    @property
    def step(self) -> StepView:
        """The first of them, which mostly is the only one."""
        return self.steps[0]


def rows_of(view: WorkflowView) -> list[Row]:
    """The rows from above to below."""
    known = _known(view)
    times = Counter(step.path for step in known.values())
    nested: dict[str, list[StepView]] = {}
    for step in sorted(known.values(), key=lambda step: step.order):
        nested.setdefault(step.parent if step.parent in known else "", []).append(step)
    rows: list[Row] = []
    stack = [(one, 1) for one in reversed(_named(nested.get("", ()), 1))]
    while stack:
        (steps, name), depth = stack.pop()
        rows.append(Row(steps, depth, name, times[steps[0].path] == 1))
        if len(steps) == 1:
            stack += [(one, depth + 1) for one in reversed(_named(nested.get(steps[0].step_id, ()), depth + 1))]
    return rows


def hidden(view: WorkflowView) -> int:
    """How many steps are in no row: the oldest of very many."""
    return view.closed_count + len(view.open_steps) - len(_known(view))


def _known(view: WorkflowView) -> dict[str, StepView]:
    open_steps = list(view.open_steps.values())[-OPEN_STEPS_MAX:]
    return {step.step_id: step for step in (*view.closed_steps, *open_steps)}


def _named(beside: Sequence[StepView], depth: int) -> list[_Named]:
    """Each by itself; where there are many branches, those that answered together, behind the last one."""
    branches = [step for step in beside if step.branch is not None]
    answered = tuple(_answered(branches)) if len(branches) > BRANCHES_MAX else ()
    gone = {step.step_id for step in answered}
    named: list[_Named] = []
    for step in beside:
        if step.step_id not in gone:
            named.append(((step,), _name(step, depth)))
        if answered and step is branches[-1]:
            named.append(
                (answered, f"{len(answered)} more" if len(answered) < len(branches) else f"all {len(answered)}")
            )
    return named


def _answered(branches: Sequence[StepView]) -> Iterator[StepView]:
    return (step for step in branches if step.branch is not None and step.branch.status is BranchStatus.SUCCEEDED)


def _name(step: StepView, depth: int) -> str:
    if step.branch is not None:
        return step.branch.name
    return step.name if depth > 1 else step.path
