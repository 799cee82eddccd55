"""Removing what belonged to deleted sessions, in pieces so small that nobody waits for long behind one."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

from collections.abc import Iterator

import apsw

SECONDS_MAX = 0.02
"""Time after which no further piece is begun in one transaction."""

WORKFLOWS = 16
"""Workflows of one piece."""

SMALL_ROWS = 256
"""Rows of one piece where rows are small."""

LARGE_ROWS = 16
"""Rows of one piece where rows may have megabytes."""

_NEXT = "SELECT project, session_id FROM purge LIMIT 1"
_SOME = (
    "SELECT project, workflow_id FROM workflow INDEXED BY workflow_by_session"
    " WHERE project = ?1 AND session_id = ?2 AND session_id <> ''"
    f" ORDER BY created_at, workflow_id LIMIT {WORKFLOWS}"
)


def _of_workflows(table: str, key: str, rows: int) -> str:
    """Deletes rows of the first workflows of a session; the key is what names a row besides its workflow."""
    whole = key if key == "rowid" else f"project, workflow_id, {key}"
    columns = ", ".join(f"t.{column}" for column in whole.split(", "))
    return (
        f"DELETE FROM {table} WHERE ({whole}) IN (SELECT {columns} FROM ({_SOME}) AS some"
        f" CROSS JOIN {table} AS t ON t.project = some.project AND t.workflow_id = some.workflow_id LIMIT {rows})"
    )


_LABELS = (
    "DELETE FROM workflow_label WHERE (project, name, value, created_at, workflow_id) IN"
    " (SELECT w.project, json_extract(pair.value, '$[0]'), json_extract(pair.value, '$[1]'), w.created_at,"
    f" w.workflow_id FROM ({_SOME}) AS some CROSS JOIN workflow AS w USING (project, workflow_id),"
    " json_each(w.labels) AS pair)"
)
_SESSION_EVENTS = (
    "DELETE FROM session_event WHERE (project, session_id, sequence) IN (SELECT project, session_id, sequence"
    f" FROM session_event WHERE project = ?1 AND session_id = ?2 LIMIT {SMALL_ROWS})"
)
_PIECES = (
    _of_workflows("event", "sequence", SMALL_ROWS),
    _of_workflows("interrupt", "position", SMALL_ROWS),
    _of_workflows("checkpoint", "rowid", LARGE_ROWS),
    _of_workflows("channel_blob", "rowid", LARGE_ROWS),
    _of_workflows("pending_write", "rowid", LARGE_ROWS),
    _LABELS,
    f"DELETE FROM workflow_state WHERE (project, workflow_id) IN ({_SOME})",
    # A workflow's row comes last: through it all the others are found.
    f"DELETE FROM workflow WHERE (project, workflow_id) IN ({_SOME})",
    _SESSION_EVENTS,
    "DELETE FROM purge WHERE project = ?1 AND session_id = ?2",
)
"""What belongs to a deleted session; each is tried when those before it find nothing any more."""


def pieces(connection: apsw.Connection) -> Iterator[int]:
    """Remove piece after piece; yields how many rows each one had."""
    while (session := connection.execute(_NEXT).fetchone()) is not None:
        yield next(count for count in _deleted(connection, session) if count)


def _deleted(connection: apsw.Connection, session: tuple[str, str]) -> Iterator[int]:
    for statement in _PIECES:
        connection.execute(statement, session)
        yield connection.changes()
