"""What dispatchers ask for and tell: members, who owns what, what waits, what is late, how far journals are."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

import json
from collections.abc import Sequence
from typing import Any

from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.member import Member, MemberKind, Owned, Presence
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Status
from stretto.server.store.port import Position, Unfinished
from stretto.server.store.postgres import _sql
from stretto.server.store.postgres._connection import Connection

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""The database's clock judges leases: those of the members' machines may differ."""

_MEMBER = "member_id, kind, lease, version, types, address, joined_at, running, concurrency_max, draining"
_RENEW = f"""
INSERT INTO member AS m ({_MEMBER}, asked_to_drain, renewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false, {_NOW})
ON CONFLICT (member_id) DO UPDATE SET
    {", ".join(f"{column} = excluded.{column}" for column in _MEMBER.split(", ")[1:])}, renewed_at = {_NOW}
RETURNING m.asked_to_drain
"""
_SILENT = f"greatest(0, {_NOW} - renewed_at)"
_MEMBERS = f"SELECT {_MEMBER}, {_SILENT} FROM member ORDER BY member_id"
_ASK_TO_DRAIN = (
    f"UPDATE member SET asked_to_drain = true WHERE member_id = $1 RETURNING {_MEMBER.rpartition(', ')[0]}, true,"
    f" {_SILENT}"
)
_FORGET = f"DELETE FROM member WHERE {_SILENT} >= $1 RETURNING 1"

_OWNED = "SELECT project, workflow_id, epoch, cancel_requested_at FROM workflow_state WHERE status = 2 AND owner = $1"
_ADRIFT = (
    "SELECT project, workflow_id, epoch, cancel_requested_at FROM workflow_state WHERE status = 2 AND NOT EXISTS"
    f" (SELECT 1 FROM member AS m WHERE m.member_id = owner AND {_NOW} - m.renewed_at < m.lease) LIMIT $1"
)
_UNFINISHED = (
    "SELECT s.project, s.workflow_id, s.workflow_type, w.type_version, s.session_id, s.status, s.created_at,"
    " s.deadline, s.epoch FROM workflow_state AS s JOIN workflow AS w USING (project, workflow_id)"
    " WHERE s.status {statuses}{further} ORDER BY {order}"
)
_COUNT = (
    "(SELECT count(*) FROM (SELECT 1 FROM workflow_state"
    f" WHERE status = 1 AND workflow_type {{is_turn}} '{TURN}' LIMIT $1) AS few)"
)
_COUNTS = f"SELECT {_COUNT.format(is_turn='<>')}, {_COUNT.format(is_turn='=')}"
_WANTED = "unnest($1::text[], $2::text[]) AS wanted (project, name)"
_POSITIONS = (
    f"SELECT s.project, s.workflow_id, s.last_sequence, s.status >= 4, s.session_id FROM {_WANTED}"
    " JOIN workflow_state AS s ON s.project = wanted.project AND s.workflow_id = wanted.name"
    f" WHERE {_sql.not_gone('s')}"
)
_SESSION_POSITIONS = (
    f"SELECT s.project, s.session_id, s.last_sequence, s.deleted_at <> 0 FROM {_WANTED}"
    " JOIN session AS s ON s.project = wanted.project AND s.session_id = wanted.name"
)


async def renew(connection: Connection, member: Member) -> bool:
    """Write down a member as it is now; says whether it was asked to drain."""
    values = (
        *(member.member_id, int(member.kind), member.lease, member.version, json.dumps(member.types), member.address),
        *(member.joined_at, member.running, member.concurrency_max, member.draining),
    )
    return bool(await connection.fetchval(_RENEW, *values))


async def members(connection: Connection) -> tuple[Presence, ...]:
    """All members, in the order of their ids."""
    return tuple(_to_presence(row) for row in await connection.fetch(_MEMBERS))


async def ask_to_drain(connection: Connection, member_id: str) -> Presence:
    """Leave word for a member, or MemberNotFound."""
    row = await connection.fetchrow(_ASK_TO_DRAIN, member_id)
    if row is None:
        raise MemberNotFound(f"There is no member {member_id!r}.", member_id=member_id)
    return _to_presence(row)


async def leave(connection: Connection, member_id: str) -> None:
    """Forget a member."""
    await connection.execute("DELETE FROM member WHERE member_id = $1", member_id)


async def forget_members(connection: Connection, silent_for: Micros) -> int:
    """Forget those that were silent for so long; says how many."""
    return len(await connection.fetch(_FORGET, silent_for))


def _to_presence(row: Any) -> Presence:
    (member_id, kind, lease, version, types, address, joined_at, running, concurrency_max, draining, silent_for) = row
    member = Member(
        member_id=member_id,
        kind=MemberKind(kind),
        lease=lease,
        version=version,
        types=tuple((name, of) for name, of in json.loads(types)),
        address=address,
        joined_at=joined_at,
        running=running,
        concurrency_max=concurrency_max,
        draining=draining,
    )
    return Presence(member, silent_for)


async def owned(connection: Connection, member_id: str) -> tuple[Owned, ...]:
    """The running workflows of an owner."""
    return _to_owned(await connection.fetch(_OWNED, member_id))


async def adrift(connection: Connection, limit: int) -> tuple[Owned, ...]:
    """Some running workflows whose owner is no member whose lease holds."""
    return _to_owned(await connection.fetch(_ADRIFT, limit))


def _to_owned(rows: list[Any]) -> tuple[Owned, ...]:
    return tuple(Owned(project, workflow_id, epoch, cancel_at != 0) for project, workflow_id, epoch, cancel_at in rows)


async def unfinished(connection: Connection) -> tuple[Unfinished, ...]:
    """All workflows that have not ended, oldest first."""
    text = _UNFINISHED.format(statuses="IN (1, 2, 3)", further="", order="s.created_at, s.workflow_id")
    return _to_unfinished(await connection.fetch(text))


async def queued(
    connection: Connection, limit: int, after: tuple[str, Micros, str] | None, updated_before: Micros
) -> tuple[Unfinished, ...]:
    """Queued workflows by project and age, from those after a cursor."""
    further, values = "", list[str | int]()
    if after:
        further += " AND (s.project, s.created_at, s.workflow_id) > ($1, $2, $3)"
        values.extend(after)
    if updated_before:
        values.append(updated_before)
        further += f" AND s.updated_at < ${len(values)}"
    text = _UNFINISHED.format(statuses="= 1", further=further, order="s.project, s.created_at, s.workflow_id")
    return _to_unfinished(await connection.fetch(f"{text} LIMIT ${len(values) + 1}", *values, limit))


async def queued_counts(connection: Connection, limit: int) -> tuple[int, int]:
    """How many workflows and how many turns are queued, each up to a limit."""
    ((workflows, turns),) = await connection.fetch(_COUNTS, limit)
    return workflows, turns


async def overdue(connection: Connection, now: Micros, limit: int) -> tuple[Unfinished, ...]:
    """Some workflows that have not ended though their deadline has come; those that wait for the longest first."""
    further = " AND s.deadline > 0 AND s.deadline <= $1"
    text = _UNFINISHED.format(statuses="IN (1, 2, 3)", further=further, order="s.deadline")
    return _to_unfinished(await connection.fetch(f"{text} LIMIT $2", now, limit))


def _to_unfinished(rows: list[Any]) -> tuple[Unfinished, ...]:
    return tuple(
        Unfinished(
            project, workflow_id, workflow_type, version, session_id, Status(status), created_at, deadline, epoch
        )
        for project, workflow_id, workflow_type, version, session_id, status, created_at, deadline, epoch in rows
    )


async def positions(connection: Connection, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    """How far the journals of these workflows are."""
    return await _to_positions(connection, _POSITIONS, keys)


async def session_positions(connection: Connection, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    """How far the journals of these sessions are."""
    return await _to_positions(connection, _SESSION_POSITIONS, keys)


async def _to_positions(connection: Connection, text: str, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    projects, names = [project for project, _ in keys], [name for _, name in keys]
    rows = await connection.fetch(text, projects, names)
    return tuple(Position(project, name, last, ended, *session) for project, name, last, ended, *session in rows)
