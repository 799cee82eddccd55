"""The three ledgers that the checker compares: what the client saw, what ran, what the store's file holds."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from stretto.workflow.v1.progress_event_pb2 import ProgressEvent


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server said OK to a start."""

    request_id: str
    workflow_id: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A watcher got an event."""

    watcher: str
    event: ProgressEvent


@dataclass(frozen=True, slots=True)
class Decided:
    """The server said OK to a decision."""

    workflow_id: str
    interrupt_id: str
    decision: str


@dataclass(slots=True)
class ClientLog:
    """What the client saw, in its order."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    """Workflows whose cancel was acknowledged."""
    refused: list[str] = field(default_factory=list)
    """Answers that no fault explains."""
    cuts: int = 0
    """Streams that watchers broke off."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A step's function ran."""

    request_id: str
    step: str
    at: float
    decision: str = ""
    workflow_id: str = ""
    mark: str = ""
    """Tells this execution from all others; begins with the epoch under which its run was started."""
    group: int = 0
    """The process group that it ran in."""

    @property
    def epoch(self) -> int:
        """The epoch under which its run was started."""
        return epoch_of(self.mark)


@dataclass(frozen=True, slots=True)
class Row:
    """A workflow as the file has it."""

    workflow_id: str
    request_id: str
    status: int
    last_sequence: int
    events: tuple[ProgressEvent, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A process group could not get on between two moments, or could not reach the store."""

    group: int
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Ledgers:
    """All three, and which processes stood still when."""

    client: ClientLog
    effects: tuple[Effect, ...]
    rows: tuple[Row, ...]
    pauses: tuple[Pause, ...] = ()


def epoch_of(mark: str) -> int:
    """The epoch that an execution's mark tells of."""
    return int(mark.partition("-")[0] or 0)


def read_effects(path: Path) -> tuple[Effect, ...]:
    """The effect file's lines. A kill cannot tear one: each is a single write."""
    if not path.exists():
        return ()
    return tuple(Effect(**json.loads(line)) for line in path.read_text().splitlines())


EVENTS = "SELECT workflow_id, sequence, body FROM event ORDER BY workflow_id, sequence"
WORKFLOWS = (
    "SELECT workflow_id, request_id, status, last_sequence FROM workflow JOIN workflow_state"
    " USING (project, workflow_id)"
)


def read_rows(path: Path) -> tuple[Row, ...]:
    """The workflows and journals of a SQLite file, by plain SQL and none of the server's code."""
    with closing(sqlite3.connect(path)) as connection:
        return _rows(connection.execute(WORKFLOWS), connection.execute(EVENTS))


async def read_rows_of_postgres(url: str) -> tuple[Row, ...]:
    """The same of a PostgreSQL database."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "stretto"})
    try:
        return _rows(await connection.fetch(WORKFLOWS), await connection.fetch(EVENTS))
    finally:
        await connection.close()


def _rows(workflows: Iterable[Sequence[Any]], events: Iterable[Sequence[Any]]) -> tuple[Row, ...]:
    journals: dict[str, list[ProgressEvent]] = {}
    for workflow_id, sequence, body in events:
        event = ProgressEvent.FromString(body)
        event.sequence = sequence
        journals.setdefault(workflow_id, []).append(event)
    return tuple(Row(*workflow, tuple(journals.get(workflow[0], ()))) for workflow in workflows)
