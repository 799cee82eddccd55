"""What the writer can be asked to do, each in terms of one batch."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from stretto.server.domain.change import Change, Committed, Decide, Request
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import (
    RequestIdReused,
    SessionBusy,
    SessionDeleted,
    SessionNotFound,
    WorkflowNotFound,
)
from stretto.server.domain.session import Session
from stretto.server.store.sqlite import _purge, _sql
from stretto.server.store.sqlite._batch import Batch, SavedRows
from stretto.server.store.sqlite._cache import Key
from stretto.server.store.sqlite._sessions import key_of

FORGOTTEN_MAX = 1_000
"""Request ids deleted in one operation, so that others do not wait for long; sessions too."""


class Operation(ABC):
    """One unit of work. It raises before its first effect, or spoils its batch."""

    __slots__ = ()

    def workflows(self) -> tuple[Key, ...]:
        """The workflows that it will look at."""
        return ()

    def requests(self) -> tuple[Key, ...]:
        """The request ids that it will look at."""
        return ()

    def sessions(self) -> tuple[Key, ...]:
        """The sessions that it will look at, besides those of its workflows."""
        return ()

    @abstractmethod
    def run(self, batch: Batch) -> object:
        """Do it; what it gives back is handed to its caller after the commit."""


@dataclass(frozen=True, slots=True)
class Create(Operation):
    """Write a new workflow."""

    change: Change
    request: Request | None

    def requests(self) -> tuple[Key, ...]:
        """The request id, if it came with one."""
        return ((self.change.workflow.project, self.request.request_id),) if self.request else ()

    def sessions(self) -> tuple[Key, ...]:
        """The session, if it is made in one."""
        workflow = self.change.workflow
        return (key_of(workflow),) if workflow.session_id else ()

    def run(self, batch: Batch) -> Committed:
        """Do it, unless the request did it before."""
        project = self.change.workflow.project
        return _earlier(batch, project, self.request) or _write(batch, project, (self.change,), self.request)


@dataclass(frozen=True, slots=True)
class Update(Operation):
    """Change a workflow by a pure function."""

    project: str
    workflow_id: str
    decide: Decide
    request: Request | None

    def workflows(self) -> tuple[Key, ...]:
        """The one that changes."""
        return ((self.project, self.workflow_id),)

    def requests(self) -> tuple[Key, ...]:
        """The request id, if it came with one."""
        return ((self.project, self.request.request_id),) if self.request else ()

    def run(self, batch: Batch) -> Committed:
        """Do it, unless the request did it before."""
        earlier = _earlier(batch, self.project, self.request)
        if earlier:
            return earlier
        entry = batch.entry(self.project, self.workflow_id)
        if entry is None:
            raise WorkflowNotFound(workflow_id=self.workflow_id)
        changes = self.decide(entry.workflow, batch.interrupts(entry))
        if changes:
            return _write(batch, self.project, changes, self.request)
        if self.request:
            batch.use_request(self.project, self.request, self.workflow_id)
        return Committed(entry.workflow, fresh=False)


@dataclass(frozen=True, slots=True)
class Save(Operation):
    """Write checkpoint rows outside of any run."""

    rows: SavedRows

    def run(self, batch: Batch) -> None:
        """Do it."""
        batch.stage_saved(self.rows)


@dataclass(frozen=True, slots=True)
class DeleteCheckpoints(Operation):
    """Delete all checkpoint rows of a workflow."""

    project: str
    workflow_id: str

    def run(self, batch: Batch) -> None:
        """Do it, also to rows that this batch has yet to write."""
        batch.flush()
        for statement in _sql.DELETE_CHECKPOINTS:
            batch.connection.execute(statement, (self.project, self.workflow_id))


@dataclass(frozen=True, slots=True)
class ForgetRequests(Operation):
    """Delete some request ids that were used before a time."""

    before: Micros

    def run(self, batch: Batch) -> int:
        """Do it; says how many there were."""
        batch.flush()
        batch.connection.execute(_sql.FORGET_REQUESTS, (self.before, FORGOTTEN_MAX))
        return batch.connection.changes()


@dataclass(frozen=True, slots=True)
class DeleteSession(Operation):
    """Delete a session whose workflows have all ended."""

    project: str
    session_id: str
    at: Micros

    def sessions(self) -> tuple[Key, ...]:
        """The one to delete."""
        return ((self.project, self.session_id),)

    def run(self, batch: Batch) -> Session:
        """Do it, unless it was done before."""
        session = batch.sessions.get((self.project, self.session_id))
        if session is None:
            raise SessionNotFound(session_id=self.session_id)
        if session.deleted_at:
            return session
        if session.busy_count:
            raise SessionBusy(session_id=self.session_id, active_workflow_count=str(session.busy_count))
        batch.flush()
        return batch.sessions.delete(session, self.at)


@dataclass(frozen=True, slots=True)
class Purge(Operation):
    """Remove some of what belonged to deleted sessions."""

    def run(self, batch: Batch) -> int:
        """Do it for a short time; says how many rows there were, 0 when nothing is left."""
        batch.flush()
        count, until = 0, time.monotonic() + _purge.SECONDS_MAX
        for removed in _purge.pieces(batch.connection):
            count += removed
            if time.monotonic() >= until:
                break
        return count


@dataclass(frozen=True, slots=True)
class ForgetSessions(Operation):
    """Delete some rows of sessions that were deleted before a time and of which nothing else is left."""

    before: Micros

    def run(self, batch: Batch) -> int:
        """Do it; says how many there were."""
        batch.flush()
        batch.connection.execute(_sql.FORGET_SESSIONS, (self.before, FORGOTTEN_MAX))
        return batch.connection.changes()


@dataclass(frozen=True, slots=True)
class Probe(Operation):
    """Write something small."""

    def run(self, batch: Batch) -> None:
        """Do it."""
        batch.connection.execute(_sql.PROBE)


def _earlier(batch: Batch, project: str, request: Request | None) -> Committed | None:
    """The workflow that this request made or changed before; RequestIdReused, or SessionDeleted when it is gone."""
    used = batch.used_request(project, request.request_id) if request else None
    if used is None or request is None:
        return None
    if used.digest != request.digest:
        raise RequestIdReused(workflow_id=used.workflow_id)
    entry = batch.entry(project, used.workflow_id)
    if entry is None:
        # Only with its session is a workflow deleted, and a request id outlives it.
        raise SessionDeleted(workflow_id=used.workflow_id)
    return Committed(entry.workflow, fresh=False)


def _write(batch: Batch, project: str, changes: tuple[Change, ...], request: Request | None) -> Committed:
    prepared = batch.prepare(changes)
    for one in prepared:
        batch.stage(one)
    first = prepared[0].entry.workflow
    if request:
        batch.use_request(project, request, first.workflow_id)
    return Committed(first, fresh=True)
