"""One transaction of the writer: operations see it as if they ran one by one, its rows are written together."""

from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from stretto.server.domain.change import Change, EncodedEvent, Publication, Request, Saved
from stretto.server.domain.errors import WorkflowNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import Encoders, Session
from stretto.server.domain.workflow import Interrupt, evolve
from stretto.server.store.sqlite import _rows, _sql
from stretto.server.store.sqlite._cache import Caches, Entry, Key
from stretto.server.store.sqlite._rows import Row
from stretto.server.store.sqlite._sessions import Recorded, Sessions, key_of


@dataclass(frozen=True, slots=True)
class UsedRequest:
    """What is kept of a request id."""

    digest: bytes
    workflow_id: str


@dataclass(frozen=True, slots=True)
class SavedRows:
    """Rows of LangGraph's checkpointer."""

    checkpoints: list[Row]
    blobs: list[Row]
    writes: list[Row]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change with everything computed that could still fail, ready to be written."""

    change: Change
    entry: Entry
    state: Row
    events: tuple[StoredEvent, ...]
    event_rows: list[Row]
    interrupt_rows: list[Row]
    saved_rows: SavedRows
    recorded: Recorded | None


class Batch:
    """What operations read and write in one transaction."""

    def __init__(self, connection: apsw.Connection, encoders: Encoders, caches: Caches) -> None:
        self.connection = connection
        self.publications: list[Publication] = []
        self.sessions = Sessions(connection, encoders.session, caches.sessions)
        self._encode = encoders.event
        self._cache = caches.workflows
        self._entries: dict[Key, Entry] = {}
        self._used: dict[Key, UsedRequest | None] = {}
        self._states: dict[Key, Row] = {}
        self._staged = {bulk: list[Row]() for bulk in _sql.WRITES}

    def load(self, workflows: Iterable[Key], requests: Iterable[Key], sessions: Iterable[Key]) -> None:
        """Read ahead what the operations will ask for, in as few statements as can be."""
        self._used = dict.fromkeys(requests)
        for project, request_id, digest, workflow_id in _sql.USED_REQUESTS.run(self.connection, list(self._used)):
            self._used[project, request_id] = UsedRequest(digest, workflow_id)
        keys = dict.fromkeys(workflows)
        for row in _sql.WORKFLOWS.run(self.connection, [key for key in keys if key not in self._cache]):
            self._entries[row[0], row[1]] = Entry(_rows.to_workflow(row))
        known = (self._known(key) for key in keys)
        theirs = [key_of(entry.workflow) for entry in known if entry is not None and entry.workflow.session_id]
        self.sessions.load([*theirs, *sessions])

    def entry(self, project: str, workflow_id: str) -> Entry | None:
        """A workflow as this transaction sees it; None for one whose session was deleted."""
        key = (project, workflow_id)
        entry = self._known(key)
        if entry is None:
            for row in _sql.WORKFLOWS.run(self.connection, [key]):
                entry = self._entries[key] = Entry(_rows.to_workflow(row))
        return None if entry is None or self.sessions.is_gone(entry.workflow) else entry

    def _known(self, key: Key) -> Entry | None:
        return self._entries.get(key) or self._cache.get(key)

    def interrupts(self, entry: Entry) -> tuple[Interrupt, ...]:
        """A workflow's interrupts as this transaction sees them."""
        workflow = entry.workflow
        if entry.interrupts is not None:
            return entry.interrupts
        if not workflow.has_interrupts:
            return ()
        key = (workflow.project, workflow.workflow_id)
        rows = self.connection.execute(_sql.INTERRUPTS, key)
        interrupts = tuple(_rows.to_interrupt(row) for row in rows)
        self._entries[key] = Entry(workflow, interrupts)
        return interrupts

    def used_request(self, project: str, request_id: str) -> UsedRequest | None:
        """What a request id was used for; it must have been loaded."""
        return self._used[project, request_id]

    def use_request(self, project: str, request: Request, workflow_id: str) -> None:
        """Keep a request id with what it was used for."""
        self._used[project, request.request_id] = UsedRequest(request.digest, workflow_id)
        row = (project, request.request_id, request.digest, workflow_id, request.at)
        self._staged[_sql.INSERT_REQUESTS].append(row)

    def prepare(self, changes: Iterable[Change]) -> list[Prepared]:
        """Compute what changes write. Whatever a caller can get wrong fails here, before anything is staged."""
        prepared: list[Prepared] = []
        entries: dict[Key, Entry] = {}
        sessions: dict[Key, Session] = {}
        for change in changes:
            key = (change.workflow.project, change.workflow.workflow_id)
            before = None if change.created else entries.get(key) or self.entry(*key)
            if before is None and not change.created:
                raise WorkflowNotFound(workflow_id=change.workflow.workflow_id)
            done = self._prepare(change, before, sessions)
            entries[key] = done.entry
            prepared.append(done)
        return prepared

    def _prepare(self, change: Change, before: Entry | None, sessions: dict[Key, Session]) -> Prepared:
        """Compute one change; `sessions` are those that the changes before it have changed."""
        project, workflow_id = change.workflow.project, change.workflow.workflow_id
        first = before.workflow.last_sequence + 1 if before else 1
        bodies = (
            event.body if isinstance(event, EncodedEvent) else self._encode(workflow_id, event)
            for event in change.events
        )
        events = tuple(StoredEvent(sequence, body) for sequence, body in enumerate(bodies, start=first))
        workflow = evolve(change.workflow, last_sequence=first + len(events) - 1)
        known = self.interrupts(before) if before else ()
        interrupts = merged(known, change.interrupts)
        positions = {interrupt.interrupt_id: position for position, interrupt in enumerate(interrupts)}
        return Prepared(
            change=change,
            entry=Entry(workflow, interrupts),
            state=_rows.state_row(workflow),
            events=events,
            event_rows=[(project, workflow_id, event.sequence, event.body) for event in events],
            interrupt_rows=[
                _rows.interrupt_row(project, workflow_id, positions[interrupt.interrupt_id], interrupt)
                for interrupt in change.interrupts
            ],
            saved_rows=saved_rows(project, workflow_id, change.saved),
            recorded=self._record(change, before, events, sessions) if workflow.session_id else None,
        )

    def _record(
        self, change: Change, before: Entry | None, events: tuple[StoredEvent, ...], sessions: dict[Key, Session]
    ) -> Recorded:
        key = key_of(change.workflow)
        session = sessions.get(key) or self.sessions.get(key)
        recorded = self.sessions.record(session, before.workflow if before else None, change, events)
        sessions[key] = recorded.session
        return recorded

    def stage(self, prepared: Prepared) -> None:
        """Write a change at the end of the batch; until then, later operations see it through this object."""
        workflow, staged = prepared.entry.workflow, self._staged
        key = (workflow.project, workflow.workflow_id)
        if prepared.change.created:
            staged[_sql.INSERT_WORKFLOWS].append(_rows.workflow_row(workflow))
            staged[_sql.INSERT_LABELS].extend(
                (workflow.project, name, value, workflow.created_at, workflow.workflow_id)
                for name, value in workflow.labels
            )
        self._entries[key] = prepared.entry
        self._states[key] = prepared.state
        staged[_sql.INSERT_EVENTS].extend(prepared.event_rows)
        staged[_sql.PUT_INTERRUPTS].extend(prepared.interrupt_rows)
        if prepared.recorded:
            self.sessions.stage(prepared.recorded)
        if prepared.change.copied:
            self.flush()
            _sql.copy_checkpoints(self.connection, *key, prepared.change.copied)
        self.stage_saved(prepared.saved_rows)
        self.publications.append(Publication(workflow, prepared.events))

    def stage_saved(self, rows: SavedRows) -> None:
        """Write checkpoint rows at the end of the batch."""
        self._staged[_sql.PUT_CHECKPOINTS].extend(rows.checkpoints)
        self._staged[_sql.PUT_BLOBS].extend(rows.blobs)
        self._staged[_sql.PUT_WRITES].extend(rows.writes)

    def flush(self) -> None:
        """Write what is staged, so that SQL sees it too."""
        self._staged[_sql.PUT_STATES].extend(self._states.values())
        self._states.clear()
        self.sessions.flush(self._staged)
        for bulk, rows in self._staged.items():
            if rows:
                bulk.write(self.connection, rows)
                rows.clear()

    def committed(self) -> None:
        """Remember the rows for the next batches."""
        self._cache.update(self._entries)
        self.sessions.committed()


def merged(known: tuple[Interrupt, ...], changed: tuple[Interrupt, ...]) -> tuple[Interrupt, ...]:
    """Interrupts with some replaced in their places, and new ones at the end."""
    if not changed:
        return known
    by_id = {interrupt.interrupt_id: interrupt for interrupt in known}
    by_id.update((interrupt.interrupt_id, interrupt) for interrupt in changed)
    return tuple(by_id.values())


def saved_rows(project: str, workflow_id: str, saved: Saved) -> SavedRows:
    """The rows for LangGraph's checkpointer."""
    return SavedRows(
        [_rows.checkpoint_row(project, workflow_id, checkpoint) for checkpoint in saved.checkpoints],
        [_rows.blob_row(project, workflow_id, blob) for blob in saved.blobs],
        [_rows.write_row(project, workflow_id, write) for write in saved.writes],
    )
