"""The statements of the writer, and a condition that readers need."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

import apsw

from stretto.server.domain.change import CheckpointCopy
from stretto.server.store import _rows
from stretto.server.store.sqlite._bulk import Bulk

_STATE_COLUMNS = (
    "updated_at, started_at, ended_at, deadline, epoch, crashes, last_sequence, fraction, headline, steps,"
    " interrupts_pending, has_interrupts, has_checkpoints, cancel_requested_at, cancel_cause, retried_as, result_type,"
    " result, failure, trouble, status_since, queued_for, ran_for, waited_for, owner"
)
_SET_STATE = ", ".join(f"{column} = excluded.{column}" for column in _STATE_COLUMNS.split(", "))

_SET_SESSION = ", ".join(
    f"{column} = excluded.{column}"
    for column in (
        "updated_at",
        "last_sequence",
        "message_count",
        "workflow_count",
        "active_workflow_count",
        "active_turn_count",
        "pending_interrupt_count",
        "deleted_at",
    )
)

INSERT_WORKFLOWS = Bulk(
    "INSERT INTO workflow (project, workflow_id, workflow_type, type_version, request_id, session_id, created_at,"
    " labels, origin, input_type, input) VALUES {rows}",
    columns=11,
)
PUT_STATES = Bulk(
    f"INSERT INTO workflow_state (project, workflow_id, workflow_type, created_at, session_id, status,"
    f" {_STATE_COLUMNS})"
    f" VALUES {{rows}} ON CONFLICT DO UPDATE SET status = excluded.status, {_SET_STATE}",
    columns=31,
)
INSERT_LABELS = Bulk("INSERT INTO workflow_label VALUES {rows}", columns=5)
INSERT_REQUESTS = Bulk("INSERT INTO request VALUES {rows}", columns=5)
INSERT_EVENTS = Bulk("INSERT INTO event VALUES {rows}", columns=4)
INSERT_SESSION_EVENTS = Bulk("INSERT INTO session_event VALUES {rows}", columns=7)
PUT_SESSIONS = Bulk(
    f"INSERT INTO session ({_rows.SESSION_COLUMNS}) VALUES {{rows}} ON CONFLICT DO UPDATE SET {_SET_SESSION}",
    columns=11,
)
INSERT_PURGES = Bulk("INSERT INTO purge VALUES {rows}", columns=2)
PUT_INTERRUPTS = Bulk("INSERT OR REPLACE INTO interrupt VALUES {rows}", columns=14)
PUT_CHECKPOINTS = Bulk("INSERT OR REPLACE INTO checkpoint VALUES {rows}", columns=13)
PUT_BLOBS = Bulk("INSERT OR REPLACE INTO channel_blob VALUES {rows}", columns=7)
PUT_WRITES = Bulk("INSERT OR REPLACE INTO pending_write VALUES {rows}", columns=10)

WRITES = {
    "workflow": INSERT_WORKFLOWS,
    "workflow_state": PUT_STATES,
    "workflow_label": INSERT_LABELS,
    "request": INSERT_REQUESTS,
    "event": INSERT_EVENTS,
    "session_event": INSERT_SESSION_EVENTS,
    "session": PUT_SESSIONS,
    "purge": INSERT_PURGES,
    "interrupt": PUT_INTERRUPTS,
    "checkpoint": PUT_CHECKPOINTS,
    "channel_blob": PUT_BLOBS,
    "pending_write": PUT_WRITES,
}
"""What a batch writes, by what it is staged for."""

USED_REQUESTS = Bulk(
    "WITH wanted (project, request_id) AS (VALUES {rows})"
    " SELECT r.project, r.request_id, r.digest, r.workflow_id FROM wanted CROSS JOIN request AS r"
    " ON r.project = wanted.project AND r.request_id = wanted.request_id",
    columns=2,
)
WORKFLOWS = Bulk(
    "WITH wanted (project, workflow_id) AS (VALUES {rows})"
    f" SELECT {_rows.WORKFLOW_COLUMNS} FROM wanted"
    " CROSS JOIN workflow AS w ON w.project = wanted.project AND w.workflow_id = wanted.workflow_id"
    " CROSS JOIN workflow_state AS s ON s.project = w.project AND s.workflow_id = w.workflow_id",
    columns=2,
)
SESSIONS = Bulk(
    "WITH wanted (project, session_id) AS (VALUES {rows})"
    f" SELECT {_rows.SESSION_COLUMNS} FROM wanted CROSS JOIN session USING (project, session_id)",
    columns=2,
)
FORGET_SESSIONS = (
    "DELETE FROM session WHERE (project, session_id) IN (SELECT project, session_id FROM session AS s"
    " WHERE deleted_at <> 0 AND deleted_at < ? AND (project, session_id) NOT IN purge ORDER BY deleted_at LIMIT ?)"
)
INTERRUPTS = f"SELECT {_rows.INTERRUPT_COLUMNS} FROM interrupt WHERE project = ? AND workflow_id = ? ORDER BY position"

FORGET_REQUESTS = (
    "DELETE FROM request WHERE (project, request_id) IN"
    " (SELECT project, request_id FROM request WHERE at < ? ORDER BY at LIMIT ?)"
)
DELETE_CHECKPOINTS = tuple(
    f"DELETE FROM {table} WHERE project = ? AND workflow_id = ?"
    for table in ("checkpoint", "channel_blob", "pending_write")
)
PROBE = "INSERT INTO probe VALUES (1, 1) ON CONFLICT DO UPDATE SET count = count + 1"

_COPY_CHECKPOINTS = f"""
WITH RECURSIVE line (checkpoint_id, parent_id) AS (
    SELECT checkpoint_id, parent_id FROM checkpoint
    WHERE project = :project AND workflow_id = :source AND namespace = '' AND checkpoint_id = :newest
    UNION
    SELECT c.checkpoint_id, c.parent_id FROM line CROSS JOIN checkpoint AS c
    WHERE c.project = :project AND c.workflow_id = :source AND c.namespace = '' AND c.checkpoint_id = line.parent_id
)
INSERT INTO checkpoint SELECT :project, :target, {_rows.CHECKPOINT_COLUMNS} FROM checkpoint
WHERE project = :project AND workflow_id = :source AND (
    namespace = '' AND checkpoint_id IN (SELECT checkpoint_id FROM line)
    OR namespace <> '' AND (:with_writes OR checkpoint_id <= :newest)
)
"""
_COPY_BLOBS = """
INSERT OR IGNORE INTO channel_blob
SELECT :project, :target, b.namespace, b.channel, b.version, b.tag, b.body
FROM checkpoint AS c, json_each(c.channels) AS named
CROSS JOIN channel_blob AS b ON b.project = :project AND b.workflow_id = :source AND b.namespace = c.namespace
    AND b.channel = named.key AND b.version = named.value
WHERE c.project = :project AND c.workflow_id = :target
"""
_COPY_WRITES = """
INSERT OR IGNORE INTO pending_write
SELECT :project, :target, w.namespace, w.checkpoint_id, w.task_id, w.position, w.channel, w.tag, w.body, w.task_path
FROM checkpoint AS c
CROSS JOIN pending_write AS w ON w.project = :project AND w.workflow_id = :source AND w.namespace = c.namespace
    AND w.checkpoint_id = c.checkpoint_id
WHERE c.project = :project AND c.workflow_id = :target
    AND (:with_writes OR c.namespace = '' AND c.checkpoint_id <> :newest)
"""


def not_gone(table: str) -> str:
    """Whether a workflow's session was not deleted: all workflows of those that were stand in `purge`'s sessions.

    The table is empty most of the time, so the condition costs next to nothing.
    """
    return (
        f"NOT EXISTS (SELECT 1 FROM purge WHERE purge.project = {table}.project"
        f" AND purge.session_id = {table}.session_id)"
    )


def copy_checkpoints(connection: apsw.Connection, project: str, workflow_id: str, copied: CheckpointCopy) -> None:
    """Copy a checkpoint with its ancestors, the subgraphs' checkpoints that belong to them, and what they hold."""
    names: dict[str, str | int] = {
        "project": project,
        "source": copied.workflow_id,
        "target": workflow_id,
        "newest": copied.checkpoint_id,
        "with_writes": copied.with_writes,
    }
    for statement in (_COPY_CHECKPOINTS, _COPY_BLOBS, _COPY_WRITES):
        connection.execute(statement, names)
