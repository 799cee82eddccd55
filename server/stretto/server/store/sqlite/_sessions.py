"""The sessions that one transaction of the writer looks at and changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import apsw

from stretto.server.domain import session as sessions
from stretto.server.domain.change import Change
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import SessionDeleted
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import Session, SessionEncoder, SessionPublication, StoredSessionEvent
from stretto.server.domain.workflow import Workflow
from stretto.server.store.sqlite import _rows, _sql
from stretto.server.store.sqlite._bulk import Bulk
from stretto.server.store.sqlite._cache import Cache, Key
from stretto.server.store.sqlite._rows import Row


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a workflow's change does to its session, ready to be written."""

    session: Session
    events: tuple[StoredSessionEvent, ...]
    rows: list[Row]


class Sessions:
    """Sessions as the operations of a batch see them, one after the other."""

    def __init__(self, connection: apsw.Connection, encode: SessionEncoder, cache: Cache[Session]) -> None:
        self._connection = connection
        self._encode = encode
        self._cache = cache
        self._sessions: dict[Key, Session | None] = {}
        self._changed: dict[Key, Session] = {}
        self._new: dict[Key, list[StoredSessionEvent]] = {}
        self._rows: list[Row] = []

    def load(self, keys: Iterable[Key]) -> None:
        """Read ahead what the operations will ask for, in as few statements as can be."""
        self._sessions = dict.fromkeys(key for key in keys if key not in self._cache)
        if self._sessions:
            for row in _sql.SESSIONS.run(self._connection, list(self._sessions)):
                self._sessions[row[0], row[1]] = _rows.to_session(row)

    def get(self, key: Key) -> Session | None:
        """A session as this transaction sees it, deleted or not."""
        if key not in self._sessions:
            found = self._cache.get(key)
            if found is None:
                for row in _sql.SESSIONS.run(self._connection, [key]):
                    found = _rows.to_session(row)
            self._sessions[key] = found
        return self._sessions[key]

    def is_gone(self, workflow: Workflow) -> bool:
        """Whether a workflow's row is only there because nobody has removed it yet."""
        if not workflow.session_id:
            return False
        session = self.get(key_of(workflow))
        return session is None or session.deleted_at != 0

    def record(
        self, session: Session | None, before: Workflow | None, change: Change, events: tuple[StoredEvent, ...]
    ) -> Recorded:
        """Compute what a change does to its session, or raise SessionDeleted; `session` is what it is until then."""
        until_now = session or sessions.first(change.workflow)
        if until_now.deleted_at:
            raise SessionDeleted(session_id=until_now.session_id)
        now, new = sessions.record(until_now, before, change, events, self._encode)
        return Recorded(now, new, [_rows.session_event_row(now.project, now.session_id, event) for event in new])

    def stage(self, recorded: Recorded) -> None:
        """Write it at the end of the batch; until then, later operations see it through this object."""
        key = (recorded.session.project, recorded.session.session_id)
        self._sessions[key] = self._changed[key] = recorded.session
        self._new.setdefault(key, []).extend(recorded.events)
        self._rows.extend(recorded.rows)

    def delete(self, session: Session, at: Micros) -> Session:
        """Delete a session whose workflows have all ended; everything of it must have been written."""
        key = (session.project, session.session_id)
        deleted, last = sessions.delete(session, at, self._encode)
        self._sessions[key] = deleted
        self._new.setdefault(key, []).append(last)
        values = (deleted.deleted_at, deleted.updated_at, deleted.last_sequence, *key)
        self._connection.execute(_sql.DELETE_SESSION, values)
        self._connection.execute(_sql.BEGIN_PURGE, key)
        return deleted

    def flush(self, staged: Mapping[Bulk, list[Row]]) -> None:
        """Hand over the rows that are to be written now, those of each session that changed once."""
        if self._changed:
            staged[_sql.PUT_SESSIONS].extend(_rows.session_row(session) for session in self._changed.values())
            staged[_sql.INSERT_SESSION_EVENTS].extend(self._rows)
            self._changed.clear()
            self._rows.clear()

    @property
    def publications(self) -> list[SessionPublication]:
        """What the transaction makes public, one for each session."""
        found = ((self._sessions[key], events) for key, events in self._new.items())
        return [SessionPublication(session, tuple(events)) for session, events in found if session is not None]

    def committed(self) -> None:
        """Remember the rows for the next batches."""
        self._cache.update({key: session for key, session in self._sessions.items() if session is not None})


def key_of(workflow: Workflow) -> Key:
    """Project and id of a workflow's session."""
    return workflow.project, workflow.session_id
