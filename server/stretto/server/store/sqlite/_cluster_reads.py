"""Reading what dispatchers ask for: who owns what, what waits, what is late, how far journals are."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

import json
from collections.abc import Iterable, Sequence

import apsw

from stretto.server.domain.clock import Micros
from stretto.server.domain.member import Owned
from stretto.server.domain.session import TURN
from stretto.server.store import _rows
from stretto.server.store.port import Position, Unfinished
from stretto.server.store.sqlite import _sql
from stretto.server.store.sqlite._reads import UNFINISHED, to_unfinished

_RUNNING = (
    "SELECT project, workflow_id, epoch, cancel_requested_at FROM workflow_state INDEXED BY workflow_by_status"
    " WHERE status = 2"
)
_COUNT = (
    "SELECT count(*) FROM (SELECT 1 FROM workflow_state INDEXED BY workflow_by_status"
    f" WHERE status = 1 AND workflow_type {{is_turn}} '{TURN}' LIMIT ?)"
)
_WANTED = "WITH wanted (project, name) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?))"
_POSITIONS = (
    f"{_WANTED} SELECT s.project, s.workflow_id, s.last_sequence, s.status >= 4, s.session_id FROM wanted"
    " CROSS JOIN workflow_state AS s ON s.project = wanted.project AND s.workflow_id = wanted.name"
    f" WHERE {_sql.not_gone('s')}"
)
_SESSION_POSITIONS = (
    f"{_WANTED} SELECT s.project, s.session_id, s.last_sequence, s.deleted_at <> 0 FROM wanted"
    " CROSS JOIN session AS s ON s.project = wanted.project AND s.session_id = wanted.name"
)


def owned(connection: apsw.Connection, member_id: str) -> tuple[Owned, ...]:
    """The running workflows of an owner."""
    return _to_owned(connection.execute(f"{_RUNNING} AND owner = ?", (member_id,)).fetchall())


def adrift(connection: apsw.Connection, alive: Iterable[str], limit: int) -> tuple[Owned, ...]:
    """Some running workflows whose owner is none of those that are alive."""
    text = f"{_RUNNING} AND owner NOT IN (SELECT value FROM json_each(?)) LIMIT ?"
    return _to_owned(connection.execute(text, (json.dumps(sorted(alive)), limit)).fetchall())


def _to_owned(rows: Iterable[_rows.Row]) -> tuple[Owned, ...]:
    return tuple(Owned(project, workflow_id, epoch, cancel_at != 0) for project, workflow_id, epoch, cancel_at in rows)


def queued(
    connection: apsw.Connection, limit: int, after: tuple[str, Micros, str] | None, updated_before: Micros
) -> tuple[Unfinished, ...]:
    """Queued workflows by project and age, from those after a cursor."""
    further, values = "", list[str | int]()
    if after:
        further += " AND (s.project, s.created_at, s.workflow_id) > (?, ?, ?)"
        values.extend(after)
    if updated_before:
        further += " AND s.updated_at < ?"
        values.append(updated_before)
    text = UNFINISHED.format(statuses="1", further=further, order="project, s.created_at, workflow_id")
    rows = connection.execute(f"{text} LIMIT ?", (*values, limit)).fetchall()
    return tuple(to_unfinished(row) for row in rows)


def queued_counts(connection: apsw.Connection, limit: int) -> tuple[int, int]:
    """How many workflows and how many turns are queued, each up to a limit."""
    workflows, turns = (connection.execute(_COUNT.format(is_turn=is_turn), (limit,)).get for is_turn in ("<>", "="))
    return workflows, turns


def overdue(connection: apsw.Connection, now: Micros, limit: int) -> tuple[Unfinished, ...]:
    """Some workflows that have not ended though their deadline has come."""
    further = " AND s.deadline BETWEEN 1 AND ?"
    text = UNFINISHED.format(statuses="1, 2, 3", further=further, order="s.created_at, workflow_id")
    return tuple(to_unfinished(row) for row in connection.execute(f"{text} LIMIT ?", (now, limit)).fetchall())


def positions(connection: apsw.Connection, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    """How far the journals of these workflows are."""
    return _to_positions(connection, _POSITIONS, keys)


def session_positions(connection: apsw.Connection, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    """How far the journals of these sessions are."""
    return _to_positions(connection, _SESSION_POSITIONS, keys)


def _to_positions(connection: apsw.Connection, text: str, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    rows: list[_rows.Row] = connection.execute(text, (json.dumps(keys),)).fetchall()
    return tuple(Position(project, name, last, bool(ended), *session) for project, name, last, ended, *session in rows)
