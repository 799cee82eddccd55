"""Reading: statements, and the threads that run them."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

import asyncio
import pathlib
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import apsw

from stretto.server.domain.change import Request, StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import RequestIdReused, SessionDeleted, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.workflow import Interrupt, Status, Workflow
from stretto.server.store import _rows
from stretto.server.store.port import Unfinished, WorkflowFilter, WorkflowState
from stretto.server.store.sqlite import _sql
from stretto.server.store.sqlite._connection import connect_reader, is_storage_error
from stretto.server.store.sqlite._listing import listing

READERS = 2
"""Threads that read at the same time."""

T = TypeVar("T")

_WORKFLOW = (
    f"SELECT {_rows.WORKFLOW_COLUMNS} FROM workflow AS w JOIN workflow_state AS s USING (project, workflow_id)"
    f" WHERE w.project = ? AND w.workflow_id = ? AND {_sql.not_gone('w')}"
)
_IS_THERE = (
    "NOT EXISTS (SELECT 1 FROM workflow AS w CROSS JOIN purge USING (project, session_id)"
    " WHERE w.project = ?1 AND w.workflow_id = ?2)"
)
"""Whether the workflow's session was not deleted; with bound values only, so it is asked once and not for each row."""

_EVENTS = (
    "SELECT sequence, body FROM event WHERE project = ?1 AND workflow_id = ?2 AND sequence > ?3"
    f" AND {_IS_THERE} ORDER BY sequence LIMIT ?4"
)
_INTERRUPTS = (
    f"SELECT {_rows.INTERRUPT_COLUMNS} FROM interrupt WHERE project = ?1 AND workflow_id = ?2"
    f" AND {_IS_THERE} ORDER BY position"
)
UNFINISHED = (
    "SELECT project, workflow_id, w.workflow_type, w.type_version, w.session_id, s.status, w.created_at, s.deadline,"
    " s.epoch FROM workflow_state AS s INDEXED BY workflow_by_status JOIN workflow AS w USING (project, workflow_id)"
    " WHERE s.status IN ({statuses}){further} ORDER BY {order}"
)
_CHECKPOINT = (
    f"SELECT {_rows.CHECKPOINT_COLUMNS} FROM checkpoint WHERE project = ?1 AND workflow_id = ?2 AND {_IS_THERE}"
)
_BLOBS = """
SELECT b.namespace, b.channel, b.version, b.tag, b.body
FROM checkpoint AS c, json_each(c.channels) AS named
CROSS JOIN channel_blob AS b ON b.project = c.project AND b.workflow_id = c.workflow_id
    AND b.namespace = c.namespace AND b.channel = named.key AND b.version = named.value
WHERE c.project = ? AND c.workflow_id = ? AND c.namespace = ? AND c.checkpoint_id = ?
"""
_WRITES = (
    f"SELECT {_rows.WRITE_COLUMNS} FROM pending_write"
    " WHERE project = ? AND workflow_id = ? AND namespace = ? AND checkpoint_id = ? ORDER BY task_id, position"
)


class Readers:
    """Threads with a connection each."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="stretto-store-reader")
        self._free: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()

    async def run(self, read: Callable[[apsw.Connection], T]) -> T:
        """Run a read in one of the threads."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, read)
        except apsw.Error as error:
            if is_storage_error(error):
                raise StoreUnavailable from error
            raise

    def close(self) -> None:
        """End the threads. Blocks."""
        self._pool.shutdown()
        while not self._free.empty():
            self._free.get().close()

    def _run(self, read: Callable[[apsw.Connection], T]) -> T:
        try:
            connection = self._free.get_nowait()
        except queue.Empty:
            connection = connect_reader(self._path)
        try:
            result = read(connection)
        except apsw.Error:
            connection.close(True)  # noqa: FBT003  # apsw takes `force` by position only.
            raise
        except Exception:
            self._free.put(connection)
            raise
        self._free.put(connection)
        return result


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Let several statements see the same moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


_REQUEST = "SELECT digest, workflow_id FROM request WHERE project = ? AND request_id = ?"


def workflow(connection: apsw.Connection, project: str, workflow_id: str) -> Workflow:
    """One workflow, or WorkflowNotFound."""
    row = connection.execute(_WORKFLOW, (project, workflow_id)).fetchone()
    if row is None:
        raise WorkflowNotFound(workflow_id=workflow_id)
    return _rows.to_workflow(row)


def requested(connection: apsw.Connection, project: str, request: Request) -> Workflow | None:
    """The workflow that a request id was used for, or None; RequestIdReused, or SessionDeleted when it is gone."""
    row = connection.execute(_REQUEST, (project, request.request_id)).fetchone()
    if row is None:
        return None
    digest, workflow_id = row
    if digest != request.digest:
        raise RequestIdReused(workflow_id=workflow_id)
    try:
        return workflow(connection, project, workflow_id)
    except WorkflowNotFound:
        # Only with its session is a workflow deleted, and a request id outlives it.
        raise SessionDeleted(workflow_id=workflow_id) from None


def interrupts(connection: apsw.Connection, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
    """A workflow's interrupts, oldest first."""
    rows = connection.execute(_INTERRUPTS, (project, workflow_id)).fetchall()
    return tuple(_rows.to_interrupt(row) for row in rows)


def state(connection: apsw.Connection, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
    """A workflow and what belongs to it, at one moment."""
    with snapshot(connection):
        row = workflow(connection, project, workflow_id)
        return WorkflowState(
            row,
            interrupts(connection, project, workflow_id) if row.has_interrupts else (),
            _newest(connection, project, workflow_id, "") if with_checkpoint else None,
        )


def events(
    connection: apsw.Connection, project: str, workflow_id: str, after: int, limit: int
) -> tuple[StoredEvent, ...]:
    """A part of a journal."""
    rows: list[_rows.Row] = connection.execute(_EVENTS, (project, workflow_id, after, limit)).fetchall()
    return tuple(StoredEvent(sequence, body) for sequence, body in rows)


def workflows(
    connection: apsw.Connection, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[Workflow, ...]:
    """Workflows, newest first."""
    text, values = listing(project, where, limit, before)
    return tuple(_rows.to_workflow(row) for row in connection.execute(text, values).fetchall())


def unfinished(connection: apsw.Connection) -> tuple[Unfinished, ...]:
    """All workflows that have not ended, oldest first."""
    text = UNFINISHED.format(statuses="1, 2, 3", further="", order="s.created_at, workflow_id")
    return tuple(to_unfinished(row) for row in connection.execute(text).fetchall())


def to_unfinished(row: _rows.Row) -> Unfinished:
    """What a dispatcher must know, from the columns of UNFINISHED."""
    project, workflow_id, workflow_type, type_version, session_id, status, created_at, deadline, epoch = row
    return Unfinished(
        project, workflow_id, workflow_type, type_version, session_id, Status(status), created_at, deadline, epoch
    )


def checkpoint(
    connection: apsw.Connection, project: str, workflow_id: str, namespace: str, checkpoint_id: str
) -> StoredCheckpoint | None:
    """One checkpoint, or the newest one of the namespace."""
    with snapshot(connection):
        if not checkpoint_id:
            return _newest(connection, project, workflow_id, namespace)
        text = f"{_CHECKPOINT} AND namespace = ? AND checkpoint_id = ?"
        row = connection.execute(text, (project, workflow_id, namespace, checkpoint_id)).fetchone()
        return row and _stored(connection, project, workflow_id, row)


def checkpoints(
    connection: apsw.Connection, project: str, workflow_id: str, namespace: str | None, limit: int, before: str
) -> tuple[StoredCheckpoint, ...]:
    """Checkpoints of one namespace or of all, newest first."""
    text, values = _CHECKPOINT, [project, workflow_id]
    if namespace is not None:
        text, values = f"{text} AND namespace = ?", [*values, namespace]
    if before:
        text, values = f"{text} AND checkpoint_id < ?", [*values, before]
    text = f"{text} ORDER BY checkpoint_id DESC, namespace LIMIT ?"
    with snapshot(connection):
        rows = connection.execute(text, (*values, limit)).fetchall()
        return tuple(_stored(connection, project, workflow_id, row) for row in rows)


def _newest(connection: apsw.Connection, project: str, workflow_id: str, namespace: str) -> StoredCheckpoint | None:
    text = f"{_CHECKPOINT} AND namespace = ? ORDER BY checkpoint_id DESC LIMIT 1"
    row = connection.execute(text, (project, workflow_id, namespace)).fetchone()
    return row and _stored(connection, project, workflow_id, row)


def _stored(connection: apsw.Connection, project: str, workflow_id: str, row: _rows.Row) -> StoredCheckpoint:
    """A checkpoint with its blobs and writes."""
    found = _rows.to_checkpoint(row)
    key = (project, workflow_id, found.namespace, found.checkpoint_id)
    return StoredCheckpoint(
        found,
        tuple(_rows.to_blob(blob) for blob in connection.execute(_BLOBS, key).fetchall()),
        tuple(_rows.to_write(write) for write in connection.execute(_WRITES, key).fetchall()),
    )
