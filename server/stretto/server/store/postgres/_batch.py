"""One transaction of the writer over PostgreSQL.

All that operations need is read before they run, and all that they write is written after they ran. A workflow that
was read for an earlier batch need not be read again: its row is changed only if its revision is still the same, and
where it is not, or where nothing was written that would have shown it, the batch is repeated with what there is now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stretto.server.domain.change import CheckpointCopy
from stretto.server.domain.session import Encoders, Session
from stretto.server.domain.workflow import Interrupt
from stretto.server.store import _batch
from stretto.server.store import _rows as rows
from stretto.server.store._cache import Cache, Entry, Key
from stretto.server.store._operations import Operation
from stretto.server.store._prepared import UsedRequest
from stretto.server.store._rows import Row
from stretto.server.store._sessions import key_of
from stretto.server.store.postgres import _rows, _sql
from stretto.server.store.postgres._connection import Connection
from stretto.server.store.postgres._trace import Trace, trace_of


class Conflict(Exception):
    """What the batch was computed from is not what there is; it must be repeated."""


class Missing(Exception):
    """An operation asked for something that was not read."""

    def __init__(self, workflow: Key | None = None, session: Key | None = None) -> None:
        super().__init__(workflow, session)
        self.workflow = workflow
        self.session = session


@dataclass(slots=True)
class Wanted:
    """What to read before operations run."""

    requests: dict[Key, None] = field(default_factory=dict)
    workflows: dict[Key, None] = field(default_factory=dict)
    sessions: dict[Key, None] = field(default_factory=dict)

    def of(self, operation: Operation[Any]) -> None:
        """What an operation will look at."""
        self.requests.update(dict.fromkeys(operation.requests()))
        self.workflows.update(dict.fromkeys(operation.workflows()))
        self.sessions.update(dict.fromkeys(operation.sessions()))

    def add(self, missing: Missing) -> None:
        """What one asked for besides."""
        if missing.workflow:
            self.workflows[missing.workflow] = None
        if missing.session:
            self.sessions[missing.session] = None


class Batch(_batch.Batch):
    """What operations read and write in one transaction."""

    def __init__(self, connection: Connection, encoders: Encoders, cache: Cache[Entry], probed: int) -> None:
        super().__init__(encoders)
        self.transaction_id = ""
        self.trace: Trace | None = None
        self._connection = connection
        self._cache = cache
        self._probed = probed
        self._loaded: dict[Key, Entry | None] = {}
        self._assumed: dict[Key, int] = {}
        self._revisions: dict[Key, int] = {}
        self._present_sessions: set[Key] = set()
        self._steps: list[tuple[str, Sequence[Any], int]] = []

    async def load(self, wanted: Wanted, *, locked: bool) -> None:
        """Read all that operations will ask for, in as few statements as can be.

        `locked` lets nobody else change the workflows until the end. Then they are read once more, because all
        processes lock sessions first, and which ones these are says a workflow.
        """
        keys = dict(wanted.workflows)
        if wanted.requests:
            self._used = dict.fromkeys(wanted.requests)
            for project, request_id, digest, workflow_id in await self._fetch(_sql.USED_REQUESTS, wanted.requests):
                self._used[project, request_id] = UsedRequest(digest, workflow_id)
                keys[project, workflow_id] = None
        unknown = [key for key in keys if key not in self._cache]
        await self._load_workflows(unknown, _sql.WORKFLOWS)
        known = (self._loaded.get(key) or self._cache.get(key) for key in keys)
        theirs = [key_of(entry.workflow) for entry in known if entry is not None and entry.workflow.session_id]
        await self._load_sessions(dict.fromkeys([*theirs, *wanted.sessions]))
        if locked:
            await self._load_workflows(unknown, _sql.LOCKED_WORKFLOWS)

    async def _load_workflows(self, keys: Iterable[Key], text: str) -> None:
        self._loaded = dict.fromkeys(keys)
        if not self._loaded:
            return
        asking: list[Key] = []
        for row in await self._fetch(text, self._loaded):
            *values, revision = row
            workflow = _rows.to_workflow(values)
            key = (workflow.project, workflow.workflow_id)
            self._loaded[key] = Entry(workflow, None if workflow.has_interrupts else (), revision)
            if workflow.has_interrupts:
                asking.append(key)
        if asking:
            await self._load_interrupts(asking)

    async def _load_interrupts(self, keys: Sequence[Key]) -> None:
        found: dict[Key, list[Interrupt]] = {key: [] for key in keys}
        for project, workflow_id, *row in await self._fetch(_sql.INTERRUPTS, keys):
            found[project, workflow_id].append(rows.to_interrupt(tuple(row)))
        for key, interrupts in found.items():
            entry = self._loaded[key]
            assert entry is not None
            self._loaded[key] = replace(entry, interrupts=tuple(interrupts))

    async def _load_sessions(self, keys: Iterable[Key]) -> None:
        found: dict[Key, Session | None] = dict.fromkeys(keys)
        if not found:
            return
        for row in await self._fetch(_sql.SESSIONS, found):
            session = rows.to_session(tuple(row))
            found[session.project, session.session_id] = session
            self._present_sessions.add((session.project, session.session_id))
        self.sessions.load(found)

    async def _fetch(self, text: str, keys: Iterable[Key]) -> list[Any]:
        projects, names = zip(*keys, strict=True)
        return await self._connection.fetch(text, projects, names)

    def find_entry(self, key: Key) -> Entry | None:
        """A workflow that this batch has not seen yet."""
        if key in self._loaded:
            entry = self._loaded[key]
        else:
            entry = self._cache.get(key)
            if entry is None:
                raise Missing(workflow=key)
            self._assumed[key] = entry.revision
        if entry is not None:
            self._entries[key] = entry
            self._revisions[key] = entry.revision
        return entry

    def find_interrupts(self, key: Key) -> tuple[Interrupt, ...]:
        """They were read with their workflow."""
        raise AssertionError(f"The interrupts of {key} were not read.")

    def find_session(self, key: Key) -> Session | None:
        """A session that this batch has not seen yet."""
        raise Missing(session=key)

    def copy_checkpoints(self, project: str, workflow_id: str, copied: CheckpointCopy) -> None:
        """Copy checkpoints to a workflow, also what is staged until now."""
        self._plan()
        key = (project, workflow_id, copied.workflow_id)
        newest = (copied.checkpoint_id, copied.with_writes)
        checkpoints, blobs, writes = _sql.COPIES
        self._steps += [(checkpoints, (*key, *newest), 0), (blobs, key, 0), (writes, (*key, *newest), 0)]

    def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow, also what is staged until now."""
        self._plan()
        self._steps += [(text, (project, workflow_id), 0) for text in _sql.DELETE_CHECKPOINTS]

    def probe(self) -> None:
        """Write something small, to a row that other processes hardly ever write at the same time."""
        self._steps.append((_sql.PROBE, (self._probed,), 0))

    def _plan(self) -> None:
        """Put down the statement that writes what is staged."""
        staged = {name: found for name, found in self.hand_over().items() if found}
        changed = self._split_states(staged)
        self._split_sessions(staged)
        for name, table in _sql.TABLES.items():
            if table.key and name in staged:
                staged[name] = _rows.last_of_each(staged[name], table.key)
        if "request" in staged:
            staged["request"].sort()
        if staged:
            self.trace = self.trace or trace_of(staged)
            values = [column for found in staged.values() for column in _rows.columns(found)]
            self._steps.append((_sql.writing(tuple(staged)), values, changed))

    def _split_states(self, staged: dict[str, list[Row]]) -> int:
        """Tell rows that are changed from new ones; says how many. They are changed in one order by all processes."""
        new, changed = list[Any](), list[Any]()
        for row in staged.pop("workflow_state", ()):
            key = (row[0], row[1])
            values, base, now = _rows.state_row(row), self._revisions.get(key), self._entries[key].revision
            self._revisions[key] = now
            if base is None:
                new.append([*values, now])
            else:
                changed.append([*values, now, base])
        if new:
            staged["workflow_state"] = new
        if changed:
            staged["changed_workflow_state"] = sorted(changed)
        return len(changed)

    def _split_sessions(self, staged: dict[str, list[Row]]) -> None:
        """Tell sessions that are changed from new ones."""
        found = staged.pop("session", [])
        new = [row for row in found if row[:2] not in self._present_sessions]
        changed = [row for row in found if row[:2] in self._present_sessions]
        self._present_sessions.update(row[:2] for row in new)
        if new:
            staged["session"] = sorted(new)
        if changed:
            staged["changed_session"] = sorted(changed)

    async def write(self) -> None:
        """Write all that operations staged; or raise Conflict when some of it rests on what is not so any more."""
        self._plan()
        for text, values, changed in self._steps:
            row = await self._connection.fetchrow(text, *values)
            if row is None:
                continue
            self.transaction_id = row[0]
            if row[1] != changed:
                raise Conflict
        if self._steps and not self.transaction_id:
            self.transaction_id = await self._connection.fetchval("SELECT pg_current_xact_id()::text")

    def check(self) -> None:
        """Raise Conflict when operations looked at something remembered and wrote nothing that would prove it right."""
        if any(self._entries[key].revision == revision for key, revision in self._assumed.items()):
            raise Conflict

    def forget(self) -> None:
        """Do not rely on what is remembered of these workflows any more."""
        self._cache.drop(self._assumed)

    def committed(self) -> None:
        """Remember the rows for the next batches."""
        self._cache.update(self._entries)
