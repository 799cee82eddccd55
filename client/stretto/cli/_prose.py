"""Breaks prose between its words, and leaves what people copy whole."""

import re
from typing import Final

from rich.cells import cell_len

__all__ = ["wrapped"]

# What is written in backticks, a command behind a colon up to a semicolon or the end, or else a word.
_PIECES: Final = re.compile(r"\s*(?:`[^`]*`\S*|(?<=:\s)stretto\s[^;]*;?|\S+)")


def wrapped(text: str, width: int) -> str:
    """The text in lines of this many columns. An indented line is no prose, but something to copy or to compare."""
    return "\n".join(line if line[:1].isspace() else _wrapped(line, width) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> str:
    rows = [""]
    for piece in _PIECES.findall(line):
        if not rows[-1] or cell_len(rows[-1] + piece) <= width:
            rows[-1] += piece
        else:
            # It may be wider than the screen: then the terminal breaks it, and who copies it gets it whole.
            rows.append(piece.lstrip())
    return "\n".join(rows)
