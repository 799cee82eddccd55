"""What pictures are made of: lines that matter more or less, cut to the width of the screen."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

__all__ = ["BAR_CELLS", "INDENT", "Line", "Scene", "Weight", "cut", "spread"]

INDENT: Final = 2
BAR_CELLS: Final = 12
NARROW_WIDTH: Final = 72


class Weight(enum.IntEnum):
    """How much a line matters: what is left out first when the screen is too small has the largest number."""

    HEAD = 0
    ASKED = 1
    FAILED = 2
    RUNNING = 3
    COUNTED = 4
    TOLD = 5
    OVER = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the screen, and how much it matters."""

    text: Text
    weight: Weight
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
    result_lines_max: int | None = None
    """Lines of each result; None for all of them."""

    @property
    def bar_cells(self) -> int:
        """How long a bar is: on a narrow screen its words need the room more."""
        return BAR_CELLS if self.width >= NARROW_WIDTH else BAR_CELLS // 2


def spread(left: Text, right: Text, width: int) -> Text:
    """Two texts at both ends of a line; the left one is cut where they would meet."""
    if not right:
        return cut(left, width)
    room = width - right.cell_len - 2
    left = cut(left, max(room, 1))
    left.append(" " * (max(room - left.cell_len, 0) + 2))
    return cut(left + right, width)


def cut(text: Text, width: int) -> Text:
    text = text.copy()
    text.no_wrap = True
    text.truncate(width, overflow="ellipsis")
    return text
