"""The statements of the writer, and a condition that readers need.

All rows of a batch are written by one statement: each table is a part of it that takes its rows as one array for each
column. So a batch costs the same few round trips however many tables and rows it has.
"""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

from dataclasses import dataclass
from functools import cache
from typing import Final

from stretto.server.store import _rows

_TYPES = {"s": "text", "i": "bigint", "n": "integer", "f": "double precision", "b": "bytea"}


@dataclass(frozen=True, slots=True)
class Table:
    """What a batch writes into one table: how its columns are called, and a letter for the type of each."""

    name: str
    columns: tuple[str, ...]
    types: str
    key: int = 0
    """How many columns name a row; a row that is there already is replaced. 0: there is none."""


def _table(name: str, columns: str, types: str, key: int = 0) -> Table:
    table = Table(name, tuple(columns.split(", ")), types.replace(" ", ""), key)
    assert len(table.columns) == len(table.types), name
    return table


STATE_COLUMNS: Final = (
    "project, workflow_id, workflow_type, created_at, session_id, status, updated_at, started_at, ended_at, deadline,"
    " epoch, crashes, last_sequence, fraction, headline, steps, interrupts_pending, has_interrupts, has_checkpoints,"
    " cancel_requested_at, cancel_cause, retried_as, result_type, result, failure, trouble, status_since, queued_for,"
    " ran_for, waited_for, owner, revision"
)
_STATE_TYPES = "sssisniiiiiiifbbinnibssbbbiiiisi"

_TABLES: Final = (
    _table(
        "workflow",
        "project, workflow_id, workflow_type, type_version, request_id, session_id, created_at, labels, origin,"
        " input_type, input",
        "ssssssisbsb",
    ),
    _table("workflow_state", STATE_COLUMNS, _STATE_TYPES),
    _table("workflow_label", "project, name, value, created_at, workflow_id", "sssis"),
    _table("request", "project, request_id, digest, workflow_id, at", "ssbsi"),
    _table("event", "project, workflow_id, sequence, body", "ssib"),
    _table("session_event", "project, session_id, sequence, kind, workflow_id, event_sequence, body", "ssinsib"),
    _table("session", _rows.SESSION_COLUMNS, "ssiiiiiiiii"),
    _table("purge", "project, session_id", "ss"),
    _table(
        "interrupt",
        "project, workflow_id, position, interrupt_id, resume_key, step, step_id, question, decision_type, raised_at,"
        " status, decided_type, decision, decided_at",
        "ssnssssssinsbi",
        key=3,
    ),
    _table("checkpoint", f"project, workflow_id, {_rows.CHECKPOINT_COLUMNS}", "sssssisissbsb", key=4),
    _table("channel_blob", f"project, workflow_id, {_rows.BLOB_COLUMNS}", "ssssssb", key=5),
    _table("pending_write", f"project, workflow_id, {_rows.WRITE_COLUMNS}", "sssssissbs", key=6),
)
TABLES: Final = {table.name: table for table in _TABLES}

_CHANGES: Final = {
    "workflow_state": Table("workflow_state", (*TABLES["workflow_state"].columns, "base"), f"{_STATE_TYPES}i"),
    "session": TABLES["session"],
}
"""Rows of these tables are changed in their places; the first ones only if nobody did so since they were read."""

_UNCHANGING = {
    "workflow_state": ("project", "workflow_id", "workflow_type", "created_at", "session_id"),
    "session": ("project", "session_id", "created_at"),
}


@cache
def writing(parts: tuple[str, ...]) -> str:
    """The statement that writes rows of these parts; it gives the transaction's id, and how many states it changed."""
    texts, first = list[str](), 1
    for part in parts:
        table, text = _part(part, first)
        texts.append(f"{part}_part AS ({text})")
        first += len(table.columns)
    counted = "(SELECT count(*) FROM changed_workflow_state_part)" if "changed_workflow_state" in parts else "0"
    return f"WITH {', '.join(texts)} SELECT pg_current_xact_id()::text, {counted}"


def _part(part: str, first: int) -> tuple[Table, str]:
    if part in TABLES:
        table = TABLES[part]
        return table, _insert(table, first)
    name = part.removeprefix("changed_")
    return _CHANGES[name], _update(name, _CHANGES[name], first)


def _arrays(table: Table, first: int) -> str:
    """The rows as a table, from one array for each column."""
    return ", ".join(f"${number}::{_TYPES[letter]}[]" for number, letter in enumerate(table.types, start=first))


def _insert(table: Table, first: int) -> str:
    text = f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT * FROM unnest({_arrays(table, first)})"
    if not table.key:
        return text
    replaced = ", ".join(f"{column} = excluded.{column}" for column in table.columns[table.key :])
    return f"{text} ON CONFLICT ({', '.join(table.columns[: table.key])}) DO UPDATE SET {replaced}"


def _update(name: str, table: Table, first: int) -> str:
    put = ", ".join(f"{column} = r.{column}" for column in TABLES[name].columns if column not in _UNCHANGING[name])
    own = table.columns[1]
    text = (
        f"UPDATE {name} AS t SET {put} FROM unnest({_arrays(table, first)}) AS r ({', '.join(table.columns)})"
        f" WHERE t.project = r.project AND t.{own} = r.{own}"
    )
    return f"{text} AND t.revision = r.base RETURNING 1" if "base" in table.columns else text


_WANTED = "unnest($1::text[], $2::text[]) AS wanted (project, name)"

USED_REQUESTS = (
    f"SELECT r.project, r.request_id, r.digest, r.workflow_id FROM {_WANTED}"
    " JOIN request AS r ON r.project = wanted.project AND r.request_id = wanted.name"
)
WORKFLOWS = (
    f"SELECT {_rows.WORKFLOW_COLUMNS}, s.revision FROM {_WANTED}"
    " JOIN workflow AS w ON w.project = wanted.project AND w.workflow_id = wanted.name"
    " JOIN workflow_state AS s ON s.project = w.project AND s.workflow_id = w.workflow_id"
)
LOCKED_WORKFLOWS = f"{WORKFLOWS} ORDER BY s.project, s.workflow_id FOR UPDATE OF s"
INTERRUPTS = (
    f"SELECT i.project, i.workflow_id, {_rows.INTERRUPT_COLUMNS} FROM {_WANTED}"
    " JOIN interrupt AS i ON i.project = wanted.project AND i.workflow_id = wanted.name ORDER BY i.position"
)
# Sessions are locked, and in one order: workflows of one session run in many processes, and all of them count in it.
SESSIONS = (
    f"SELECT {', '.join(f's.{column}' for column in _rows.SESSION_COLUMNS.split(', '))} FROM {_WANTED}"
    " JOIN session AS s ON s.project = wanted.project AND s.session_id = wanted.name"
    " ORDER BY s.project, s.session_id FOR UPDATE OF s"
)
DELETE_CHECKPOINTS = tuple(
    f"DELETE FROM {table} WHERE project = $1 AND workflow_id = $2"
    for table in ("checkpoint", "channel_blob", "pending_write")
)
PROBE = "INSERT INTO probe AS p VALUES ($1, 1) ON CONFLICT (one) DO UPDATE SET count = p.count + 1"

_COPY_CHECKPOINTS = f"""
WITH RECURSIVE line (checkpoint_id, parent_id) AS (
    SELECT checkpoint_id, parent_id FROM checkpoint
    WHERE project = $1 AND workflow_id = $3 AND namespace = '' AND checkpoint_id = $4
    UNION
    SELECT c.checkpoint_id, c.parent_id FROM line JOIN checkpoint AS c
    ON c.project = $1 AND c.workflow_id = $3 AND c.namespace = '' AND c.checkpoint_id = line.parent_id
)
INSERT INTO checkpoint SELECT $1::text, $2::text, {_rows.CHECKPOINT_COLUMNS} FROM checkpoint
WHERE project = $1 AND workflow_id = $3 AND (
    namespace = '' AND checkpoint_id IN (SELECT checkpoint_id FROM line)
    OR namespace <> '' AND ($5::boolean OR checkpoint_id <= $4)
)
"""
_COPY_BLOBS = """
INSERT INTO channel_blob
SELECT DISTINCT $1::text, $2::text, b.namespace, b.channel, b.version, b.tag, b.body
FROM checkpoint AS c CROSS JOIN json_each_text(c.channels::json) AS named
JOIN channel_blob AS b ON b.project = $1 AND b.workflow_id = $3 AND b.namespace = c.namespace
    AND b.channel = named.key AND b.version = named.value
WHERE c.project = $1 AND c.workflow_id = $2
ON CONFLICT DO NOTHING
"""
_COPY_WRITES = """
INSERT INTO pending_write
SELECT $1::text, $2::text, w.namespace, w.checkpoint_id, w.task_id, w.position, w.channel, w.tag, w.body, w.task_path
FROM checkpoint AS c
JOIN pending_write AS w ON w.project = $1 AND w.workflow_id = $3 AND w.namespace = c.namespace
    AND w.checkpoint_id = c.checkpoint_id
WHERE c.project = $1 AND c.workflow_id = $2 AND ($5::boolean OR c.namespace = '' AND c.checkpoint_id <> $4)
ON CONFLICT DO NOTHING
"""
COPIES = (_COPY_CHECKPOINTS, _COPY_BLOBS, _COPY_WRITES)
"""Each takes project, target and source, and the first and the last one the newest checkpoint and with_writes."""


def not_gone(table: str) -> str:
    """Whether a workflow's session was not deleted: all workflows of those that were stand in `purge`'s sessions.

    The table is empty most of the time, so the condition costs next to nothing.
    """
    return (
        f"NOT EXISTS (SELECT 1 FROM purge WHERE purge.project = {table}.project"
        f" AND purge.session_id = {table}.session_id)"
    )
