"""What a writer can be asked to do, each in terms of one batch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

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
from stretto.server.store._batch import Batch
from stretto.server.store._cache import Key
from stretto.server.store._prepared import SavedRows
from stretto.server.store._sessions import key_of

B_contra = TypeVar("B_contra", bound=Batch, contravariant=True)


class Operation(ABC, Generic[B_contra]):
    """One unit of work over a sort of batch. It raises before its first effect, or spoils its batch."""

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
    def run(self, batch: B_contra) -> object:
        """Do it; what it gives back is handed to its caller after the commit."""


@dataclass(frozen=True, slots=True)
class Create(Operation[Batch]):
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
class Update(Operation[Batch]):
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
class Save(Operation[Batch]):
    """Write checkpoint rows outside of any run."""

    rows: SavedRows

    def run(self, batch: Batch) -> None:
        """Do it."""
        batch.stage_saved(self.rows)


@dataclass(frozen=True, slots=True)
class DeleteCheckpoints(Operation[Batch]):
    """Delete all checkpoint rows of a workflow."""

    project: str
    workflow_id: str

    def run(self, batch: Batch) -> None:
        """Do it, also to rows that this batch has yet to write."""
        batch.delete_checkpoints(self.project, self.workflow_id)


@dataclass(frozen=True, slots=True)
class DeleteSession(Operation[Batch]):
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
        return batch.sessions.delete(session, self.at)


@dataclass(frozen=True, slots=True)
class Probe(Operation[Batch]):
    """Write something small."""

    def run(self, batch: Batch) -> None:
        """Do it."""
        batch.probe()


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
