"""Reading sessions, their journals and their workflows."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

from collections.abc import Sequence
from typing import Any

from stretto.server.domain.change import StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import SessionNotFound
from stretto.server.domain.session import TURN, Session, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store import _rows as rows
from stretto.server.store.port import SMALL_BYTES_MAX, SessionFilter, SessionState, WorkflowState
from stretto.server.store.postgres import _rows
from stretto.server.store.postgres._connection import Connection
from stretto.server.store.postgres._listing import Value, Values
from stretto.server.store.postgres._reads import snapshot

_SEQUENCE_MAX = 2**63 - 1

_SESSION = f"SELECT {rows.SESSION_COLUMNS} FROM session WHERE project = $1 AND session_id = $2 AND deleted_at = 0"
_IS_THERE = "NOT EXISTS (SELECT 1 FROM purge WHERE project = $1 AND session_id = $2)"
_EVENTS = (
    "SELECT s.sequence, s.kind, s.workflow_id, s.event_sequence, coalesce(s.body, e.body) FROM session_event AS s"
    " LEFT JOIN event AS e"
    " ON e.project = s.project AND e.workflow_id = s.workflow_id AND e.sequence = s.event_sequence"
    f" WHERE s.project = $1 AND s.session_id = $2 AND s.sequence > $3 AND {_IS_THERE} ORDER BY s.sequence LIMIT $4"
)
_WORDS = "SELECT sequence, kind, workflow_id, event_sequence, body FROM session_event"
_MESSAGES = (
    f"{_WORDS} WHERE project = $1 AND session_id = $2 AND kind IN (1, 2)"
    f" AND sequence > $3 AND sequence < $4 AND {_IS_THERE} ORDER BY sequence {{order}} LIMIT $5"
)
_TURN_MESSAGES = (
    f"{_WORDS} WHERE project = $1 AND session_id = $2 AND kind = 1 AND workflow_id = $3"
    f" AND {_IS_THERE} ORDER BY sequence"
)
# The conditions of the index are written out, for a plan for any value does not conclude them.
_OF_SESSION = (
    "SELECT project, workflow_id FROM workflow_state"
    f" WHERE project = $1 AND session_id = $2 AND session_id <> '' AND workflow_type <> '{TURN}'"
)
_WORKFLOWS = f"""
WITH page (project, workflow_id) AS (
    ({_OF_SESSION} AND ended_at = 0 ORDER BY created_at DESC, workflow_id DESC LIMIT $3)
    UNION ALL
    ({_OF_SESSION} AND ended_at > 0 ORDER BY ended_at DESC, created_at DESC, workflow_id DESC LIMIT $4)
)
SELECT {rows.WORKFLOW_COLUMNS} FROM page
JOIN workflow AS w ON w.project = page.project AND w.workflow_id = page.workflow_id
JOIN workflow_state AS s ON s.project = page.project AND s.workflow_id = page.workflow_id
ORDER BY s.ended_at > 0, s.ended_at DESC, w.created_at DESC, w.workflow_id DESC
"""
_INTERRUPTS = (
    f"SELECT i.workflow_id, {rows.INTERRUPT_COLUMNS} FROM unnest($2::text[]) AS wanted (name)"
    " JOIN interrupt AS i ON i.project = $1 AND i.workflow_id = wanted.name ORDER BY i.workflow_id, i.position"
)
_NEWEST = """
WITH newest (workflow_id, checkpoint_id) AS MATERIALIZED (
    SELECT wanted.name, (
        SELECT max(checkpoint_id) FROM checkpoint
        WHERE project = $1 AND workflow_id = wanted.name AND namespace = ''
    ) FROM unnest($2::text[]) AS wanted (name)
)
"""
_OF_NEWEST = (
    "{table} AS c ON c.project = $1 AND c.workflow_id = newest.workflow_id"
    " AND c.namespace = '' AND c.checkpoint_id = newest.checkpoint_id"
)
_CHECKPOINTS = (
    f"{_NEWEST} SELECT c.workflow_id, {rows.CHECKPOINT_COLUMNS.replace('checkpoint_id', 'c.checkpoint_id')}"
    f" FROM newest JOIN {_OF_NEWEST.format(table='checkpoint')}"
)
_BLOBS = f"""
{_NEWEST}
SELECT b.workflow_id, b.namespace, b.channel, b.version, b.tag, b.body
FROM newest JOIN {_OF_NEWEST.format(table="checkpoint")} CROSS JOIN json_each_text(c.channels::json) AS named
JOIN channel_blob AS b ON b.project = c.project AND b.workflow_id = c.workflow_id
    AND b.namespace = c.namespace AND b.channel = named.key AND b.version = named.value
    AND octet_length(b.body) <= {SMALL_BYTES_MAX}
"""
_WRITES = (
    f"{_NEWEST} SELECT c.workflow_id, {rows.WRITE_COLUMNS.replace('checkpoint_id', 'c.checkpoint_id')}"
    f" FROM newest JOIN {_OF_NEWEST.format(table='pending_write')} AND octet_length(c.body) <= {SMALL_BYTES_MAX}"
    " ORDER BY task_id, position"
)


async def session(connection: Connection, project: str, session_id: str) -> Session:
    """One session, or SessionNotFound when there is none or it was deleted."""
    row = await connection.fetchrow(_SESSION, project, session_id)
    if row is None:
        raise SessionNotFound(session_id=session_id)
    return rows.to_session(tuple(row))


async def sessions(
    connection: Connection, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[Session, ...]:
    """Sessions that are not deleted, newest first."""
    text, values = listing(project, where, limit, before)
    return tuple(rows.to_session(tuple(row)) for row in await connection.fetch(text, *values))


def listing(
    project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[str, list[Value]]:
    """The statement behind `sessions` and its values: a walk along one index, newest first."""
    values = Values()
    conditions = [f"project = {values.add(project)}", "deleted_at = 0"]
    if where.active_only:
        conditions.append("active_workflow_count > 0")
    if where.created_after:
        conditions.append(f"created_at >= {values.add(where.created_after)}")
    if where.created_before:
        conditions.append(f"created_at < {values.add(where.created_before)}")
    if before:
        conditions.append(f"(created_at, session_id) < ({values.add(before[0])}, {values.add(before[1])})")
    text = (
        f"SELECT {rows.SESSION_COLUMNS} FROM session WHERE {' AND '.join(conditions)}"
        f" ORDER BY created_at DESC, session_id DESC LIMIT {values.add(limit)}"
    )
    return text, values.all


async def events(
    connection: Connection, project: str, session_id: str, after: int, limit: int
) -> tuple[StoredSessionEvent, ...]:
    """A part of a session's journal."""
    return await _entries(connection, _EVENTS, (project, session_id, after, limit))


async def messages(
    connection: Connection,
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
    return await _entries(connection, text, (project, session_id, after, before or _SEQUENCE_MAX, limit))


async def turn_messages(
    connection: Connection, project: str, session_id: str, turn_id: str
) -> tuple[StoredSessionEvent, ...]:
    """The messages of one turn."""
    return await _entries(connection, _TURN_MESSAGES, (project, session_id, turn_id))


async def state(
    connection: Connection,
    project: str,
    session_id: str,
    active_max: int,
    ended_max: int,
    *,
    with_checkpoints: bool,
) -> SessionState:
    """A session and its workflows at one moment, in as few statements as there are tables."""
    async with snapshot(connection):
        found = await session(connection, project, session_id)
        read = await connection.fetch(_WORKFLOWS, project, session_id, active_max, ended_max)
        workflows = [_rows.to_workflow(row) for row in read]
        interrupts = await _interrupts(connection, project, workflows)
        checkpoints = await _checkpoints(connection, project, workflows) if with_checkpoints else {}
    return SessionState(
        found,
        tuple(
            WorkflowState(one, tuple(interrupts.get(one.workflow_id, ())), checkpoints.get(one.workflow_id))
            for one in workflows
        ),
        found.workflow_count - found.active_workflow_count,
    )


async def _entries(connection: Connection, text: str, values: Sequence[str | int]) -> tuple[StoredSessionEvent, ...]:
    return tuple(rows.to_session_event(tuple(row)) for row in await connection.fetch(text, *values))


async def _interrupts(
    connection: Connection, project: str, workflows: Sequence[Workflow]
) -> dict[str, list[Interrupt]]:
    """The interrupts of workflows that have some and have not ended, oldest first."""
    wanted = [one.workflow_id for one in workflows if one.has_interrupts and not one.status.terminal]
    if not wanted:
        return {}
    found = await _by_workflow(connection, _INTERRUPTS, project, wanted)
    return {workflow_id: [rows.to_interrupt(row) for row in theirs] for workflow_id, theirs in found.items()}


async def _checkpoints(
    connection: Connection, project: str, workflows: Sequence[Workflow]
) -> dict[str, StoredCheckpoint]:
    """The newest checkpoint of each workflow's outermost graph, with its small blobs and writes."""
    wanted = [one.workflow_id for one in workflows]
    blobs = await _by_workflow(connection, _BLOBS, project, wanted)
    writes = await _by_workflow(connection, _WRITES, project, wanted)
    newest = await _by_workflow(connection, _CHECKPOINTS, project, wanted)
    return {
        workflow_id: StoredCheckpoint(
            rows.to_checkpoint(row),
            tuple(rows.to_blob(blob) for blob in blobs.get(workflow_id, ())),
            tuple(rows.to_write(write) for write in writes.get(workflow_id, ())),
        )
        for workflow_id, (row,) in newest.items()
    }


async def _by_workflow(
    connection: Connection, text: str, project: str, wanted: list[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """Rows by the workflow id in their first column, which is left out."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for workflow_id, *row in await connection.fetch(text, project, wanted):
        found.setdefault(workflow_id, []).append(tuple(row))
    return found
