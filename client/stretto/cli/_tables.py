"""Tables without frames: ids whole, and one row to a line when piped."""

from collections.abc import Iterable

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stretto.cli._output import FLEXIBLE_WIDTH, GAP, clean

__all__ = ["cell", "indented", "pairs", "table"]

INDENT = 2


def cell(text: str, style: str = "", *, cut: bool = False) -> Text:
    """Somebody's text as one line; in a column that gives way it may be cut instead of wrapped."""
    return Text(clean(" ".join(text.split())), style, no_wrap=cut or None, overflow="ellipsis" if cut else None)


def table(*columns: str, gives_way: str = "", head: bool = True) -> Table:
    """A table. Where the terminal is narrow, one column gives way; all others stay whole."""
    made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim", show_header=head)
    for column in columns:
        if column == gives_way:
            made.add_column(column.upper(), overflow="fold", min_width=FLEXIBLE_WIDTH)
        else:
            made.add_column(column.upper(), no_wrap=True)
    return made


def pairs(rows: Iterable[tuple[str, Text | str]]) -> Padding:
    """Names and what they stand for, below each other."""
    made = table("name", "value", gives_way="value", head=False)
    for name, value in rows:
        made.add_row(Text(name, style="dim"), Text(clean(value)) if isinstance(value, str) else value)
    return indented(made)


def indented(thing: Table | Text, depth: int = 1) -> Padding:
    """Moved in below its heading."""
    return Padding(thing, (0, 0, 0, INDENT * depth), expand=False)
