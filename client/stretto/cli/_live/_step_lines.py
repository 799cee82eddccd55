"""Draws steps: a line each, and below it what a language model says in it."""

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from stretto.cli._live._bars import (
    answers_words,
    bar,
    branch_bar,
    branch_sign,
    branch_words,
    failures_words,
    squeezed,
)
from stretto.cli._live._branch import BranchStatus, BranchView
from stretto.cli._live._frame import INDENT, Line, Scene, Weight, cut, spread
from stretto.cli._live._rows import Row, hidden, rows_of
from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._view import WorkflowView
from stretto.cli._live._words import SIGNS, elapsed, one_line, took, why
from stretto.cli._output import clean

__all__ = ["step_lines"]

TEXT_LINES_MAX: Final = 3
"""Lines shown of what a step's language model streams."""

NAME_SHARE_MAX: Final = 0.35
"""Share of a line that names have at most, so that bars stand in one column and something is left beside them."""

ID_CHARACTERS: Final = 4
UNASKED_SIGN: Final = ("○", "blue")


def step_lines(view: WorkflowView, scene: Scene) -> list[Line]:
    """The steps as a tree: nested ones below the ones around them."""
    rows = rows_of(view)
    times = Counter(row.step.path for row in rows)
    widest = max((cell_len(row.name) + INDENT * (row.depth - 1) for row in rows), default=0)
    name_cells = min(widest, round(scene.width * NAME_SHARE_MAX))
    lines = []
    for row in rows:
        lines += _row(row, name_cells - INDENT * (row.depth - 1), scene, alone=times[row.step.path] == 1)
    beyond = hidden(view)
    if beyond:
        lines.insert(0, Line(Text(f"  … {beyond} more steps", "dim"), Weight.OVER, newness=float("inf")))
    return lines


def _row(row: Row, name_cells: int, scene: Scene, *, alone: bool) -> list[Line]:
    """The lines of a row; `alone` where no other execution has its name."""
    if row.unasked:
        return [_unasked(row, name_cells, scene)]
    if row.step.branch is None:
        return _step(row, name_cells, scene, alone=alone)
    return _branch(row, name_cells, scene) if len(row.steps) == 1 else [_outcomes(row, name_cells, scene)]


def _step(row: Row, name_cells: int, scene: Scene, *, alone: bool) -> list[Line]:
    step = row.step
    sign, colour = SIGNS[step.status]
    left = Text.assemble(" " * INDENT * row.depth, (f"{sign} ", colour), one_line(row.name).ljust(name_cells))
    if not alone:
        # Parallel executions of one node have nothing else that tells them apart.
        left.append(f"  {one_line(step.step_id[-ID_CHARACTERS:])}", "dim")
    if step.attempt > 1 and step.status is not StepStatus.RETRYING:
        left.append(f"  attempt {step.attempt}", "dim")
    if step.fraction is not None and step.status is StepStatus.RUNNING:
        left.append("  ").append_text(bar(step.fraction, scene.bar_cells)).append(f" {step.fraction:4.0%}")
    words, style = _said(step, scene)
    left.append(f"  {words}" if words else "", style)
    weight = Weight.FAILED if step.error is not None else Weight.RUNNING if not step.ended_at else Weight.OVER
    line = spread(left, Text(_duration(step, scene), "dim"), scene.width)
    # What is nested in a step hangs in the air without it.
    newness = step.ended_at or (float("inf") if row.around else step.started_at)
    return [Line(line, weight, newness), *_streamed(step, row.depth, scene)]


def _branch(row: Row, name_cells: int, scene: Scene) -> list[Line]:
    step, branch = row.step, row.step.branch
    assert branch is not None
    now = step.ended_at or scene.now
    left = _barred(row, name_cells, branch_bar(branch, now, scene.bar_cells))
    for words, style in _branch_said(step, branch, scene):
        left.append(f"  {words}" if words else "", style)
    over = branch.status in {BranchStatus.SUCCEEDED, BranchStatus.FAILED}
    failed = branch.status is BranchStatus.FAILED or step.error is not None
    weight = Weight.FAILED if failed else Weight.OVER if over or step.ended_at else Weight.RUNNING
    # Its own time stands beside its bar, without what its step waited before it asked.
    right = "" if over or branch.asked_at else _duration(step, scene)
    line = spread(left, Text(right, "dim"), scene.width)
    return [Line(line, weight, step.ended_at or branch.asked_at or step.started_at), *_streamed(step, row.depth, scene)]


def _branch_said(step: StepView, branch: BranchView, scene: Scene) -> Iterator[tuple[str, str]]:
    """What there is to say of a branch, part by part, with the style of each."""
    if branch.status is BranchStatus.FAILED:
        yield branch_words(branch, scene.now), "red"
        return
    if branch.status is BranchStatus.SUCCEEDED:
        yield branch_words(branch, scene.now), ""
        return
    if step.status is StepStatus.RUNNING:
        yield branch_words(branch, scene.now), ""
    if step.attempt > 1 and step.status is not StepStatus.RETRYING:
        yield f"attempt {step.attempt}", "dim"
    yield _said(step if branch.fraction is not None else replace(step, message=""), scene)


def _unasked(row: Row, name_cells: int, scene: Scene) -> Line:
    """Branches that nobody can tell apart yet; how long they wait says nothing of their source."""
    count, over = len(row.steps), row.step.status is StepStatus.STOPPED
    sign, colour = SIGNS[StepStatus.STOPPED] if over else UNASKED_SIGN
    turn = "waits for its turn" if count == 1 else "wait for their turn"
    left = Text.assemble(
        " " * INDENT * row.depth, (f"{sign} ", colour), squeezed(one_line(row.name), max(name_cells, 1))
    )
    left.append(f"  {count} {'never asked' if over else turn}", "dim")
    return Line(cut(left, scene.width), Weight.COUNTED)


def _outcomes(row: Row, name_cells: int, scene: Scene) -> Line:
    """Several branches that answered, or that failed."""
    branches = [step.branch for step in row.steps if step.branch is not None]
    failed = branches[0].status is BranchStatus.FAILED
    left = _barred(row, name_cells, bar(1.0, scene.bar_cells, "red" if failed else "green"))
    left.append(f"  {failures_words(branches)}" if failed else f"  {answers_words(branches)}", "red" if failed else "")
    return Line(cut(left, scene.width), Weight.FAILED if failed else Weight.COUNTED)


def _barred(row: Row, name_cells: int, drawn: Text) -> Text:
    """The beginning of a branch's line: its bar stands in one column with those of the others."""
    sign, colour = branch_sign(row.step)
    name = squeezed(one_line(row.name), max(name_cells, 1))
    return Text.assemble(" " * INDENT * row.depth, (f"{sign} ", colour), name, "  ", drawn)


def _said(step: StepView, scene: Scene) -> tuple[str, str]:
    """What there is to say of a step, and in which style."""
    if step.status is StepStatus.RETRYING and step.error is not None:
        left = step.next_attempt_at - scene.now
        when = f"in {left:.1f} s" if left > 0 else "soon"
        return f"attempt {step.attempt + 1} {when}; attempt {step.attempt} failed: {why(step.error)}", "yellow"
    if step.status is StepStatus.FAILED and step.error is not None:
        return why(step.error), "red"
    if step.error is not None and step.status is StepStatus.RUNNING and not step.message:
        return f"before: {why(step.error)}", "yellow"
    return (one_line(step.message) if step.status is StepStatus.RUNNING else ""), ""


def _duration(step: StepView, scene: Scene) -> str:
    if step.status in {StepStatus.RETRYING, StepStatus.WAITING}:
        return ""
    return took(step.ended_at - step.started_at) if step.ended_at else elapsed(scene.now - step.started_at)


def _streamed(step: StepView, depth: int, scene: Scene) -> list[Line]:
    """The end of what a language model streams, while it does."""
    if not step.text or step.ended_at:
        return []
    indent = " " * (INDENT * depth + 2)
    width = max(scene.width - len(indent), 10)
    rows = [row for line in clean(step.text).expandtabs().splitlines() for row in textwrap.wrap(line, width)]
    return [
        Line(cut(Text(indent + row, "italic dim"), scene.width), Weight.TOLD, step.started_at)
        for row in rows[-TEXT_LINES_MAX:]
    ]
