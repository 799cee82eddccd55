"""The pictures for the docs: two moments of each act, as a terminal shows them."""

import io
import re
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from examples.demo.closing import closing, closing_words
from examples.demo.moments import Conversation
from examples.demo.play import Outcome
from stretto.cli._output import Output

WIDTH, HEIGHT = 100, 50
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def studio() -> Output:
    """A terminal that nobody looks at."""
    out = Output()
    out.console = _console()
    return out


def save(folder: Path, outcome: Outcome, told: Conversation) -> None:
    """Draw what there was to see in the middle of each act, and the figures at its end."""
    _draw(folder / "demo.svg", outcome.moment, closing(outcome))
    _draw(folder / "talk.svg", Group(*told.scene), closing_words(told))


def _draw(file: Path, moment: RenderableType, figures: Group) -> None:
    console = _console()
    console.print(moment, Text("\n⋮\n", "dim"), figures, sep="\n")
    file.write_text(_without_font(console.export_svg(title="make demo", unique_id=file.stem)))


def _without_font(svg: str) -> str:
    """The picture in fonts that are there: rich would have each reader fetch one from somewhere else."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", FONTS).replace("arial", "sans-serif")


def _console() -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        width=WIDTH,
        height=HEIGHT,
        markup=False,
        highlight=False,
        emoji=False,
        record=True,
    )
