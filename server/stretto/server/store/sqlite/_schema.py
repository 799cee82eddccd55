"""The tables, as numbered migrations."""

import apsw

from stretto.server.domain.errors import StoreTooNew, StoreUnavailable

APPLICATION_ID = 0x53747274
"""Marks a SQLite file as Stretto's: the letters "Strt"."""

# What never changes of a workflow stands in `workflow`, the rest in `workflow_state`: so a commit in the middle of a
# run does not write a large input again. Its type and creation time stand in both, for the index by status. Tables
# whose rows are small are clustered by their key (WITHOUT ROWID); rows that may be large are appended and found
# through an index.
_FIRST = """
CREATE TABLE workflow (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    type_version TEXT NOT NULL,
    request_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    labels TEXT,
    origin BLOB,
    input_type TEXT NOT NULL,
    input BLOB NOT NULL,
    PRIMARY KEY (project, workflow_id)
) STRICT;
CREATE INDEX workflow_by_creation ON workflow (project, created_at, workflow_id, workflow_type);
CREATE INDEX workflow_by_session ON workflow (project, session_id, created_at, workflow_id) WHERE session_id <> '';

CREATE TABLE workflow_state (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    fraction REAL NOT NULL,
    headline TEXT NOT NULL,
    steps BLOB,
    interrupts_pending INTEGER NOT NULL,
    has_interrupts INTEGER NOT NULL,
    has_checkpoints INTEGER NOT NULL,
    cancel_requested_at INTEGER NOT NULL,
    cancel_cause TEXT NOT NULL,
    retried_as TEXT NOT NULL,
    result_type TEXT,
    result BLOB,
    failure BLOB,
    PRIMARY KEY (project, workflow_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX workflow_by_status ON workflow_state (status, project, created_at, workflow_id, workflow_type);

CREATE TABLE workflow_label (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    workflow_id TEXT NOT NULL,
    PRIMARY KEY (project, name, value, created_at, workflow_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    project TEXT NOT NULL,
    request_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    workflow_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (project, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_by_age ON request (at);

CREATE TABLE event (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (project, workflow_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE interrupt (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    interrupt_id TEXT NOT NULL,
    resume_key TEXT NOT NULL,
    step TEXT NOT NULL,
    step_id TEXT NOT NULL,
    question TEXT NOT NULL,
    decision_type TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    decided_type TEXT,
    decision BLOB,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (project, workflow_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    checkpoint_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    superstep INTEGER NOT NULL,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    channels TEXT NOT NULL,
    body_tag TEXT NOT NULL,
    body BLOB NOT NULL,
    metadata_tag TEXT NOT NULL,
    metadata BLOB NOT NULL,
    PRIMARY KEY (project, workflow_id, namespace, checkpoint_id)
) STRICT;

CREATE TABLE channel_blob (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    channel TEXT NOT NULL,
    version TEXT NOT NULL,
    tag TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (project, workflow_id, namespace, channel, version)
) STRICT;

CREATE TABLE pending_write (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    checkpoint_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    channel TEXT NOT NULL,
    tag TEXT NOT NULL,
    body BLOB NOT NULL,
    task_path TEXT NOT NULL,
    PRIMARY KEY (project, workflow_id, namespace, checkpoint_id, task_id, position)
) STRICT;

CREATE TABLE probe (one INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""

# Sessions. An entry of a session's journal that stands for a workflow's event only points to it. A workflow's session
# stands in `workflow_state` too, for an index that finds those of a session which have not ended, and those which ended
# last: `ended_at` is 0 until then. The orchestrator's turns are left out of it; there is one for each message. `purge`
# names deleted sessions of which there are rows left: what belongs to them is gone for readers.
_SESSIONS = """
CREATE TABLE session (
    project TEXT NOT NULL,
    session_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    workflow_count INTEGER NOT NULL,
    active_workflow_count INTEGER NOT NULL,
    active_turn_count INTEGER NOT NULL,
    pending_interrupt_count INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (project, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_creation ON session (project, created_at, session_id) WHERE deleted_at = 0;
CREATE INDEX session_active ON session (project, created_at, session_id)
    WHERE deleted_at = 0 AND active_workflow_count > 0;
CREATE INDEX session_by_deletion ON session (deleted_at) WHERE deleted_at <> 0;

CREATE TABLE session_event (
    project TEXT NOT NULL,
    session_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    workflow_id TEXT NOT NULL,
    event_sequence INTEGER NOT NULL,
    body BLOB,
    PRIMARY KEY (project, session_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_message ON session_event (project, session_id, sequence) WHERE kind IN (1, 2);
CREATE INDEX session_turn ON session_event (project, session_id, workflow_id, sequence) WHERE kind = 1;

CREATE TABLE purge (
    project TEXT NOT NULL,
    session_id TEXT NOT NULL,
    PRIMARY KEY (project, session_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE workflow_state ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
ALTER TABLE workflow_state ADD COLUMN trouble BLOB;
ALTER TABLE workflow_state ADD COLUMN status_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow_state ADD COLUMN queued_for INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow_state ADD COLUMN ran_for INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow_state ADD COLUMN waited_for INTEGER NOT NULL DEFAULT 0;

UPDATE workflow_state AS s SET session_id = w.session_id FROM workflow AS w
WHERE w.session_id <> '' AND w.project = s.project AND w.workflow_id = s.workflow_id;

CREATE INDEX workflow_of_session ON workflow_state (project, session_id, ended_at, created_at, workflow_id)
    WHERE session_id <> '' AND workflow_type <> 'stretto.orchestrator';
DROP INDEX workflow_by_session;
CREATE INDEX workflow_by_session ON workflow (project, session_id, created_at, workflow_id, workflow_type)
    WHERE session_id <> '';

INSERT INTO session_event
SELECT w.project, w.session_id,
    row_number() OVER (PARTITION BY w.project, w.session_id ORDER BY w.created_at, w.workflow_id, e.sequence),
    4, w.workflow_id, e.sequence, NULL
FROM workflow AS w CROSS JOIN event AS e USING (project, workflow_id) WHERE w.session_id <> '';

INSERT INTO session
SELECT project, session_id, min(created_at), max(updated_at), sum(last_sequence), 0, count(*), sum(status IN (1, 2, 3)),
    0, sum(interrupts_pending), 0
FROM workflow_state WHERE session_id <> '' GROUP BY project, session_id;
"""

# A store has one server here, which owns whatever runs; the column is there because a workflow has it everywhere.
_OWNERS = "ALTER TABLE workflow_state ADD COLUMN owner TEXT NOT NULL DEFAULT '';"

MIGRATIONS: tuple[str, ...] = (_FIRST, _SESSIONS, _OWNERS)
"""Entry n brings version n to version n + 1. A released entry never changes."""


def migrate(connection: apsw.Connection) -> None:
    """Bring a file's schema up to date; refuse a newer one, and a file of another program."""
    version = _pragma(connection, "user_version")
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"{connection.filename} has schema {version}, this release knows {len(MIGRATIONS)}: upgrade Stretto."
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").get is not None:
        raise StoreUnavailable(f"{connection.filename} is a database of another program.")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(script)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


def _pragma(connection: apsw.Connection, name: str) -> int:
    value = connection.pragma(name)
    assert isinstance(value, int)
    return value
