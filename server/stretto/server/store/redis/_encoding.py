"""What stands in Redis, from and to domain values: rows in MessagePack, a workflow's in two parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import ormsgpack

from stretto.server.domain.change import ChannelBlob, PendingWrite, StoredCheckpoint
from stretto.server.domain.member import Member, MemberKind, Owned, Presence
from stretto.server.domain.session import Session, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Status, Workflow
from stretto.server.store import _rows
from stretto.server.store._prepared import UsedRequest
from stretto.server.store._rows import Row
from stretto.server.store.port import SMALL_BYTES_MAX, Position, Unfinished, WorkflowState

_FIRST_OF_STATE = 5
"""The columns of a state's row before it repeat what never changes, for indexes that Redis has apart."""

_STATE = [
    column.strip().removeprefix("s.") for column in _rows.WORKFLOW_COLUMNS.split(",") if column.strip().startswith("s.")
]
_AT: Mapping[str, int] = {name: place for place, name in enumerate(_STATE)}
_WRITE_ORDER = slice(2, 4)
"""Where a write's row has its task and its position."""


def fixed_part(row: Row) -> bytes:
    """What never changes of a workflow, out of its row."""
    return ormsgpack.packb(row)


def brief_part(workflow: Workflow) -> bytes:
    """As much of it as whoever looks through many workflows needs."""
    return ormsgpack.packb(
        (
            workflow.workflow_id,
            workflow.workflow_type,
            workflow.type_version,
            workflow.session_id,
            workflow.created_at,
        )
    )


def state_part(row: Row) -> bytes:
    """What changes of a workflow, out of its state's row."""
    return ormsgpack.packb(row[_FIRST_OF_STATE:])


def to_workflow(parts: Sequence[Any]) -> Workflow:
    """A workflow from what never changes and what does."""
    return _rows.to_workflow((*parts[0], *parts[1]))


def to_interrupts(rows: Sequence[Any]) -> tuple[Interrupt, ...]:
    """A workflow's interrupts, oldest first."""
    return tuple(_rows.to_interrupt(row) for row in rows)


def to_unfinished(project: str, parts: Sequence[Any]) -> Unfinished:
    """What a dispatcher must know, from the little and what changes."""
    (workflow_id, workflow_type, type_version, session_id, created_at), state = parts
    return Unfinished(
        project,
        workflow_id,
        workflow_type,
        type_version,
        session_id,
        Status(state[_AT["status"]]),
        created_at,
        state[_AT["deadline"]],
        state[_AT["epoch"]],
    )


def to_owned(project: str, parts: Sequence[Any]) -> Owned:
    """What an owner must know."""
    state = parts[1]
    return Owned(project, parts[0][0], state[_AT["epoch"]], cancel_requested=state[_AT["cancel_requested_at"]] > 0)


def to_position(project: str, parts: Sequence[Any]) -> Position:
    """How far a workflow's journal is."""
    state = parts[1]
    ended = Status(state[_AT["status"]]).terminal
    return Position(project, parts[0][0], state[_AT["last_sequence"]], ended, parts[0][3])


def session_row(session: Session) -> bytes:
    """A session."""
    return ormsgpack.packb(_rows.session_row(session))


def to_session(row: Row) -> Session:
    """A session from its row."""
    return _rows.to_session(row)


def to_session_event(parts: Sequence[Any]) -> StoredSessionEvent:
    """An entry of a session's journal from its number, its row, and the body of the event that it stands for."""
    sequence, (kind, workflow_id, event_sequence, body), event_body = parts
    return _rows.to_session_event((sequence, kind, workflow_id, event_sequence, event_body if body is None else body))


def to_stored(parts: Sequence[Any]) -> StoredCheckpoint:
    """A checkpoint with its values and writes."""
    checkpoint = _rows.to_checkpoint(parts[0])
    blobs = {blob.channel: blob for blob in map(_rows.to_blob, parts[1])}
    return StoredCheckpoint(
        checkpoint,
        tuple(blobs[channel] for channel, _ in checkpoint.channels if channel in blobs),
        tuple(_rows.to_write(row) for row in sorted(parts[2], key=lambda row: tuple(row[_WRITE_ORDER]))),
    )


def small(stored: StoredCheckpoint) -> StoredCheckpoint:
    """It without large values."""
    return StoredCheckpoint(
        stored.checkpoint, tuple(filter(_is_small, stored.blobs)), tuple(filter(_is_small, stored.writes))
    )


def to_state(parts: Sequence[Any]) -> WorkflowState:
    """A workflow with what belongs to it."""
    workflow, interrupts, checkpoint = parts
    return WorkflowState(
        to_workflow(workflow), to_interrupts(interrupts), None if checkpoint is None else to_stored(checkpoint)
    )


def request_row(used: UsedRequest) -> bytes:
    """What is kept of a request id."""
    return ormsgpack.packb((used.digest, used.workflow_id))


def to_request(row: bytes) -> UsedRequest:
    """What is kept of a request id, from its row."""
    digest, workflow_id = ormsgpack.unpackb(row)
    return UsedRequest(digest, workflow_id)


def member_row(member: Member) -> bytes:
    """A member as it tells of itself."""
    return ormsgpack.packb(member)


def to_presence(parts: Sequence[Any], **changes: Any) -> Presence:
    """A member and its silence, from what it told and for how long it has been silent."""
    fields, silent_for = parts
    types = tuple((name, version) for name, version in fields["types"])
    told = {**fields, "kind": MemberKind(fields["kind"]), "types": types, **changes}
    return Presence(Member(**told), max(0, silent_for))


def _is_small(value: ChannelBlob | PendingWrite) -> bool:
    return len(value.blob.body) <= SMALL_BYTES_MAX
