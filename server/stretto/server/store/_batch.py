"""One transaction: operations see it as if they ran one by one, its rows are written together."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final

from stretto.server.domain.change import Change, CheckpointCopy, EncodedEvent, Publication, Request
from stretto.server.domain.errors import WorkflowNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import Encoders, Session
from stretto.server.domain.workflow import Interrupt, evolve
from stretto.server.store import _rows
from stretto.server.store._cache import Entry, Key
from stretto.server.store._prepared import (
    Prepared,
    Recorded,
    SavedRows,
    UsedRequest,
    interrupt_rows,
    merged,
    saved_rows,
)
from stretto.server.store._rows import Row
from stretto.server.store._sessions import Sessions, key_of

TABLES: Final = (
    "workflow",
    "workflow_state",
    "workflow_label",
    "request",
    "event",
    "session_event",
    "session",
    "purge",
    "interrupt",
    "checkpoint",
    "channel_blob",
    "pending_write",
)
"""What rows are staged for, in the order in which they are written."""


class Batch(ABC):
    """What operations read and write in one transaction. An adapter finds what there is, and writes what is staged."""

    def __init__(self, encoders: Encoders) -> None:
        self.publications: list[Publication] = []
        self.sessions = Sessions(self.find_session, encoders.session)
        self._encode = encoders.event
        self._entries: dict[Key, Entry] = {}
        self._used: dict[Key, UsedRequest | None] = {}
        self._states: dict[Key, Row] = {}
        self._staged = {table: list[Row]() for table in TABLES}

    @abstractmethod
    def find_entry(self, key: Key) -> Entry | None:
        """A workflow that this batch has not seen yet."""

    @abstractmethod
    def find_interrupts(self, key: Key) -> tuple[Interrupt, ...]:
        """The interrupts of a workflow that has some."""

    @abstractmethod
    def find_session(self, key: Key) -> Session | None:
        """A session that this batch has not seen yet."""

    @abstractmethod
    def copy_checkpoints(self, project: str, workflow_id: str, copied: CheckpointCopy) -> None:
        """Copy checkpoints to a workflow, also what is staged until now."""

    @abstractmethod
    def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow, also what is staged until now."""

    @abstractmethod
    def probe(self) -> None:
        """Write something small."""

    def entry(self, project: str, workflow_id: str) -> Entry | None:
        """A workflow as this transaction sees it; None for one whose session was deleted."""
        key = (project, workflow_id)
        entry = self._entries.get(key) or self.find_entry(key)
        return None if entry is None or self.sessions.is_gone(entry.workflow) else entry

    def interrupts(self, entry: Entry) -> tuple[Interrupt, ...]:
        """A workflow's interrupts as this transaction sees them."""
        workflow = entry.workflow
        if entry.interrupts is not None:
            return entry.interrupts
        if not workflow.has_interrupts:
            return ()
        key = (workflow.project, workflow.workflow_id)
        interrupts = self.find_interrupts(key)
        self._entries[key] = Entry(workflow, interrupts, entry.revision)
        return interrupts

    def used_request(self, project: str, request_id: str) -> UsedRequest | None:
        """What a request id was used for; it must have been loaded."""
        return self._used[project, request_id]

    def use_request(self, project: str, request: Request, workflow_id: str) -> None:
        """Keep a request id with what it was used for."""
        self._used[project, request.request_id] = UsedRequest(request.digest, workflow_id)
        row = (project, request.request_id, request.digest, workflow_id, request.at)
        self._staged["request"].append(row)

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
        interrupts = merged(self.interrupts(before) if before else (), change.interrupts)
        return Prepared(
            change=change,
            entry=Entry(workflow, interrupts, before.revision + 1 if before else 1),
            state=_rows.state_row(workflow),
            events=events,
            event_rows=[(project, workflow_id, event.sequence, event.body) for event in events],
            interrupt_rows=interrupt_rows(project, workflow_id, interrupts, change.interrupts),
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
            staged["workflow"].append(_rows.workflow_row(workflow))
            staged["workflow_label"].extend(
                (workflow.project, name, value, workflow.created_at, workflow.workflow_id)
                for name, value in workflow.labels
            )
        self._entries[key] = prepared.entry
        self._states[key] = prepared.state
        staged["event"].extend(prepared.event_rows)
        staged["interrupt"].extend(prepared.interrupt_rows)
        if prepared.recorded:
            self.sessions.stage(prepared.recorded)
        if prepared.change.copied:
            self.copy_checkpoints(*key, prepared.change.copied)
        self.stage_saved(prepared.saved_rows)
        self.publications.append(Publication(workflow, prepared.events))

    def stage_saved(self, rows: SavedRows) -> None:
        """Write checkpoint rows at the end of the batch."""
        self._staged["checkpoint"].extend(rows.checkpoints)
        self._staged["channel_blob"].extend(rows.blobs)
        self._staged["pending_write"].extend(rows.writes)

    def hand_over(self) -> dict[str, list[Row]]:
        """The rows that are staged, by their tables; nothing is staged afterwards."""
        self._staged["workflow_state"].extend(self._states.values())
        self._states.clear()
        self.sessions.hand_over(self._staged)
        staged, self._staged = self._staged, {table: list[Row]() for table in TABLES}
        return staged
