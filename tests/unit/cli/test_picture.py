"""The picture that is drawn anew all the time."""

from typing import Any, cast

import pytest
from rich.text import Text

from stretto.cli._live import Picture, WorkflowView
from stretto.cli._output import Output
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
