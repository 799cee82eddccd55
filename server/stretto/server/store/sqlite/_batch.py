"""One transaction of the writer over SQLite."""

from collections.abc import Iterable

import apsw

from stretto.server.domain.change import CheckpointCopy
from stretto.server.domain.session import Encoders, Session
from stretto.server.domain.workflow import Interrupt
from stretto.server.store import _batch, _rows
from stretto.server.store._cache import Caches, Entry, Key
from stretto.server.store._prepared import UsedRequest
from stretto.server.store._sessions import key_of
from stretto.server.store.sqlite import _sql


class Batch(_batch.Batch):
    """What operations read and write in one transaction; rows of committed ones need not be read again."""

    def __init__(self, connection: apsw.Connection, encoders: Encoders, caches: Caches) -> None:
        super().__init__(encoders)
        self.connection = connection
        self._caches = caches

    def load(self, workflows: Iterable[Key], requests: Iterable[Key], sessions: Iterable[Key]) -> None:
        """Read ahead what the operations will ask for, in as few statements as can be."""
        self._used = dict.fromkeys(requests)
        for project, request_id, digest, workflow_id in _sql.USED_REQUESTS.run(self.connection, list(self._used)):
            self._used[project, request_id] = UsedRequest(digest, workflow_id)
        keys = dict.fromkeys(workflows)
        for row in _sql.WORKFLOWS.run(self.connection, [key for key in keys if key not in self._caches.workflows]):
            self._entries[row[0], row[1]] = Entry(_rows.to_workflow(row))
        found = (self._entries.get(key) or self._caches.workflows.get(key) for key in keys)
        theirs = [key_of(entry.workflow) for entry in found if entry is not None and entry.workflow.session_id]
        self._load_sessions([*theirs, *sessions])

    def _load_sessions(self, keys: Iterable[Key]) -> None:
        found: dict[Key, Session | None] = dict.fromkeys(key for key in keys if key not in self._caches.sessions)
        for row in _sql.SESSIONS.run(self.connection, list(found)):
            found[row[0], row[1]] = _rows.to_session(row)
        self.sessions.load(found)

    def find_entry(self, key: Key) -> Entry | None:
        """A workflow that this batch has not seen yet."""
        cached = self._caches.workflows.get(key)
        if cached is not None:
            return cached
        for row in _sql.WORKFLOWS.run(self.connection, [key]):
            self._entries[key] = Entry(_rows.to_workflow(row))
        return self._entries.get(key)

    def find_interrupts(self, key: Key) -> tuple[Interrupt, ...]:
        """The interrupts of a workflow that has some."""
        return tuple(_rows.to_interrupt(row) for row in self.connection.execute(_sql.INTERRUPTS, key))

    def find_session(self, key: Key) -> Session | None:
        """A session that this batch has not seen yet."""
        cached = self._caches.sessions.get(key)
        if cached is not None:
            return cached
        rows = list(_sql.SESSIONS.run(self.connection, [key]))
        return _rows.to_session(rows[0]) if rows else None

    def copy_checkpoints(self, project: str, workflow_id: str, copied: CheckpointCopy) -> None:
        """Copy checkpoints to a workflow, also what is staged until now."""
        self.flush()
        _sql.copy_checkpoints(self.connection, project, workflow_id, copied)

    def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow, also what is staged until now."""
        self.flush()
        for statement in _sql.DELETE_CHECKPOINTS:
            self.connection.execute(statement, (project, workflow_id))

    def probe(self) -> None:
        """Write something small."""
        self.connection.execute(_sql.PROBE)

    def flush(self) -> None:
        """Write what is staged, so that SQL sees it too."""
        for table, rows in self.hand_over().items():
            if rows:
                _sql.WRITES[table].write(self.connection, rows)

    def committed(self) -> None:
        """Remember the rows for the next batches."""
        self._caches.workflows.update(self._entries)
        self._caches.sessions.update(self.sessions.present)
