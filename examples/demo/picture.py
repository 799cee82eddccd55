"""The picture for the README: two moments of one run, as a terminal shows them."""

import io
import re
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from examples.demo.closing import closing
from examples.demo.play import Outcome
from stretto.cli._output import Output

WIDTH, HEIGHT = 100, 50
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def studio() -> Output:
    """A terminal that nobody looks at."""
    out = Output()
    out.console = _console()
    return out


def save(file: Path, outcome: Outcome) -> None:
    """Draw the moment before the answer, and the figures at the end."""
    console = _console()
    console.print(outcome.moment, Text("\n⋮\n", "dim"), closing(outcome), sep="\n")
    file.write_text(_without_font(console.export_svg(title="make demo", unique_id="demo")))


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
