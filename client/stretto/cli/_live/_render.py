"""Draws views for a terminal: a head line for each workflow, its steps below it, as many as fit."""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from stretto.cli._live._frame import INDENT, Line, Scene, Weight, cut, spread
from stretto.cli._live._step_lines import step_lines
from stretto.cli._live._view import WorkflowView
from stretto.cli._live._words import STATUS_SIGNS, decide_command, elapsed, one_line, question, status_name
from stretto.cli._output import clean
from stretto.cli._words import failure

RESULT_LINES_MIN: Final = 6
"""Lines of a result that are shown however full the screen is: to cut less than that saves nobody's time."""

HINT_LINES: Final = 2


def render(views: Sequence[WorkflowView], scene: Scene, lines_max: int | None = None) -> Group:
    """The views in at most so many lines; all of their lines without a bound."""
    blocks = [_block(view, scene) for view in views]
    if lines_max is not None:
        blocks = _fit(blocks, max(lines_max, 1))
    return Group(*(line.text for block in blocks for line in block))


def _fit(blocks: list[list[Line]], lines_max: int) -> list[list[Line]]:
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


def _shortened(block: list[Line], kept: list[int]) -> list[Line]:
    lost = len(block) - len(kept)
    lines = [block[place] for place in kept]
    return [*lines, Line(Text(f"  … {lost} more line{'s' * (lost > 1)}", "dim"), Weight.OVER)] if lost else lines


def _heads(blocks: list[list[Line]], lines_max: int) -> list[list[Line]]:
    """Only the head lines, those of workflows under way first, and how many more there are."""
    heads = sorted((block[0] for block in blocks), key=lambda line: line.rank)
    if len(heads) <= lines_max:
        return [[block[0]] for block in blocks]
    shown = heads[: lines_max - 1]
    more = Text(f"… {len(heads) - len(shown)} more workflows", "dim")
    return [shown, [Line(more, Weight.HEAD)]]


def _block(view: WorkflowView, scene: Scene) -> list[Line]:
    """All lines of one workflow."""
    lines = [Line(_head(view, scene), Weight.HEAD, newness=0.0 if view.ended else 1.0)]
    if view.broken is not None:
        lines.append(Line(_indented(_lost(view), 1, scene), Weight.ASKED))
    lines += step_lines(view, scene)
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
    return spread(left, right, scene.width)


def _lost(view: WorkflowView) -> Text:
    assert view.broken is not None
    left = view.broken.again_at - time.monotonic()
    when = f"in {left:.1f} s" if left > 0 else "now"
    return Text(f"! connection lost, trying again {when}: {one_line(view.broken.why)}", "bold yellow")


def _question(view: WorkflowView, interrupt: Any, scene: Scene) -> list[Line]:
    asked = Text.assemble(("? ", "bold yellow"), f"{one_line(interrupt.step)} asks: ")
    asked.append(question(interrupt.question), "bold")
    command = decide_command(view.workflow_id, interrupt, alone=len(view.questions) == 1, again=scene.again)
    return [
        Line(_indented(asked, 1, scene), Weight.ASKED, 2.0),
        *(Line(_command(row), Weight.ASKED, 1.0) for row in command),
    ]


def _command(command: str) -> Text:
    """A command to copy: whole, also where the terminal has to break it."""
    return Text(f"    {command}", "cyan", no_wrap=True, overflow="ignore")


def _outcome(view: WorkflowView, scene: Scene) -> list[Line]:
    """Result, error or cause."""
    if view.error is not None:
        return [Line(Text(f"  {one_line(failure(view.error))}", "red"), Weight.ASKED)]
    if view.ended and view.cause:
        return [Line(Text(f"  cancelled: {one_line(view.cause)}", "magenta"), Weight.ASKED)]
    if view.workflow_id not in scene.results:
        return []
    # It stays on the screen in the end; until then the steps of other workflows matter more.
    return [Line(row, Weight.TOLD) for row in _result(view, scene)]


def _result(view: WorkflowView, scene: Scene) -> list[Text]:
    """As much of a result as there is room for, and the command that shows all of it."""
    told = json.dumps(scene.results[view.workflow_id], ensure_ascii=False, indent=2)
    rows = [_indented(Text(row), 1, scene) for row in clean(told).splitlines()]
    most = len(rows) if scene.result_lines_max is None else max(scene.result_lines_max, RESULT_LINES_MIN)
    if len(rows) <= most:
        return rows
    shown = rows[: most - HINT_LINES]
    more = Text(f"  … {len(rows) - len(shown)} more lines of the result; all of it:", "dim")
    return [*shown, more, _command(f"stretto state {view.workflow_id} --no-snapshot{scene.again}")]


def _indented(text: Text, depth: int, scene: Scene) -> Text:
    return cut(Text(" " * INDENT * depth) + text, scene.width)
