"""Where a command writes: text for people or JSON for programs to stdout, all else to stderr."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from stretto.cli._exits import CommandError
from stretto.cli._prose import wrapped

__all__ = ["Output", "WideConsole", "clean"]

PIPED_WIDTH: Final = 10_000
"""Columns when no terminal says how many: a line stays a line, and no id is cut."""

FLEXIBLE_WIDTH: Final = 12
"""Columns left to text that may wrap or be cut."""

GAP: Final = 2
"""Blanks between a table's columns."""

FAILED: Final = "stretto: "

_HARMLESS: Final = "\n\t"
_BEYOND_ASCII: Final = re.compile(r"[^ -~\n]")


class Output:
    """Stdout for what was asked for, in one of two languages; stderr for everything else.

    `show` does nothing with --json, `document` and `line` nothing without it, so a command may call both.
    """

    def __init__(self, *, as_json: bool = False, aside: bool = False) -> None:
        self.json = as_json
        self.errors = _console(stderr=True)
        self.console = self.errors if aside else _console(stderr=False)

    def aside(self) -> "Output":
        """The same for what people should see that is no result: on stderr, also with --json."""
        return Output(aside=True)

    @property
    def live(self) -> bool:
        """Whether a person looks at stdout: a terminal, and no --json."""
        return self.console.is_terminal and not self.json

    def show(self, *things: Any, style: str | None = None) -> None:
        """Print for people: rich renderables, or prose, which is never read as markup."""
        for thing in () if self.json else things:
            printed = _prose(thing, self.console) if isinstance(thing, str) else thing
            if self.console.is_terminal:
                with self.console.at_least(_least_width(thing)):
                    self.console.print(printed, style=style, soft_wrap=_soft(thing))
            else:
                self._print_bare(printed)

    def _print_bare(self, thing: Any) -> None:
        """Print without the blanks that fill lines up."""
        with self.console.capture() as captured, self.console.at_least(_least_width(thing)):
            self.console.print(thing, soft_wrap=_soft(thing))
        print("\n".join(line.rstrip() for line in captured.get().splitlines()), file=self.console.file)

    def raw(self, text: str) -> None:
        """Print a text that is for another program: every blank and tab as it is."""
        if not self.json:
            print(clean(text).rstrip("\n"))

    def document(self, value: Mapping[str, Any]) -> None:
        """Print the one JSON document of this command."""
        if self.json:
            _print_json(value, indent=2)

    def line(self, value: Mapping[str, Any]) -> None:
        """Print one of several JSON objects, on a line of its own, at once."""
        if self.json:
            _print_json(value, indent=None)

    def note(self, text: str) -> None:
        """Say something on stderr that is no result: what goes on, what to do next."""
        if not self.json:
            self.errors.print(_prose(text, self.errors), style="dim", soft_wrap=True)

    def fail(self, error: CommandError) -> None:
        """Say on stderr what is wrong: one line, or a JSON object."""
        if self.json:
            body = {"exit_code": error.code.value, "exit": error.code.name, "message": error.message, **error.details}
            print(json.dumps({"error": body}, ensure_ascii=False, default=str), file=sys.stderr)
            return
        text = Text(_prose(FAILED + error.message, self.errors))
        text.stylize("bold red", 0, len(FAILED))
        self.errors.print(text, soft_wrap=True)


class WideConsole(Console):
    """A console that leaves a reader's going away to the command line."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError

    @contextlib.contextmanager
    def at_least(self, width: int) -> Iterator[None]:
        """At least this wide: on a narrower terminal lines break, which is better than a cut id."""
        # Not the property: what is set by it holds on, whatever size the terminal gets.
        before = self._width
        self._width = max(self.width, width)
        try:
            yield
        finally:
            self._width = before


def _console(*, stderr: bool) -> WideConsole:
    console = WideConsole(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def _prose(text: str, console: Console) -> str:
    """A text in lines that fit the terminal; elsewhere a line stays a line."""
    return wrapped(clean(text), console.width) if console.is_terminal else clean(text)


def _least_width(thing: Any) -> int:
    """Columns that a table needs for the cells that must stay whole, and some for each of the others."""
    if not isinstance(thing, Table):
        return 0
    return sum((_natural_width(column) if column.no_wrap else FLEXIBLE_WIDTH) + GAP for column in thing.columns)


def _natural_width(column: Column) -> int:
    return max((cell_len(str(cell)) for cell in (column.header, *column.cells)), default=0)


def _soft(thing: Any) -> bool:
    """Whether the terminal may break its lines: text that somebody may want to copy; prose is broken before."""
    return isinstance(thing, str | Text)


def _print_json(value: Mapping[str, Any], indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=not _takes_all(sys.stdout), indent=indent)
    # JSON escapes control characters up to 0x1f; those above, which steer a terminal as well, it leaves to us.
    print(_BEYOND_ASCII.sub(_escaped, text), flush=True)


def _takes_all(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().startswith("utf")


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def clean(text: str) -> str:
    """The text with its control characters made visible: what a server sends must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _HARMLESS else repr(char)[1:-1] for char in text)
