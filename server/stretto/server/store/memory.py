"""A store in memory: for tests, and to show in few words what every store does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from stretto.server.domain.change import (
    Change,
    ChannelBlob,
    Checkpoint,
    CheckpointCopy,
    Committed,
    Decide,
    EncodedEvent,
    PendingWrite,
    Publication,
    Request,
    Saved,
    StoredCheckpoint,
)
from stretto.server.domain.clock import Micros
from stretto.server.domain.diagnosis import Durability, StoreKind
from stretto.server.domain.errors import RequestIdReused, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.event import EventEncoder, StoredEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store.port import Unfinished, WorkflowFilter, WorkflowState

_Key = tuple[str, str]


@dataclass(slots=True)
class _Rows:
    """What LangGraph's checkpointer keeps of one workflow, by the rows' keys."""

    checkpoints: dict[tuple[str, str], Checkpoint] = field(default_factory=dict)
    blobs: dict[tuple[str, str, str], ChannelBlob] = field(default_factory=dict)
    writes: dict[tuple[str, str, str, int], PendingWrite] = field(default_factory=dict)

    def put(self, saved: Saved) -> None:
        """Add rows, or replace those with the same keys."""
        for one in saved.checkpoints:
            self.checkpoints[one.namespace, one.checkpoint_id] = one
        for blob in saved.blobs:
            self.blobs[blob.namespace, blob.channel, blob.version] = blob
        for write in saved.writes:
            self.writes[write.namespace, write.checkpoint_id, write.task_id, write.index] = write

    def stored(self, checkpoint: Checkpoint) -> StoredCheckpoint:
        """A checkpoint with its blobs and writes."""
        keys = [(checkpoint.namespace, channel, version) for channel, version in checkpoint.channels]
        of = (checkpoint.namespace, checkpoint.checkpoint_id)
        return StoredCheckpoint(
            checkpoint,
            tuple(self.blobs[key] for key in keys if key in self.blobs),
            tuple(self.writes[key] for key in sorted(self.writes) if key[:2] == of),
        )

    def copy(self, copied: CheckpointCopy) -> Saved:
        """A checkpoint with its ancestors, the subgraphs' checkpoints up to it, and what belongs to them."""
        line: set[str] = set()
        checkpoint = self.checkpoints.get(("", copied.checkpoint_id))
        while checkpoint and checkpoint.checkpoint_id not in line:
            line.add(checkpoint.checkpoint_id)
            checkpoint = self.checkpoints.get(("", checkpoint.parent_id))
        taken = [
            self.stored(one)
            for (namespace, checkpoint_id), one in self.checkpoints.items()
            if ((copied.with_writes or checkpoint_id <= copied.checkpoint_id) if namespace else checkpoint_id in line)
        ]
        ancestors = {("", checkpoint_id) for checkpoint_id in line - {copied.checkpoint_id}}
        return Saved(
            checkpoints=tuple(one.checkpoint for one in taken),
            blobs=tuple(blob for one in taken for blob in one.blobs),
            writes=tuple(
                write
                for one in taken
                for write in one.writes
                if copied.with_writes or (write.namespace, write.checkpoint_id) in ancestors
            ),
        )


class MemoryStore:
    """Keeps everything in dictionaries, for one event loop, until it is dropped."""

    kind = StoreKind.MEMORY
    durability = Durability.NONE

    def __init__(self, encode: EventEncoder) -> None:
        self._encode = encode
        self._is_open = False
        self._listeners: list[Callable[[Sequence[Publication]], None]] = []
        self._workflows: dict[_Key, Workflow] = {}
        self._journals: dict[_Key, list[StoredEvent]] = {}
        self._interrupts: dict[_Key, dict[str, Interrupt]] = {}
        self._requests: dict[_Key, tuple[Request, str]] = {}
        self._rows: dict[_Key, _Rows] = {}

    async def open(self) -> None:
        """Begin to answer."""
        self._is_open = True

    async def close(self) -> None:
        """Answer no more, and tell nobody any more; opened again, it has what it had."""
        self._is_open = False
        self._listeners.clear()

    def on_publication(self, listener: Callable[[Sequence[Publication]], None]) -> None:
        """Call the listener after each commit."""
        self._listeners.append(listener)

    async def create(self, change: Change, request: Request | None = None) -> Committed:
        """Write a new workflow."""
        self._answer()
        project = change.workflow.project
        return self._earlier(project, request) or self._commit(project, (change,), request)

    async def update(self, project: str, workflow_id: str, decide: Decide, request: Request | None = None) -> Committed:
        """Change a workflow by a pure function."""
        self._answer()
        earlier = self._earlier(project, request)
        if earlier:
            return earlier
        workflow = self._workflow(project, workflow_id)
        changes = decide(workflow, self._interrupts_of((project, workflow_id)))
        if changes:
            return self._commit(project, changes, request)
        if request:
            self._requests[project, request.request_id] = (request, workflow_id)
        return Committed(workflow, fresh=False)

    async def requested(self, project: str, request: Request) -> Workflow | None:
        """The workflow that a request id was used for; None when it is new."""
        self._answer()
        earlier = self._earlier(project, request)
        return earlier.workflow if earlier else None

    async def get(self, project: str, workflow_id: str) -> Workflow:
        """The workflow's row, or WorkflowNotFound."""
        self._answer()
        return self._workflow(project, workflow_id)

    async def interrupts(self, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
        """The workflow's interrupts, oldest first."""
        self._answer()
        return self._interrupts_of((project, workflow_id))

    async def state(self, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
        """The workflow, its interrupts and the newest checkpoint of its outermost graph."""
        workflow = await self.get(project, workflow_id)
        newest = await self.checkpoint(project, workflow_id, "") if with_checkpoint else None
        return WorkflowState(workflow, self._interrupts_of((project, workflow_id)), newest)

    async def events(self, project: str, workflow_id: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """The events after a sequence, in order, at most `limit` of them."""
        self._answer()
        return tuple(self._journals.get((project, workflow_id), [])[after : after + limit])

    async def list(
        self, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Workflow, ...]:
        """Workflows, newest first, from those created before the cursor."""
        self._answer()
        found = [
            workflow
            for workflow in self._workflows.values()
            if workflow.project == project
            and (before is None or (workflow.created_at, workflow.workflow_id) < before)
            and _holds(where, workflow)
        ]
        found.sort(key=lambda workflow: (workflow.created_at, workflow.workflow_id), reverse=True)
        return tuple(found[:limit])

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """All workflows of all projects that have not ended, oldest first."""
        self._answer()
        waiting = [workflow for workflow in self._workflows.values() if not workflow.status.terminal]
        waiting.sort(key=lambda workflow: (workflow.created_at, workflow.workflow_id))
        return tuple(
            Unfinished(
                workflow.project,
                workflow.workflow_id,
                workflow.workflow_type,
                workflow.session_id,
                workflow.status,
                workflow.created_at,
                workflow.deadline,
            )
            for workflow in waiting
        )

    async def save(self, project: str, workflow_id: str, saved: Saved) -> None:
        """Write checkpoint rows outside of any run."""
        self._answer()
        self._rows.setdefault((project, workflow_id), _Rows()).put(saved)

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str = ""
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace."""
        found = await self.checkpoints(project, workflow_id, namespace, limit=-1)
        return next((one for one in found if checkpoint_id in ("", one.checkpoint.checkpoint_id)), None)

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str = ""
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints of one namespace, or of all, newest first, from those whose ids sort before `before`."""
        self._answer()
        rows = self._rows.get((project, workflow_id), _Rows())
        found = [
            one
            for one in rows.checkpoints.values()
            if namespace in (None, one.namespace) and (not before or one.checkpoint_id < before)
        ]
        found.sort(key=lambda one: one.namespace)
        found.sort(key=lambda one: one.checkpoint_id, reverse=True)
        return tuple(rows.stored(one) for one in found[: None if limit < 0 else limit])

    async def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow."""
        self._answer()
        self._rows.pop((project, workflow_id), None)

    async def forget_requests(self, before: Micros) -> int:
        """Delete request ids that were used before a time; says how many."""
        self._answer()
        old = [key for key, (request, _) in self._requests.items() if request.at < before]
        for key in old:
            del self._requests[key]
        return len(old)

    async def probe(self) -> None:
        """Memory can always be written, while the store is open."""
        self._answer()

    def _answer(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("The store is not open.")

    def _workflow(self, project: str, workflow_id: str) -> Workflow:
        workflow = self._workflows.get((project, workflow_id))
        if workflow is None:
            raise WorkflowNotFound(workflow_id=workflow_id)
        return workflow

    def _interrupts_of(self, key: _Key) -> tuple[Interrupt, ...]:
        return tuple(self._interrupts.get(key, {}).values())

    def _earlier(self, project: str, request: Request | None) -> Committed | None:
        """The workflow that this request made or changed before, or RequestIdReused."""
        used = self._requests.get((project, request.request_id)) if request else None
        if used is None or request is None:
            return None
        if used[0].digest != request.digest:
            raise RequestIdReused(workflow_id=used[1])
        return Committed(self._workflow(project, used[1]), fresh=False)

    def _commit(self, project: str, changes: Iterable[Change], request: Request | None) -> Committed:
        """Number and encode everything, which may fail; then write everything, which cannot."""
        last: dict[_Key, int] = {}
        numbered = [(change, self._number(change, last)) for change in changes]
        for change, publication in numbered:
            self._write(change, publication)
        first = numbered[0][1].workflow
        if request:
            self._requests[project, request.request_id] = (request, first.workflow_id)
        for listener in self._listeners:
            listener([publication for _, publication in numbered])
        return Committed(first, fresh=True)

    def _number(self, change: Change, last: dict[_Key, int]) -> Publication:
        """A change's events with their numbers; `last` is where the journals end after the changes before."""
        key = (change.workflow.project, change.workflow.workflow_id)
        if change.created and (key in self._workflows or key in last):
            raise ValueError(f"There is a workflow {key[1]} already.")
        if not change.created and key not in last:
            last[key] = self._workflow(*key).last_sequence
        first = last.get(key, 0) + 1
        events = tuple(
            StoredEvent(sequence, event.body if isinstance(event, EncodedEvent) else self._encode(key[1], event))
            for sequence, event in enumerate(change.events, start=first)
        )
        last[key] = first + len(events) - 1
        return Publication(replace(change.workflow, last_sequence=last[key]), events)

    def _write(self, change: Change, publication: Publication) -> None:
        workflow = publication.workflow
        key = (workflow.project, workflow.workflow_id)
        self._workflows[key] = workflow
        self._journals.setdefault(key, []).extend(publication.events)
        interrupts = self._interrupts.setdefault(key, {})
        interrupts.update((interrupt.interrupt_id, interrupt) for interrupt in change.interrupts)
        rows = self._rows.setdefault(key, _Rows())
        if change.copied:
            source = self._rows.get((workflow.project, change.copied.workflow_id), _Rows())
            rows.put(source.copy(change.copied))
        rows.put(change.saved)


def _holds(where: WorkflowFilter, workflow: Workflow) -> bool:
    """Whether a workflow meets all conditions."""
    return (
        (not where.workflow_types or workflow.workflow_type in where.workflow_types)
        and (not where.statuses or workflow.status in where.statuses)
        and where.session_id in ("", workflow.session_id)
        and set(where.labels) <= set(workflow.labels)
        and where.created_after <= workflow.created_at
        and (not where.created_before or workflow.created_at < where.created_before)
    )
