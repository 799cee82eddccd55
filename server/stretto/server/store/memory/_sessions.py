"""Sessions and their journals in memory."""

from collections.abc import Mapping, Sequence

from stretto.server.domain import session as sessions
from stretto.server.domain.change import Change
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import SessionBusy, SessionDeleted, SessionNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import EntryKind, Session, SessionEncoder, SessionPublication, StoredSessionEvent
from stretto.server.domain.workflow import Workflow
from stretto.server.store.port import Position, SessionFilter

Key = tuple[str, str]


class Sessions:
    """The sessions of all projects, those that were deleted and are not forgotten yet among them."""

    def __init__(self, encode: SessionEncoder) -> None:
        self._encode = encode
        self._sessions: dict[Key, Session] = {}
        self._journals: dict[Key, list[StoredSessionEvent]] = {}

    def get(self, key: Key) -> Session:
        """A session, or SessionNotFound when there is none or it was deleted."""
        session = self._sessions.get(key)
        if session is None or session.deleted_at:
            raise SessionNotFound(session_id=key[1])
        return session

    def list(
        self, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None
    ) -> tuple[Session, ...]:
        """Sessions that are not deleted, newest first."""
        found = [
            session
            for session in self._sessions.values()
            if session.project == project
            and (before is None or (session.created_at, session.session_id) < before)
            and _holds(where, session)
        ]
        found.sort(key=lambda session: (session.created_at, session.session_id), reverse=True)
        return tuple(found[:limit])

    def events(self, key: Key, after: int, limit: int) -> tuple[StoredSessionEvent, ...]:
        """A part of a session's journal."""
        return tuple(self._journals.get(key, [])[after : after + limit])

    def messages(
        self, key: Key, limit: int, after: int, before: int, *, newest_first: bool
    ) -> tuple[StoredSessionEvent, ...]:
        """Messages and notices between two sequences."""
        found = [
            entry
            for entry in self._journals.get(key, [])[after : before - 1 if before else None]
            if entry.kind in (EntryKind.MESSAGE, EntryKind.NOTICE)
        ]
        return tuple((found[::-1] if newest_first else found)[:limit])

    def turn_messages(self, key: Key, turn_id: str) -> tuple[StoredSessionEvent, ...]:
        """The messages of one turn."""
        entries = self._journals.get(key, [])
        return tuple(entry for entry in entries if entry.kind is EntryKind.MESSAGE and entry.workflow_id == turn_id)

    def record(
        self,
        drafts: Mapping[Key, Session],
        before: Workflow | None,
        change: Change,
        events: tuple[StoredEvent, ...],
    ) -> SessionPublication | None:
        """What a change does to its session, or SessionDeleted; `drafts` are those that changes before it changed."""
        key = key_of(change.workflow)
        if not key[1]:
            return None
        session = drafts.get(key) or self._sessions.get(key) or sessions.first(change.workflow)
        if session.deleted_at:
            raise SessionDeleted(session_id=session.session_id)
        return SessionPublication(*sessions.record(session, before, change, events, self._encode))

    def write(self, publication: SessionPublication) -> None:
        """Take over what was recorded."""
        key = (publication.session.project, publication.session.session_id)
        self._sessions[key] = publication.session
        self._journals.setdefault(key, []).extend(publication.events)

    def delete(self, key: Key, at: Micros) -> SessionPublication | None:
        """Delete a session and its journal, or SessionBusy; None when it was deleted before."""
        session = self._sessions.get(key)
        if session is None:
            raise SessionNotFound(session_id=key[1])
        if session.deleted_at:
            return None
        if session.busy_count:
            raise SessionBusy(session_id=key[1], active_workflow_count=str(session.busy_count))
        deleted, last = sessions.delete(session, at, self._encode)
        self._sessions[key] = deleted
        del self._journals[key]
        return SessionPublication(deleted, (last,))

    def deleted(self, key: Key) -> Session:
        """A session that was deleted."""
        return self._sessions[key]

    def positions(self, keys: Sequence[Key]) -> tuple[Position, ...]:
        """How far the journals of these sessions are."""
        found = (self._sessions.get(key) for key in keys)
        return tuple(
            Position(one.project, one.session_id, one.last_sequence, one.deleted_at != 0) for one in found if one
        )

    def forget(self, before: Micros) -> int:
        """Delete the rows of sessions that were deleted before a time; says how many."""
        old = [key for key, session in self._sessions.items() if 0 < session.deleted_at < before]
        for key in old:
            del self._sessions[key]
        return len(old)


def key_of(workflow: Workflow) -> Key:
    """Project and id of a workflow's session."""
    return workflow.project, workflow.session_id


def _holds(where: SessionFilter, session: Session) -> bool:
    """Whether a session is there and meets all conditions."""
    return (
        not session.deleted_at
        and where.created_after <= session.created_at
        and (not where.created_before or session.created_at < where.created_before)
        and (not where.active_only or session.active_workflow_count > 0)
    )
