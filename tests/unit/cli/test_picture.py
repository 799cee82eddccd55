"""The picture that is drawn anew all the time."""

from typing import Any, cast

import pytest
from rich.text import Text

from stretto.cli._live import Break, Picture, WorkflowView
from stretto.cli._live._shows import show_for
from stretto.cli._output import Output, WideConsole
from tests.unit.cli.telling import ID, Teller

NOBODY = cast("Any", None)


def lines_of(picture, lines_max=None):
    console = Output().console
    console.width = 80
    with console.capture() as captured:
        console.print(picture.frame(lines_max))
    return captured.get().splitlines()


@pytest.fixture
def view():
    tell, view = Teller(), WorkflowView(ID)
    view.apply(tell.accepted())
    for number in range(10):
        view.apply(tell.starts(f"n{number}", f"s{number}"))
    return view


def test_a_caption_stands_below_and_takes_its_lines_from_the_rest(view):
    caption = [Text("first"), Text("second")]
    drawn = lines_of(Picture(Output(), NOBODY, [view], caption=caption), 8)
    assert len(drawn) == 8
    assert drawn[0].startswith(f"▸ {ID}")
    assert drawn[-3:] == ["", "first", "second"]


def test_a_caption_is_drawn_as_it_is_then(view):
    caption: list[Text] = []
    picture = Picture(Output(), NOBODY, [view], caption=caption)
    assert len(lines_of(picture)) == 11
    caption.append(Text("later"))
    assert lines_of(picture)[-2:] == ["", "later"]


def ended(result: dict[str, Any], *, height: int, again: str = "") -> tuple[list[str], int]:
    """The last picture of a workflow with a step and a result, and how many lines it would have whole."""
    tell, view, out = Teller(), WorkflowView(ID), Output()
    for event in (tell.accepted(), tell.starts("n", "s"), tell.finishes("n", "s"), tell.completes(result)):
        view.apply(event)
    out.console = WideConsole(width=80, height=height, force_terminal=True, color_system=None)
    picture = Picture(out, NOBODY, [view], again)
    picture._results[ID] = result
    with out.console.capture() as captured:
        out.console.print(picture.last(), crop=False)
    return [line.rstrip() for line in captured.get().splitlines()], len(lines_of(picture))


def test_in_the_end_a_long_result_leaves_its_place_to_what_came_before() -> None:
    drawn, whole = ended({f"field{number}": number for number in range(100)}, height=24)
    assert len(drawn) == 22
    assert drawn[0].startswith(f"✓ {ID}")
    assert drawn[2:4] == ["  {", '    "field0": 0,']
    assert drawn[-2:] == [
        f"  … {whole - 20} more lines of the result; all of it:",
        f"    stretto state {ID} --no-snapshot",
    ]


@pytest.mark.parametrize(("fields", "height"), [(16, 24), (100, 106), (4, 3)])
def test_in_the_end_a_result_that_fits_or_is_short_is_whole(fields: int, height: int) -> None:
    drawn, whole = ended({f"field{number}": number for number in range(fields)}, height=height)
    assert len(drawn) == whole == fields + 4
    assert drawn[-1] == "  }"


def test_a_command_to_copy_is_never_cut() -> None:
    server = f" --server {'x' * 60}:1"
    drawn, _ = ended(dict.fromkeys("abcdefghijklmnopqrstuvwxyz"), height=3, again=server)
    assert drawn[-1] == f"    stretto state {ID} --no-snapshot{server}"


async def test_in_plain_lines_a_break_is_told_once_and_a_later_one_again(capsys):
    tell, view, out = Teller(), WorkflowView(ID), Output()
    show = show_for(out, NOBODY, [view])
    for event in (tell.accepted(), tell.starts("n", "s")):
        await show.event(view, event)
        for seconds in (0.1, 1, 2):
            view.broken = Break("nobody listens", 0)
            show.broke(view, seconds)
    told = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(told) == 2
    assert told[0] == f"{ID}: connection lost, trying again in 0.1 s, and on: nobody listens"
