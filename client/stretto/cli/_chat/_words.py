"""What a chat shows of a reply that is being written."""

import textwrap
from typing import Final

from rich.text import Text

from stretto.cli._chat._story import Writing
from stretto.cli._output import clean

__all__ = ["written"]

INDENT: Final = 2
WRITTEN_LINES_MAX: Final = 6
"""Lines shown of a reply that is being written; the whole of it is printed once it is there."""


def written(writing: Writing | None, width: int) -> list[Text]:
    """The end of a reply that is being written."""
    if writing is None:
        return []
    room = max(width - INDENT, 10)
    rows = [row for line in clean(writing.text).expandtabs().splitlines() for row in textwrap.wrap(line, room)]
    return [Text(" " * INDENT + row, "italic dim") for row in rows[-WRITTEN_LINES_MAX:]]
