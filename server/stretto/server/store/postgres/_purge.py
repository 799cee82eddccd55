"""Removing what belonged to deleted sessions, in pieces so small that nobody waits for long behind one."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

import time

from stretto.server.domain.clock import Micros
from stretto.server.store.postgres._connection import Connection

SECONDS_MAX = 0.02
"""Time after which no further piece is begun in one call."""

WORKFLOWS = 16
"""Workflows of one piece."""

SMALL_ROWS = 256
"""Rows of one piece where rows are small."""

LARGE_ROWS = 16
"""Rows of one piece where rows may have megabytes."""

FORGOTTEN_MAX = 1_000
"""Rows that are forgotten in one statement, so that nobody waits for their locks for long."""

_NEXT = "SELECT project, session_id FROM purge ORDER BY project, session_id LIMIT 1"
_SOME = (
    "SELECT project, workflow_id FROM workflow WHERE project = $1 AND session_id = $2 AND session_id <> ''"
    f" ORDER BY created_at, workflow_id LIMIT {WORKFLOWS}"
)


def _of_workflows(table: str, rows: int) -> str:
    """Deletes rows of the first workflows of a session."""
    return (
        f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM ({_SOME}) AS few"
        f" JOIN {table} AS t ON t.project = few.project AND t.workflow_id = few.workflow_id LIMIT {rows}))"
        " RETURNING 1"
    )


_LABELS = (
    "DELETE FROM workflow_label WHERE ctid = ANY (ARRAY(SELECT l.ctid"
    f" FROM ({_SOME}) AS few JOIN workflow AS w USING (project, workflow_id)"
    " CROSS JOIN json_array_elements(w.labels::json) AS pair"
    " JOIN workflow_label AS l ON l.project = w.project AND l.name = pair ->> 0 AND l.value = pair ->> 1"
    " AND l.created_at = w.created_at AND l.workflow_id = w.workflow_id)) RETURNING 1"
)
_SESSION_EVENTS = (
    "DELETE FROM session_event WHERE ctid = ANY (ARRAY(SELECT ctid"
    f" FROM session_event WHERE project = $1 AND session_id = $2 LIMIT {SMALL_ROWS})) RETURNING 1"
)
_PIECES = (
    _of_workflows("event", SMALL_ROWS),
    _of_workflows("interrupt", SMALL_ROWS),
    _of_workflows("checkpoint", LARGE_ROWS),
    _of_workflows("channel_blob", LARGE_ROWS),
    _of_workflows("pending_write", LARGE_ROWS),
    _LABELS,
    f"DELETE FROM workflow_state WHERE (project, workflow_id) IN ({_SOME}) RETURNING 1",
    # A workflow's row comes last: through it all the others are found.
    f"DELETE FROM workflow WHERE (project, workflow_id) IN ({_SOME}) RETURNING 1",
    _SESSION_EVENTS,
    "DELETE FROM purge WHERE project = $1 AND session_id = $2 RETURNING 1",
)
"""What belongs to a deleted session; each is tried when those before it find nothing any more."""

_FORGET_REQUESTS = (
    "DELETE FROM request WHERE ctid = ANY (ARRAY(SELECT ctid FROM request WHERE at < $1 ORDER BY at LIMIT $2"
    " FOR UPDATE SKIP LOCKED)) RETURNING 1"
)
_FORGET_SESSIONS = (
    "DELETE FROM session WHERE ctid = ANY (ARRAY(SELECT ctid FROM session AS s"
    " WHERE deleted_at <> 0 AND deleted_at < $1 AND NOT EXISTS (SELECT 1 FROM purge AS p"
    " WHERE p.project = s.project AND p.session_id = s.session_id) ORDER BY deleted_at LIMIT $2"
    " FOR UPDATE SKIP LOCKED)) RETURNING 1"
)


async def purge(connection: Connection) -> int:
    """Remove pieces for a short time, each in a transaction of its own; says how many rows, 0 when nothing is left."""
    count, until = 0, time.monotonic() + SECONDS_MAX
    while (session := await connection.fetchrow(_NEXT)) is not None:
        count += await _piece(connection, *session)
        if time.monotonic() >= until:
            break
    return count


async def _piece(connection: Connection, project: str, session_id: str) -> int:
    for statement in _PIECES:
        removed = len(await connection.fetch(statement, project, session_id))
        if removed:
            return removed
    return 0


async def forget_requests(connection: Connection, before: Micros) -> int:
    """Delete some request ids that were used before a time; says how many."""
    return len(await connection.fetch(_FORGET_REQUESTS, before, FORGOTTEN_MAX))


async def forget_sessions(connection: Connection, before: Micros) -> int:
    """Delete some rows of sessions that were deleted before a time and of which nothing else is left; says how many."""
    return len(await connection.fetch(_FORGET_SESSIONS, before, FORGOTTEN_MAX))
