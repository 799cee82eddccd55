"""A file as the first release wrote it: made by the first migration only, filled by statements of its own."""

import apsw

from stretto.server.store.sqlite import _schema
from tests.contract.making import PROJECT

_WORKFLOW = "INSERT INTO workflow VALUES (?, ?, 'orders', '1', ?, ?, ?, NULL, NULL, 'orders.Order', x'00')"
_STATE = (
    "INSERT INTO workflow_state VALUES (?, ?, 'orders', ?, ?, ?, ?, ?, 0, 1, 0, ?, 0.5, 'Half-way', NULL, ?, ?, 0, 0,"
    " '', '', NULL, NULL, NULL)"
)
_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?)"
_INTERRUPT = "INSERT INTO interrupt VALUES (?, ?, 0, 'q1', 'key', 'approve', 'i', '\"Sure?\"', '', 1, 1, NULL, NULL, 0)"


def make(path) -> apsw.Connection:
    """An empty file of version 1; close what is given back."""
    path.parent.mkdir(parents=True)
    connection = apsw.Connection(str(path))
    connection.execute(_schema.MIGRATIONS[0])
    connection.execute(f"PRAGMA application_id = {_schema.APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    return connection


def add(
    connection: apsw.Connection,
    workflow_id: str,
    session_id: str,
    *,
    created_at: int,
    status: int,
    events: int,
    project: str = PROJECT,
    asks: bool = False,
) -> None:
    """A workflow with as many events, named after it."""
    ended_at = created_at + 50 if status > 3 else 0
    updated_at = created_at + 50
    connection.execute(_WORKFLOW, (project, workflow_id, f"req_{workflow_id}", session_id, created_at))
    values = (project, workflow_id, created_at, status, updated_at, created_at + 1, ended_at, events, asks, asks)
    connection.execute(_STATE, values)
    for sequence in range(1, events + 1):
        connection.execute(_EVENT, (project, workflow_id, sequence, f"{workflow_id}-{sequence}".encode()))
    if asks:
        connection.execute(_INTERRUPT, (project, workflow_id))
