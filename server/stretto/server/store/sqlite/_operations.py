"""What the writer can be asked to do, each in terms of one batch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from stretto.server.domain.change import Change, Committed, Decide, Request
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import RequestIdReused, WorkflowNotFound
from stretto.server.store.sqlite import _sql
from stretto.server.store.sqlite._batch import Batch, SavedRows
from stretto.server.store.sqlite._cache import Key

REQUESTS_FORGOTTEN_MAX = 1_000
"""Request ids deleted in one operation, so that others do not wait for long."""


class Operation(ABC):
    """One unit of work. It raises before its first effect, or spoils its batch."""

    __slots__ = ()

    def workflows(self) -> tuple[Key, ...]:
        """The workflows that it will look at."""
        return ()

    def requests(self) -> tuple[Key, ...]:
        """The request ids that it will look at."""
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
        batch.connection.execute(_sql.FORGET_REQUESTS, (self.before, REQUESTS_FORGOTTEN_MAX))
        return batch.connection.changes()


@dataclass(frozen=True, slots=True)
class Probe(Operation):
    """Write something small."""

    def run(self, batch: Batch) -> None:
        """Do it."""
        batch.connection.execute(_sql.PROBE)


def _earlier(batch: Batch, project: str, request: Request | None) -> Committed | None:
    """The workflow that this request made or changed before, or RequestIdReused."""
    used = batch.used_request(project, request.request_id) if request else None
    if used is None or request is None:
        return None
    if used.digest != request.digest:
        raise RequestIdReused(workflow_id=used.workflow_id)
    entry = batch.entry(project, used.workflow_id)
    assert entry is not None
    return Committed(entry.workflow, fresh=False)


def _write(batch: Batch, project: str, changes: tuple[Change, ...], request: Request | None) -> Committed:
    prepared = batch.prepare(changes)
    for one in prepared:
        batch.stage(one)
    first = prepared[0].entry.workflow
    if request:
        batch.use_request(project, request, first.workflow_id)
    return Committed(first, fresh=True)
