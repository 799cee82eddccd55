"""Reading sessions, their journals and their workflows."""

from dataclasses import replace

from stretto.server.domain.errors import SessionNotFound
from stretto.server.domain.session import Session, StoredSessionEvent
from stretto.server.store._rows import Row
from stretto.server.store.port import SMALL_BYTES_MAX, SessionFilter, SessionState, WorkflowState
from stretto.server.store.redis import _encoding
from stretto.server.store.redis._keys import name_of, prefix_of
from stretto.server.store.redis._link import Link
from stretto.server.store.redis._walk import Cursor, Walk, walk_all

_ROW_BYTES_MAX = SMALL_BYTES_MAX + 4 * 1024
"""A row with a value that is small enough, names and all; what is a little larger is left out later."""


def session(link: Link, project: str, session_id: str) -> Session:
    """One session, or SessionNotFound when there is none or it was deleted."""
    (row,) = link.ask("sessions", prefix_of(project), session_id)
    return _there(row, session_id)


def sessions(link: Link, project: str, where: SessionFilter, limit: int, before: Cursor | None) -> tuple[Session, ...]:
    """Sessions that are not deleted, newest first."""
    walk = Walk(
        prefix=prefix_of(project),
        index="sessions:active" if where.active_only else "sessions",
        limit=limit,
        descending=True,
        low=str(where.created_after or "-inf"),
        high=f"({where.created_before}" if where.created_before else "+inf",
        begin=before,
        part="d",
    )
    (rows,) = walk_all(link, [walk])
    return tuple(_encoding.to_session(row) for row in rows)


def events(link: Link, project: str, session_id: str, after: int, limit: int) -> tuple[StoredSessionEvent, ...]:
    """A part of a session's journal."""
    if not limit:
        return ()
    found = link.ask("journal", prefix_of(project), session_id, after, after + limit - 1)
    return tuple(_encoding.to_session_event(parts) for parts in found)


def messages(
    link: Link, project: str, session_id: str, limit: int, after: int, before: int, *, newest_first: bool
) -> tuple[StoredSessionEvent, ...]:
    """Messages and notices between two sequences."""
    low, high = f"({after}", f"({before}" if before else "+inf"
    command = ("ZREVRANGEBYSCORE", "m", high, low) if newest_first else ("ZRANGEBYSCORE", "m", low, high)
    found = link.ask("messages", prefix_of(project), session_id, *command, "LIMIT", 0, limit)
    return tuple(_encoding.to_session_event(parts) for parts in found)


def turn_messages(link: Link, project: str, session_id: str, turn_id: str) -> tuple[StoredSessionEvent, ...]:
    """The messages of one turn."""
    bounds = (f"[{name_of(turn_id, '')}", f"({turn_id}\1")
    found = link.ask("messages", prefix_of(project), session_id, "ZRANGEBYLEX", "t", *bounds)
    return tuple(_encoding.to_session_event(parts) for parts in found)


def state(
    link: Link, project: str, session_id: str, active_max: int, ended_max: int, *, with_checkpoints: bool
) -> SessionState:
    """A session and its workflows at one moment."""
    bytes_max = _ROW_BYTES_MAX if with_checkpoints else -1
    answer = link.ask("session_state", prefix_of(project), session_id, active_max, ended_max, bytes_max)
    found = _there(answer and answer[0], session_id)
    states = tuple(_in_short(_encoding.to_state(parts)) for parts in answer[1])
    return SessionState(found, states, found.workflow_count - found.active_workflow_count)


def _there(row: Row | None, session_id: str) -> Session:
    found = None if row is None else _encoding.to_session(row)
    if found is None or found.deleted_at:
        raise SessionNotFound(session_id=session_id)
    return found


def _in_short(state: WorkflowState) -> WorkflowState:
    """A workflow as one of many: without the interrupts of one that has ended, and without large values."""
    interrupts = () if state.workflow.status.terminal else state.interrupts
    return replace(state, interrupts=interrupts, checkpoint=state.checkpoint and _encoding.small(state.checkpoint))
