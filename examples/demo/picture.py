"""The pictures for the docs: two moments of each act, as a terminal shows them."""

import io
import re
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from examples.demo.closing import closing, closing_words
from examples.demo.diagnosis import closing_diagnosis
from examples.demo.moments import Conversation
from examples.demo.play import Outcome
from examples.demo.trouble import Findings
from stretto.cli._output import Output, WideConsole

WIDTH, HEIGHT = 100, 50
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def studio() -> Output:
    """A terminal that nobody looks at."""
    out = Output()
    out.console = _console()
    return out


def save(folder: Path, outcome: Outcome, told: Conversation, found: Findings) -> None:
    """Draw what there was to see in the middle of each act, and the figures at its end."""
    _draw(folder / "demo.svg", outcome.moment, closing(outcome))
    _draw(folder / "talk.svg", Group(*told.scene), closing_words(told))
    _draw(folder / "trouble.svg", found.moment, closing_diagnosis(found))


def _draw(file: Path, moment: RenderableType, figures: Group) -> None:
    console = _console()
    console.print(moment, Text("\n⋮\n", "dim"), figures, sep="\n")
    file.write_text(_without_font(console.export_svg(title="make demo", unique_id=file.stem)))


def _without_font(svg: str) -> str:
    """The picture in fonts that are there: rich would have each reader fetch one from somewhere else."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", FONTS).replace("arial", "sans-serif")


def _console() -> WideConsole:
    return WideConsole(
        file=io.StringIO(),
        force_terminal=True,
        width=WIDTH,
        height=HEIGHT,
        markup=False,
        highlight=False,
        emoji=False,
        record=True,
    )
