"""Draws views for a terminal: a head line for each workflow, its steps below it, as many as fit."""

import json
import textwrap
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._view import WorkflowView
from stretto.cli._live._words import (
    SIGNS,
    STATUS_SIGNS,
    decide_command,
    elapsed,
    one_line,
    question,
    status_name,
    took,
    why,
)
from stretto.cli._output import clean
from stretto.cli._words import failure

TEXT_LINES_MAX: Final = 3
"""Lines shown of what a step's language model streams."""

OPEN_STEPS_MAX: Final = 200
"""Steps under way that are drawn: more than a screen has lines, and few enough to be drawn ten times a second."""

BAR_CELLS: Final = 12
NAME_CELLS_MAX: Final = 28
INDENT: Final = 2
ID_CHARACTERS: Final = 4

# What is left out first when the screen is too small has the largest number.
_HEAD, _ASKED, _RUNNING, _FAILED, _TOLD, _OVER = range(6)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the screen, and how much it matters."""

    text: Text
    weight: int
    newness: float = 0.0

    @property
    def rank(self) -> tuple[int, float]:
        """What is kept first has the smallest."""
        return self.weight, -self.newness


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is drawn beside the views themselves."""

    now: float
    """Seconds since 1970, by the server's clock as far as it is known."""
    width: int
    results: Mapping[str, Any]
    """Decoded results by workflow."""
    again: str = ""
    """What a command needs to reach the same server."""


def render(views: Sequence[WorkflowView], scene: Scene, lines_max: int | None = None) -> Group:
    """The views in at most so many lines; all of their lines without a bound."""
    blocks = [_block(view, scene) for view in views]
    if lines_max is not None:
        blocks = _fit(blocks, max(lines_max, 1))
    return Group(*(line.text for block in blocks for line in block))


def _fit(blocks: list[list[_Line]], lines_max: int) -> list[list[_Line]]:
    """Leave out what matters least, the oldest first, and say of each workflow how much that was."""
    if sum(len(block) for block in blocks) <= lines_max:
        return blocks
    # Each workflow that loses a line needs one to say so.
    room = lines_max - len(blocks)
    if room < len(blocks):
        return _heads(blocks, lines_max)
    places = [(number, place) for number, block in enumerate(blocks) for place in range(len(block))]
    kept = set(sorted(places, key=lambda at: blocks[at[0]][at[1]].rank)[:room])
    return [
        _shortened(block, [place for place in range(len(block)) if (number, place) in kept])
        for number, block in enumerate(blocks)
    ]


def _shortened(block: list[_Line], kept: list[int]) -> list[_Line]:
    lost = len(block) - len(kept)
    lines = [block[place] for place in kept]
    return [*lines, _Line(Text(f"  … {lost} more line{'s' * (lost > 1)}", "dim"), _OVER)] if lost else lines


def _heads(blocks: list[list[_Line]], lines_max: int) -> list[list[_Line]]:
    """Only the head lines, those of workflows under way first, and how many more there are."""
    heads = sorted((block[0] for block in blocks), key=lambda line: line.rank)
    if len(heads) <= lines_max:
        return [[block[0]] for block in blocks]
    shown = heads[: lines_max - 1]
    more = Text(f"… {len(heads) - len(shown)} more workflows", "dim")
    return [shown, [_Line(more, _HEAD)]]


def _block(view: WorkflowView, scene: Scene) -> list[_Line]:
    """All lines of one workflow."""
    lines = [_Line(_head(view, scene), _HEAD, newness=0.0 if view.ended else 1.0)]
    if view.broken is not None:
        lines.append(_Line(_indented(_lost(view), 1, scene), _ASKED))
    lines += _steps(view, scene)
    for interrupt in view.questions.values():
        lines += _question(view, interrupt, scene)
    return lines + _outcome(view, scene)


def _head(view: WorkflowView, scene: Scene) -> Text:
    """Id, type, status, share and message; the time and the sequence at the right."""
    sign, colour = STATUS_SIGNS[view.status]  # type: ignore[index]
    left = Text.assemble((f"{sign} ", colour), (view.workflow_id, "bold"), f"  {one_line(view.workflow_type)}  ")
    left.append(status_name(view.status), colour)
    if view.cancel_requested and not view.ended:
        left.append("  cancel requested", "magenta")
    if view.fraction and not view.ended:
        left.append(f"  {view.fraction:.0%}")
    until = view.ended_at if view.ended else scene.now
    times = elapsed(until - view.created_at) if view.created_at else ""
    right = Text(f"{times}  #{view.sequence}", "dim")
    if view.headline and not view.ended:
        left.append(f"  {one_line(view.headline)}", "dim")
    return _spread(left, right, scene.width)


def _lost(view: WorkflowView) -> Text:
    assert view.broken is not None
    left = view.broken.again_at - time.monotonic()
    when = f"in {left:.1f} s" if left > 0 else "now"
    return Text(f"! connection lost, trying again {when}: {one_line(view.broken.why)}", "bold yellow")


def _steps(view: WorkflowView, scene: Scene) -> list[_Line]:
    """The steps as a tree: nested ones below the ones around them."""
    open_steps = list(view.open_steps.values())[-OPEN_STEPS_MAX:]
    known = {step.step_id: step for step in (*view.closed_steps, *open_steps)}
    nested: dict[str, list[StepView]] = {}
    for step in sorted(known.values(), key=lambda step: step.order):
        nested.setdefault(step.parent if step.parent in known else "", []).append(step)
    name_cells = min(max((_name_cells(step) for step in known.values()), default=0), NAME_CELLS_MAX)
    times = Counter(step.path for step in known.values())
    lines: list[_Line] = []
    stack = [(step, 1) for step in reversed(nested.get("", ()))]
    while stack:
        step, depth = stack.pop()
        lines += _step(step, depth, name_cells, scene, alone=times[step.path] == 1)
        stack += [(child, depth + 1) for child in reversed(nested.get(step.step_id, ()))]
    beyond = view.closed_count + len(view.open_steps) - len(known)
    if beyond:
        lines.insert(0, _Line(Text(f"  … {beyond} more steps", "dim"), _OVER, newness=float("inf")))
    return lines


def _name_cells(step: StepView) -> int:
    return len(step.name) + INDENT * step.path.count("/")


def _step(step: StepView, depth: int, name_cells: int, scene: Scene, *, alone: bool) -> list[_Line]:
    sign, colour = SIGNS[step.status]
    left = Text(" " * INDENT * depth)
    left.append(f"{sign} ", colour)
    left.append(one_line(step.name if depth > 1 else step.path).ljust(name_cells - INDENT * (depth - 1)))
    if not alone:
        # Parallel executions of one node have nothing else that tells them apart.
        left.append(f"  {one_line(step.step_id[-ID_CHARACTERS:])}", "dim")
    if step.attempt > 1 and step.status is not StepStatus.RETRYING:
        left.append(f"  attempt {step.attempt}", "dim")
    if step.fraction is not None and step.status is StepStatus.RUNNING:
        left.append_text(_bar(step.fraction))
    words, style = _said(step, scene)
    left.append(f"  {words}" if words else "", style)
    weight = _FAILED if step.error is not None else _RUNNING if not step.ended_at else _OVER
    line = _spread(left, Text(_duration(step, scene), "dim"), scene.width)
    return [_Line(line, weight, step.ended_at or step.started_at), *_streamed(step, depth, scene)]


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


def _bar(fraction: float) -> Text:
    full = round(min(max(fraction, 0.0), 1.0) * BAR_CELLS)
    return Text.assemble("  ", ("━" * full, "cyan"), ("─" * (BAR_CELLS - full), "bright_black"), f" {fraction:4.0%}")


def _duration(step: StepView, scene: Scene) -> str:
    if step.status in {StepStatus.RETRYING, StepStatus.WAITING}:
        return ""
    return took(step.ended_at - step.started_at) if step.ended_at else elapsed(scene.now - step.started_at)


def _streamed(step: StepView, depth: int, scene: Scene) -> list[_Line]:
    """The end of what a language model streams, while it does."""
    if not step.text or step.ended_at:
        return []
    indent = " " * (INDENT * depth + 2)
    width = max(scene.width - len(indent), 10)
    rows = [row for line in clean(step.text).expandtabs().splitlines() for row in textwrap.wrap(line, width)]
    return [
        _Line(_cut(Text(indent + row, "italic dim"), scene.width), _TOLD, step.started_at)
        for row in rows[-TEXT_LINES_MAX:]
    ]


def _question(view: WorkflowView, interrupt: Any, scene: Scene) -> list[_Line]:
    asked = Text.assemble(("? ", "bold yellow"), f"{one_line(interrupt.step)} asks: ")
    asked.append(question(interrupt.question), "bold")
    command = decide_command(view.workflow_id, interrupt, alone=len(view.questions) == 1, again=scene.again)
    return [
        _Line(_indented(asked, 1, scene), _ASKED, 2.0),
        *(_Line(Text(f"    {row}", "cyan", no_wrap=True), _ASKED, 1.0) for row in command),
    ]


def _outcome(view: WorkflowView, scene: Scene) -> list[_Line]:
    """Result, error or cause, whole."""
    if view.error is not None:
        return [_Line(Text(f"  {one_line(failure(view.error))}", "red"), _ASKED)]
    if view.ended and view.cause:
        return [_Line(Text(f"  cancelled: {one_line(view.cause)}", "magenta"), _ASKED)]
    if view.workflow_id not in scene.results:
        return []
    told = json.dumps(scene.results[view.workflow_id], ensure_ascii=False, indent=2)
    # It stays on the screen in the end; until then the steps of other workflows matter more.
    return [_Line(Text(f"  {row}", no_wrap=True), _TOLD) for row in clean(told).splitlines()]


def _indented(text: Text, depth: int, scene: Scene) -> Text:
    return _cut(Text(" " * INDENT * depth) + text, scene.width)


def _spread(left: Text, right: Text, width: int) -> Text:
    """Two texts at both ends of a line; the left one is cut where they would meet."""
    if not right:
        return _cut(left, width)
    room = width - right.cell_len - 2
    left = _cut(left, max(room, 1))
    left.append(" " * (max(room - left.cell_len, 0) + 2))
    return _cut(left + right, width)


def _cut(text: Text, width: int) -> Text:
    text = text.copy()
    text.no_wrap = True
    text.truncate(width, overflow="ellipsis")
    return text
