"""Pages of the docs, the code blocks in them, and what their marks tell to do with these.

A mark is a comment on the line before the block:

    <!-- file: NAME -->       writes the block into the page's folder
    <!-- test: serve -->      starts a server, in the place of the one before
    <!-- test: background --> starts something that listens on port 8123
    <!-- test: python -->     runs it; a block right behind it that is marked `prints` is what it prints
    <!-- test: sh -->         runs the commands, which must succeed
    <!-- test: console -->    runs what follows on `$ `, and compares what it prints
    <!-- test: NAME -->       is run by a test elsewhere, which names the page and the block
    <!-- prints -->           see above
    <!-- no test: REASON -->  is not run
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
VERBS = frozenset({"serve", "background", "python", "sh", "console"})
CODE = frozenset({"python", "sh", "bash", "shell", "console"})
"""Languages whose blocks must be marked."""

_MARK = re.compile(r"^<!-- (file|test|prints|no test)(?:: (.+))? -->$")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, how it is marked, and what is in it."""

    page: Path
    line: int
    language: str
    mark: str
    argument: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether it says what to do with it here."""
        return self.mark == "file" or (self.mark == "test" and self.argument in VERBS)


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    return list(_blocks(page, page.read_text().splitlines()))


def _blocks(page: Path, lines: list[str]) -> Iterator[Block]:
    start = -1
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start < 0:
            start = number
            continue
        found = _MARK.match(lines[start - 1]) if start else None
        mark, argument = (found[1], found[2] or "") if found else ("", "")
        text = "".join(f"{inside}\n" for inside in lines[start + 1 : number])
        yield Block(page, start + 1, lines[start][3:].strip(), mark, argument, text)
        start = -1
