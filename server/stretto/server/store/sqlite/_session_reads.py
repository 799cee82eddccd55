"""Reading sessions, their journals and their workflows."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

import json
from collections.abc import Sequence

import apsw

from stretto.server.domain.change import StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import SessionNotFound
from stretto.server.domain.session import TURN, Session, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store import _rows
from stretto.server.store.port import SMALL_BYTES_MAX, SessionFilter, SessionState, WorkflowState
from stretto.server.store.sqlite._reads import snapshot

_SEQUENCE_MAX = 2**63 - 1

_SESSION = f"SELECT {_rows.SESSION_COLUMNS} FROM session WHERE project = ? AND session_id = ? AND deleted_at = 0"
_IS_THERE = "NOT EXISTS (SELECT 1 FROM purge WHERE project = ?1 AND session_id = ?2)"
_EVENTS = (
    "SELECT s.sequence, s.kind, s.workflow_id, s.event_sequence, coalesce(s.body, e.body) FROM session_event AS s"
    " LEFT JOIN event AS e"
    " ON e.project = s.project AND e.workflow_id = s.workflow_id AND e.sequence = s.event_sequence"
    f" WHERE s.project = ?1 AND s.session_id = ?2 AND s.sequence > ?3 AND {_IS_THERE} ORDER BY s.sequence LIMIT ?4"
)
_WORDS = "SELECT sequence, kind, workflow_id, event_sequence, body FROM session_event INDEXED BY"
_MESSAGES = (
    f"{_WORDS} session_message WHERE project = ?1 AND session_id = ?2 AND kind IN (1, 2)"
    f" AND sequence > ?3 AND sequence < ?4 AND {_IS_THERE} ORDER BY sequence {{order}} LIMIT ?5"
)
_TURN_MESSAGES = (
    f"{_WORDS} session_turn WHERE project = ?1 AND session_id = ?2 AND kind = 1 AND workflow_id = ?3"
    f" AND {_IS_THERE} ORDER BY sequence"
)
# The conditions of the index are written out, for SQLite does not conclude them from bound values.
_OF_SESSION = (
    "SELECT project, workflow_id FROM workflow_state INDEXED BY workflow_of_session"
    f" WHERE project = ?1 AND session_id = ?2 AND session_id <> '' AND workflow_type <> '{TURN}'"
)
_WORKFLOWS = f"""
WITH page (project, workflow_id) AS (
    SELECT * FROM ({_OF_SESSION} AND ended_at = 0 ORDER BY created_at DESC, workflow_id DESC LIMIT ?3)
    UNION ALL
    SELECT * FROM (
        {_OF_SESSION} AND ended_at > 0 ORDER BY ended_at DESC, created_at DESC, workflow_id DESC LIMIT ?4
    )
)
SELECT {_rows.WORKFLOW_COLUMNS} FROM page
CROSS JOIN workflow AS w ON w.project = page.project AND w.workflow_id = page.workflow_id
CROSS JOIN workflow_state AS s ON s.project = page.project AND s.workflow_id = page.workflow_id
ORDER BY s.ended_at > 0, s.ended_at DESC, w.created_at DESC, w.workflow_id DESC
"""
_INTERRUPTS = (
    f"SELECT i.workflow_id, {_rows.INTERRUPT_COLUMNS} FROM json_each(?2) AS wanted"
    " CROSS JOIN interrupt AS i ON i.project = ?1 AND i.workflow_id = wanted.value ORDER BY i.workflow_id, i.position"
)
_NEWEST = """
WITH newest (workflow_id, checkpoint_id) AS MATERIALIZED (
    SELECT wanted.value, (
        SELECT max(checkpoint_id) FROM checkpoint
        WHERE project = ?1 AND workflow_id = wanted.value AND namespace = ''
    ) FROM json_each(?2) AS wanted
)
"""
_OF_NEWEST = (
    "{table} AS c ON c.project = ?1 AND c.workflow_id = newest.workflow_id"
    " AND c.namespace = '' AND c.checkpoint_id = newest.checkpoint_id"
)
_CHECKPOINTS = (
    f"{_NEWEST} SELECT c.workflow_id, {_rows.CHECKPOINT_COLUMNS.replace('checkpoint_id', 'c.checkpoint_id')}"
    f" FROM newest CROSS JOIN {_OF_NEWEST.format(table='checkpoint')}"
)
_BLOBS = f"""
{_NEWEST}
SELECT b.workflow_id, b.namespace, b.channel, b.version, b.tag, b.body
FROM newest CROSS JOIN {_OF_NEWEST.format(table="checkpoint")}, json_each(c.channels) AS named
CROSS JOIN channel_blob AS b ON b.project = c.project AND b.workflow_id = c.workflow_id
    AND b.namespace = c.namespace AND b.channel = named.key AND b.version = named.value
    AND length(b.body) <= {SMALL_BYTES_MAX}
"""
_WRITES = (
    f"{_NEWEST} SELECT c.workflow_id, {_rows.WRITE_COLUMNS.replace('checkpoint_id', 'c.checkpoint_id')}"
    f" FROM newest CROSS JOIN {_OF_NEWEST.format(table='pending_write')} AND length(c.body) <= {SMALL_BYTES_MAX}"
    " ORDER BY task_id, position"
)


def session(connection: apsw.Connection, project: str, session_id: str) -> Session:
    """One session, or SessionNotFound when there is none or it was deleted."""
    row = connection.execute(_SESSION, (project, session_id)).fetchone()
    if row is None:
        raise SessionNotFound(session_id=session_id)
    return _rows.to_session(row)


def sessions(
    connection: apsw.Connection, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[Session, ...]:
    """Sessions that are not deleted, newest first."""
    text, values = listing(project, where, limit, before)
    return tuple(_rows.to_session(row) for row in connection.execute(text, values).fetchall())


def listing(
    project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[str, list[str | int]]:
    """The statement behind `sessions` and its values: a walk along one index, newest first."""
    index = "session_active" if where.active_only else "session_by_creation"
    conditions, values = ["project = ?", "deleted_at = 0"], list[str | int]([project])
    if where.active_only:
        conditions.append("active_workflow_count > 0")
    if where.created_after:
        conditions.append("created_at >= ?")
        values.append(where.created_after)
    if where.created_before:
        conditions.append("created_at < ?")
        values.append(where.created_before)
    if before:
        conditions.append("(created_at, session_id) < (?, ?)")
        values.extend(before)
    text = (
        f"SELECT {_rows.SESSION_COLUMNS} FROM session INDEXED BY {index} WHERE {' AND '.join(conditions)}"
        " ORDER BY created_at DESC, session_id DESC LIMIT ?"
    )
    return text, [*values, limit]


def events(
    connection: apsw.Connection, project: str, session_id: str, after: int, limit: int
) -> tuple[StoredSessionEvent, ...]:
    """A part of a session's journal."""
    return _entries(connection, _EVENTS, (project, session_id, after, limit))


def messages(
    connection: apsw.Connection,
    project: str,
    session_id: str,
    limit: int,
    after: int,
    before: int,
    *,
    newest_first: bool,
) -> tuple[StoredSessionEvent, ...]:
    """Messages and notices between two sequences."""
    text = _MESSAGES.format(order="DESC" if newest_first else "ASC")
    return _entries(connection, text, (project, session_id, after, before or _SEQUENCE_MAX, limit))


def turn_messages(
    connection: apsw.Connection, project: str, session_id: str, turn_id: str
) -> tuple[StoredSessionEvent, ...]:
    """The messages of one turn."""
    return _entries(connection, _TURN_MESSAGES, (project, session_id, turn_id))


def state(
    connection: apsw.Connection,
    project: str,
    session_id: str,
    active_max: int,
    ended_max: int,
    *,
    with_checkpoints: bool,
) -> SessionState:
    """A session and its workflows at one moment, in as few statements as there are tables."""
    with snapshot(connection):
        found = session(connection, project, session_id)
        rows: list[_rows.Row] = connection.execute(_WORKFLOWS, (project, session_id, active_max, ended_max)).fetchall()
        workflows = [_rows.to_workflow(row) for row in rows]
        interrupts = _interrupts(connection, project, workflows)
        checkpoints = _checkpoints(connection, project, workflows) if with_checkpoints else {}
    return SessionState(
        found,
        tuple(
            WorkflowState(one, tuple(interrupts.get(one.workflow_id, ())), checkpoints.get(one.workflow_id))
            for one in workflows
        ),
        found.workflow_count - found.active_workflow_count,
    )


def _entries(connection: apsw.Connection, text: str, values: Sequence[str | int]) -> tuple[StoredSessionEvent, ...]:
    rows: list[_rows.Row] = connection.execute(text, values).fetchall()
    return tuple(_rows.to_session_event(row) for row in rows)


def _interrupts(connection: apsw.Connection, project: str, workflows: Sequence[Workflow]) -> dict[str, list[Interrupt]]:
    """The interrupts of workflows that have some and have not ended, oldest first."""
    wanted = [one.workflow_id for one in workflows if one.has_interrupts and not one.status.terminal]
    if not wanted:
        return {}
    found = _by_workflow(connection, _INTERRUPTS, (project, json.dumps(wanted)))
    return {workflow_id: [_rows.to_interrupt(row) for row in rows] for workflow_id, rows in found.items()}


def _checkpoints(
    connection: apsw.Connection, project: str, workflows: Sequence[Workflow]
) -> dict[str, StoredCheckpoint]:
    """The newest checkpoint of each workflow's outermost graph, with its small blobs and writes."""
    values = (project, json.dumps([one.workflow_id for one in workflows]))
    blobs, writes = _by_workflow(connection, _BLOBS, values), _by_workflow(connection, _WRITES, values)
    return {
        workflow_id: StoredCheckpoint(
            _rows.to_checkpoint(row),
            tuple(_rows.to_blob(blob) for blob in blobs.get(workflow_id, ())),
            tuple(_rows.to_write(write) for write in writes.get(workflow_id, ())),
        )
        for workflow_id, (row,) in _by_workflow(connection, _CHECKPOINTS, values).items()
    }


def _by_workflow(connection: apsw.Connection, text: str, values: tuple[str, str]) -> dict[str, list[_rows.Row]]:
    """Rows by the workflow id in their first column, which is left out."""
    found: dict[str, list[_rows.Row]] = {}
    rows: list[_rows.Row] = connection.execute(text, values).fetchall()
    for workflow_id, *row in rows:
        found.setdefault(workflow_id, []).append(tuple(row))
    return found
