"""The knowledge of `troubleshooting`: a full-text search over a folder of runbooks."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting._knowledge_files import File, files_in, read
from stretto.workflows.troubleshooting._knowledge_runbook import Runbook
from stretto.workflows.troubleshooting._knowledge_words import query_of, terms_of

__all__ = ["Knowledge", "KnowledgeHit"]

EXCERPT_CHARACTERS_MAX: Final = 500
HITS_MAX: Final = 50

_TABLE: Final = (
    "CREATE VIRTUAL TABLE section USING fts5("
    "title, symptoms, heading, text, runbook UNINDEXED, tokenize = 'porter unicode61')"
)
_INSERT: Final = "INSERT INTO section (title, symptoms, heading, text, runbook) VALUES (?, ?, ?, ?, ?)"
# The weights of title, symptoms, heading and text: what a runbook is for says more than what it mentions.
_SELECT: Final = (
    "SELECT runbook, -bm25(section, 8.0, 4.0, 2.0, 1.0) AS score, snippet(section, 3, '', '', '…', 64)"
    " FROM section WHERE section MATCH ? ORDER BY score DESC, rowid"
)


class KnowledgeHit(BaseModel):
    """A runbook that fits, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    runbook: str
    title: str
    excerpt: str
    score: float
    actions: tuple[str, ...]
    cause: str


class Knowledge:
    """The runbooks of a folder, in an index in memory that follows the files. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: tuple[File, ...] | None = None
        self._skipped: tuple[str, ...] = ()
        self._runbooks: dict[str, Runbook] = {}
        self._index: apsw.Connection | None = None

    @property
    def skipped(self) -> tuple[str, ...]:
        """What was left out when the folder was last read, a sentence each."""
        return self._skipped  # Without the lock, which is kept while a folder is read.

    def search(self, text: str, limit: int = 5) -> tuple[KnowledgeHit, ...]:
        """The runbooks that fit what somebody writes, the best first, each with its best section."""
        terms = terms_of(text)
        with self._lock:
            index = self._current_index()
            if not terms:
                return ()
            return tuple(_hits(index, query_of(terms), self._runbooks, min(limit, HITS_MAX)))

    def _current_index(self) -> apsw.Connection:
        """The index of what the folder holds now. Looked at before it is read: a change in between is seen later."""
        files = files_in(self._folder)
        if self._index is None or files != self._files:
            shelf = read(self._folder, files)
            self._index = _index_of(shelf.runbooks)
            self._runbooks = {each.name: each for each in shelf.runbooks}
            self._skipped = shelf.skipped
            self._files = files
        return self._index


def _index_of(runbooks: tuple[Runbook, ...]) -> apsw.Connection:
    index = apsw.Connection(":memory:")
    index.execute(_TABLE)
    rows = (
        (each.title, each.symptoms, section.heading, section.text, each.name)
        for each in runbooks
        for section in each.sections
    )
    with index:
        index.executemany(_INSERT, rows)
    return index


def _hits(index: apsw.Connection, query: str, runbooks: dict[str, Runbook], limit: int) -> Iterator[KnowledgeHit]:
    """Sections come with the best first, so a runbook's first is its best."""
    found: set[str] = set()
    rows = index.execute(_SELECT, (query,))
    while len(found) < limit and (row := rows.fetchone()) is not None:
        name, score, excerpt = row
        if name in found:
            continue
        found.add(name)
        yield KnowledgeHit(
            runbook=name,
            title=runbooks[name].title,
            excerpt=" ".join(excerpt.split())[:EXCERPT_CHARACTERS_MAX],
            score=score,
            actions=runbooks[name].actions,
            cause=runbooks[name].cause,
        )
    rows.close()
