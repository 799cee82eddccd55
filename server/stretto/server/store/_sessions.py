"""The sessions that one transaction looks at and changes."""

from collections.abc import Callable, Mapping

from stretto.server.domain import session as sessions
from stretto.server.domain.change import Change
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import SessionDeleted
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import Session, SessionEncoder, SessionPublication, StoredSessionEvent
from stretto.server.domain.workflow import Workflow
from stretto.server.store import _rows
from stretto.server.store._cache import Key
from stretto.server.store._prepared import Recorded
from stretto.server.store._rows import Row


class Sessions:
    """Sessions as the operations of a batch see them, one after the other."""

    def __init__(self, find: Callable[[Key], Session | None], encode: SessionEncoder) -> None:
        self._find = find
        self._encode = encode
        self._sessions: dict[Key, Session | None] = {}
        self._changed: dict[Key, Session] = {}
        self._new: dict[Key, list[StoredSessionEvent]] = {}
        self._rows: list[Row] = []
        self._purges: list[Row] = []

    def load(self, found: Mapping[Key, Session | None]) -> None:
        """Take in what was read ahead; None for a session that there is not."""
        self._sessions.update(found)

    def get(self, key: Key) -> Session | None:
        """A session as this transaction sees it, deleted or not."""
        if key not in self._sessions:
            self._sessions[key] = self._find(key)
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
        """Delete a session whose workflows have all ended."""
        key = (session.project, session.session_id)
        deleted, last = sessions.delete(session, at, self._encode)
        self._sessions[key] = self._changed[key] = deleted
        self._new.setdefault(key, []).append(last)
        self._purges.append(key)
        return deleted

    def hand_over(self, staged: Mapping[str, list[Row]]) -> None:
        """Hand over the rows that are to be written now, those of each session that changed once."""
        if self._changed:
            staged["session"].extend(_rows.session_row(session) for session in self._changed.values())
            staged["session_event"].extend(self._rows)
            staged["purge"].extend(self._purges)
            self._changed.clear()
            self._rows.clear()
            self._purges.clear()

    @property
    def publications(self) -> list[SessionPublication]:
        """What the transaction makes public, one for each session."""
        found = ((self._sessions[key], events) for key, events in self._new.items())
        return [SessionPublication(session, tuple(events)) for session, events in found if session is not None]

    @property
    def present(self) -> dict[Key, Session]:
        """All sessions that it looked at, as they are now."""
        return {key: session for key, session in self._sessions.items() if session is not None}


def key_of(workflow: Workflow) -> Key:
    """Project and id of a workflow's session."""
    return workflow.project, workflow.session_id
