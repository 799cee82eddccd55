"""A sheet of characters on which lines join where they belong together, and cross where they do not."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
_SOLID = {
    UP | DOWN: "│",
    LEFT | RIGHT: "─",
    DOWN | RIGHT: "╭",
    DOWN | LEFT: "╮",
    UP | RIGHT: "╰",
    UP | LEFT: "╯",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
    UP: "│",
    DOWN: "│",
    LEFT: "─",
    RIGHT: "─",
}
_DASHED = _SOLID | dict.fromkeys((UP | DOWN, UP, DOWN), "┊") | dict.fromkeys((LEFT | RIGHT, LEFT, RIGHT), "╌")

LINE = "line"
"""Style of all lines between boxes."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one style that follow each other."""

    text: str
    style: str


@dataclass(slots=True)
class _Cell:
    """What lines do in one place: the arms of each net that passes."""

    arms: dict[int, int] = field(default_factory=dict)
    dashed: dict[int, bool] = field(default_factory=dict)

    def character(self) -> str:
        """The arms of the net that turns or goes down here: a line that crosses it passes below."""
        net = max(self.arms, key=lambda net: (bool(self.arms[net] & (UP | DOWN)), self.arms[net].bit_count()))
        return (_DASHED if self.dashed[net] else _SOLID)[self.arms[net]]


class Canvas:
    """Characters by place, each with the name of its style."""

    def __init__(self) -> None:
        self._characters: dict[tuple[int, int], tuple[str, str]] = {}
        self._cells: dict[tuple[int, int], _Cell] = {}

    @property
    def width(self) -> int:
        """Columns that are in use."""
        return max((x for x, _ in (*self._characters, *self._cells)), default=-1) + 1

    @property
    def height(self) -> int:
        """Rows that are in use."""
        return max((y for _, y in (*self._characters, *self._cells)), default=-1) + 1

    def write(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write text from a place to the right."""
        for character in text:
            cells = cell_len(character)
            if cells:
                self._characters[x, y] = character, style
            for cell in range(1, cells):
                self._characters[x + cell, y] = "", style  # A wide character is there already.
            x += cells

    def paste(self, x: int, y: int, other: "Canvas") -> None:
        """Put another sheet onto this one."""
        for row, runs in enumerate(other.rows()):
            column = x
            for run in runs:
                if run.text.strip():
                    self.write(column, y + row, run.text, run.style)
                column += cell_len(run.text)

    def vertical(self, net: int, x: int, top: int, bottom: int, *, dashed: bool) -> None:
        """A line from one row to another, both included."""
        for y in range(top, bottom + 1):
            self._arm(net, x, y, (UP if y > top else 0) | (DOWN if y < bottom else 0), dashed=dashed)

    def horizontal(self, net: int, y: int, one: int, other: int, *, dashed: bool) -> None:
        """A line from one column to another, both included."""
        left, right = min(one, other), max(one, other)
        for x in range(left, right + 1):
            self._arm(net, x, y, (LEFT if x > left else 0) | (RIGHT if x < right else 0), dashed=dashed)

    def _arm(self, net: int, x: int, y: int, arms: int, *, dashed: bool) -> None:
        if arms:
            cell = self._cells.setdefault((x, y), _Cell())
            cell.arms[net] = cell.arms.get(net, 0) | arms
            cell.dashed[net] = dashed

    def rows(self) -> Iterator[list[Run]]:
        """The sheet row by row, without blanks at the ends of rows."""
        width = self.width
        for y in range(self.height):
            cells = [self._at(x, y) for x in range(width)]
            while cells and cells[-1][0] == " ":
                cells.pop()
            yield _joined(cells)

    def _at(self, x: int, y: int) -> tuple[str, str]:
        if (x, y) in self._characters:
            return self._characters[x, y]
        return (self._cells[x, y].character(), LINE) if (x, y) in self._cells else (" ", "")


def _joined(cells: list[tuple[str, str]]) -> list[Run]:
    runs: list[Run] = []
    for character, style in cells:
        if runs and runs[-1].style == style:
            runs[-1] = Run(runs[-1].text + character, style)
        else:
            runs.append(Run(character, style))
    return runs
