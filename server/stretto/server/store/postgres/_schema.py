"""The tables, as numbered migrations."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stretto.server.domain.errors import StoreTooNew, StoreUnavailable
from stretto.server.store.postgres._address import Address
from stretto.server.store.postgres._connection import Connection

# What never changes of a workflow stands in `workflow`, the rest in `workflow_state`: so a commit in the middle of a
# run does not write a large input again. Its type and creation time stand in both, for the index by status. Keys are
# compared byte by byte, as Python does, whatever the database's locale. Rows that change often leave room in their
# pages, so that their new versions stay beside them and their indexes untouched.
#
# An entry of a session's journal that stands for a workflow's event only points to it. `purge` names deleted sessions
# of which there are rows left: what belongs to them is gone for readers.
#
# TEXT may hold no NUL character: what people and models write, and may have one, is bytes.
_FIRST = """
CREATE TABLE workflow (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    type_version TEXT NOT NULL,
    request_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    labels TEXT,
    origin BYTEA,
    input_type TEXT NOT NULL,
    input BYTEA NOT NULL,
    PRIMARY KEY (project, workflow_id)
);
CREATE INDEX workflow_by_creation ON workflow (project, created_at, workflow_id, workflow_type);
CREATE INDEX workflow_by_session ON workflow (project, session_id, created_at, workflow_id, workflow_type)
    WHERE session_id <> '';

CREATE TABLE workflow_state (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    crashes BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    fraction DOUBLE PRECISION NOT NULL,
    headline BYTEA NOT NULL,
    steps BYTEA,
    interrupts_pending BIGINT NOT NULL,
    has_interrupts INTEGER NOT NULL,
    has_checkpoints INTEGER NOT NULL,
    cancel_requested_at BIGINT NOT NULL,
    cancel_cause BYTEA NOT NULL,
    retried_as TEXT NOT NULL,
    result_type TEXT,
    result BYTEA,
    failure BYTEA,
    trouble BYTEA,
    status_since BIGINT NOT NULL,
    queued_for BIGINT NOT NULL,
    ran_for BIGINT NOT NULL,
    waited_for BIGINT NOT NULL,
    owner TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (project, workflow_id)
) WITH (fillfactor = 70);
CREATE INDEX workflow_by_status ON workflow_state (status, project, created_at, workflow_id, workflow_type);
CREATE INDEX workflow_of_session ON workflow_state (project, session_id, ended_at, created_at, workflow_id)
    WHERE session_id <> '' AND workflow_type <> 'stretto.orchestrator';
CREATE INDEX workflow_by_deadline ON workflow_state (deadline) WHERE status IN (1, 2, 3) AND deadline > 0;

CREATE TABLE workflow_label (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    workflow_id TEXT NOT NULL,
    PRIMARY KEY (project, name, value, created_at, workflow_id)
);

CREATE TABLE request (
    project TEXT NOT NULL,
    request_id TEXT NOT NULL,
    digest BYTEA NOT NULL,
    workflow_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (project, request_id)
);
CREATE INDEX request_by_age ON request (at);

CREATE TABLE event (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (project, workflow_id, sequence)
);

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
    raised_at BIGINT NOT NULL,
    status INTEGER NOT NULL,
    decided_type TEXT,
    decision BYTEA,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (project, workflow_id, position)
);

CREATE TABLE checkpoint (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    checkpoint_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    superstep BIGINT NOT NULL,
    source TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    channels TEXT NOT NULL,
    body_tag TEXT NOT NULL,
    body BYTEA NOT NULL,
    metadata_tag TEXT NOT NULL,
    metadata BYTEA NOT NULL,
    PRIMARY KEY (project, workflow_id, namespace, checkpoint_id)
);

CREATE TABLE channel_blob (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    channel TEXT NOT NULL,
    version TEXT NOT NULL,
    tag TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (project, workflow_id, namespace, channel, version)
);

CREATE TABLE pending_write (
    project TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    checkpoint_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    channel TEXT NOT NULL,
    tag TEXT NOT NULL,
    body BYTEA NOT NULL,
    task_path TEXT NOT NULL,
    PRIMARY KEY (project, workflow_id, namespace, checkpoint_id, task_id, position)
);

CREATE TABLE session (
    project TEXT NOT NULL,
    session_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    workflow_count BIGINT NOT NULL,
    active_workflow_count BIGINT NOT NULL,
    active_turn_count BIGINT NOT NULL,
    pending_interrupt_count BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    PRIMARY KEY (project, session_id)
) WITH (fillfactor = 70);
CREATE INDEX session_by_creation ON session (project, created_at, session_id) WHERE deleted_at = 0;
CREATE INDEX session_active ON session (project, created_at, session_id)
    WHERE deleted_at = 0 AND active_workflow_count > 0;
CREATE INDEX session_by_deletion ON session (deleted_at) WHERE deleted_at <> 0;

CREATE TABLE session_event (
    project TEXT NOT NULL,
    session_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    workflow_id TEXT NOT NULL,
    event_sequence BIGINT NOT NULL,
    body BYTEA,
    PRIMARY KEY (project, session_id, sequence)
);
CREATE INDEX session_message ON session_event (project, session_id, sequence) WHERE kind IN (1, 2);
CREATE INDEX session_turn ON session_event (project, session_id, workflow_id, sequence) WHERE kind = 1;

CREATE TABLE purge (
    project TEXT NOT NULL,
    session_id TEXT NOT NULL,
    PRIMARY KEY (project, session_id)
);

CREATE TABLE member (
    member_id TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    lease BIGINT NOT NULL,
    version TEXT NOT NULL,
    types TEXT NOT NULL,
    address TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    running BIGINT NOT NULL,
    concurrency_max BIGINT NOT NULL,
    draining BOOLEAN NOT NULL,
    asked_to_drain BOOLEAN NOT NULL,
    renewed_at BIGINT NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE probe (one INTEGER PRIMARY KEY, count BIGINT NOT NULL) WITH (fillfactor = 70);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from one version of the schema to the next one."""

    script: str
    oldest_reader: int
    """The oldest version whose code can still work with the schema afterwards. A migration that only adds leaves it
    as it was, so that servers of the release before go on while others are upgraded."""


MIGRATIONS: Final = (Migration(_FIRST.replace(" TEXT", ' TEXT COLLATE "C"'), oldest_reader=1),)
"""Entry n brings version n to version n + 1. A released entry never changes."""

_VERSIONS = (
    "CREATE TABLE schema_version (version INTEGER NOT NULL, oldest_reader INTEGER NOT NULL, identity TEXT NOT NULL)"
)


async def migrate(connection: Connection, address: Address, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the schema up to date, one process at a time; refuse a newer one, and one of another program."""
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", address.key("migration"))
        version = await _version(connection, address, len(migrations))
        for number, migration in enumerate(migrations[version:], start=version + 1):
            await connection.execute(migration.script)
            await connection.execute(
                "UPDATE schema_version SET version = $1, oldest_reader = $2", number, migration.oldest_reader
            )


async def _version(connection: Connection, address: Address, known: int) -> int:
    """The version of the schema, which is made when it is not there."""
    if await connection.fetchval("SELECT to_regnamespace($1)", f'"{address.schema}"') is None:
        await connection.execute(f'CREATE SCHEMA "{address.schema}"')
    if await connection.fetchval("SELECT to_regclass($1)", f'"{address.schema}".schema_version') is None:
        await _expect_empty(connection, address)
        await connection.execute(_VERSIONS)
        await connection.execute("INSERT INTO schema_version VALUES (0, 0, $1)", secrets.token_hex(16))
    (row,) = await connection.fetch("SELECT version, oldest_reader FROM schema_version")
    version, oldest_reader = row
    if oldest_reader > known:
        raise StoreTooNew(
            f"{address} has schema {version}, which needs a release that knows {oldest_reader};"
            f" this one knows {known}: upgrade Stretto."
        )
    return int(version)


async def identity(connection: Connection) -> str:
    """What was made by chance with the schema, and names it from then on."""
    return str(await connection.fetchval("SELECT identity FROM schema_version"))


async def _expect_empty(connection: Connection, address: Address) -> None:
    text = "SELECT tablename FROM pg_tables WHERE schemaname = $1 LIMIT 1"
    table = await connection.fetchval(text, address.schema)
    if table is not None:
        raise StoreUnavailable(
            f"The schema {address.schema!r} of {address} has tables of another program ({table});"
            " name one for Stretto: ?schema=NAME."
        )
