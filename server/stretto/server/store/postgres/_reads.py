"""Reading workflows, their journals and their checkpoints."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stretto.server.domain.change import Request, StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import RequestIdReused, SessionDeleted, WorkflowNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store import _rows as rows
from stretto.server.store.port import WorkflowFilter, WorkflowState
from stretto.server.store.postgres import _rows, _sql
from stretto.server.store.postgres._connection import Connection
from stretto.server.store.postgres._listing import listing

_WORKFLOW = (
    f"SELECT {rows.WORKFLOW_COLUMNS} FROM workflow AS w JOIN workflow_state AS s USING (project, workflow_id)"
    f" WHERE w.project = $1 AND w.workflow_id = $2 AND {_sql.not_gone('w')}"
)
_IS_THERE = (
    "NOT EXISTS (SELECT 1 FROM workflow AS w JOIN purge USING (project, session_id)"
    " WHERE w.project = $1 AND w.workflow_id = $2)"
)
"""Whether the workflow's session was not deleted; with bound values only, so it is asked once and not for each row."""

_EVENTS = (
    "SELECT sequence, body FROM event WHERE project = $1 AND workflow_id = $2 AND sequence > $3"
    f" AND {_IS_THERE} ORDER BY sequence LIMIT $4"
)
_INTERRUPTS = (
    f"SELECT {rows.INTERRUPT_COLUMNS} FROM interrupt WHERE project = $1 AND workflow_id = $2"
    f" AND {_IS_THERE} ORDER BY position"
)
_CHECKPOINT = (
    f"SELECT {rows.CHECKPOINT_COLUMNS} FROM checkpoint WHERE project = $1 AND workflow_id = $2 AND {_IS_THERE}"
)
_BLOBS = """
SELECT b.namespace, b.channel, b.version, b.tag, b.body
FROM checkpoint AS c CROSS JOIN json_each_text(c.channels::json) AS named
JOIN channel_blob AS b ON b.project = c.project AND b.workflow_id = c.workflow_id
    AND b.namespace = c.namespace AND b.channel = named.key AND b.version = named.value
WHERE c.project = $1 AND c.workflow_id = $2 AND c.namespace = $3 AND c.checkpoint_id = $4
"""
_WRITES = (
    f"SELECT {rows.WRITE_COLUMNS} FROM pending_write"
    " WHERE project = $1 AND workflow_id = $2 AND namespace = $3 AND checkpoint_id = $4 ORDER BY task_id, position"
)
_REQUEST = "SELECT digest, workflow_id FROM request WHERE project = $1 AND request_id = $2"


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[None]:
    """Let several statements see the same moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


async def workflow(connection: Connection, project: str, workflow_id: str) -> Workflow:
    """One workflow, or WorkflowNotFound."""
    row = await connection.fetchrow(_WORKFLOW, project, workflow_id)
    if row is None:
        raise WorkflowNotFound(workflow_id=workflow_id)
    return _rows.to_workflow(row)


async def requested(connection: Connection, project: str, request: Request) -> Workflow | None:
    """The workflow that a request id was used for, or None; RequestIdReused, or SessionDeleted when it is gone."""
    row = await connection.fetchrow(_REQUEST, project, request.request_id)
    if row is None:
        return None
    digest, workflow_id = row
    if digest != request.digest:
        raise RequestIdReused(workflow_id=workflow_id)
    try:
        return await workflow(connection, project, workflow_id)
    except WorkflowNotFound:
        # Only with its session is a workflow deleted, and a request id outlives it.
        raise SessionDeleted(workflow_id=workflow_id) from None


async def interrupts(connection: Connection, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
    """A workflow's interrupts, oldest first."""
    found = await connection.fetch(_INTERRUPTS, project, workflow_id)
    return tuple(rows.to_interrupt(tuple(row)) for row in found)


async def state(connection: Connection, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
    """A workflow and what belongs to it, at one moment."""
    row = await workflow(connection, project, workflow_id)
    if not row.has_interrupts and not with_checkpoint:
        return WorkflowState(row, (), None)
    async with snapshot(connection):
        row = await workflow(connection, project, workflow_id)
        return WorkflowState(
            row,
            await interrupts(connection, project, workflow_id) if row.has_interrupts else (),
            await _newest(connection, project, workflow_id, "") if with_checkpoint else None,
        )


async def events(
    connection: Connection, project: str, workflow_id: str, after: int, limit: int
) -> tuple[StoredEvent, ...]:
    """A part of a journal."""
    found = await connection.fetch(_EVENTS, project, workflow_id, after, limit)
    return tuple(StoredEvent(sequence, body) for sequence, body in found)


async def workflows(
    connection: Connection, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[Workflow, ...]:
    """Workflows, newest first."""
    text, values = listing(project, where, limit, before)
    return tuple(_rows.to_workflow(row) for row in await connection.fetch(text, *values))


async def checkpoint(
    connection: Connection, project: str, workflow_id: str, namespace: str, checkpoint_id: str
) -> StoredCheckpoint | None:
    """One checkpoint, or the newest one of the namespace."""
    async with snapshot(connection):
        if not checkpoint_id:
            return await _newest(connection, project, workflow_id, namespace)
        text = f"{_CHECKPOINT} AND namespace = $3 AND checkpoint_id = $4"
        row = await connection.fetchrow(text, project, workflow_id, namespace, checkpoint_id)
        return None if row is None else await _stored(connection, project, workflow_id, row)


async def checkpoints(
    connection: Connection, project: str, workflow_id: str, namespace: str | None, limit: int, before: str
) -> tuple[StoredCheckpoint, ...]:
    """Checkpoints of one namespace or of all, newest first; a negative limit is none."""
    text, values = _CHECKPOINT, list[str | int | None]([project, workflow_id])
    if namespace is not None:
        values.append(namespace)
        text += f" AND namespace = ${len(values)}"
    if before:
        values.append(before)
        text += f" AND checkpoint_id < ${len(values)}"
    values.append(None if limit < 0 else limit)
    text += f" ORDER BY checkpoint_id DESC, namespace LIMIT ${len(values)}"
    async with snapshot(connection):
        found = await connection.fetch(text, *values)
        return tuple([await _stored(connection, project, workflow_id, row) for row in found])


async def _newest(connection: Connection, project: str, workflow_id: str, namespace: str) -> StoredCheckpoint | None:
    text = f"{_CHECKPOINT} AND namespace = $3 ORDER BY checkpoint_id DESC LIMIT 1"
    row = await connection.fetchrow(text, project, workflow_id, namespace)
    return None if row is None else await _stored(connection, project, workflow_id, row)


async def _stored(connection: Connection, project: str, workflow_id: str, row: Any) -> StoredCheckpoint:
    """A checkpoint with its blobs and writes."""
    found = rows.to_checkpoint(tuple(row))
    key = (project, workflow_id, found.namespace, found.checkpoint_id)
    blobs = await connection.fetch(_BLOBS, *key) if found.channels else ()
    writes = await connection.fetch(_WRITES, *key)
    return StoredCheckpoint(
        found,
        tuple(rows.to_blob(tuple(blob)) for blob in blobs),
        tuple(rows.to_write(tuple(write)) for write in writes),
    )
