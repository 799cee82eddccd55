"""WorkflowService: starting, watching, reading and steering workflows."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing

from google.protobuf.any_pb2 import Any as AnyProto

from stretto.server.domain.clock import Clock
from stretto.server.domain.errors import InvalidPageToken, InvalidRequest, StreamEnded
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.payload import STRUCT, VALUE, Payload, Violation
from stretto.server.domain.workflow import Edit, Status
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.journal import Journal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc._batches import pieces
from stretto.server.rpc._calls import Context
from stretto.server.rpc._pages import PAGE_SIZE, Filter, page
from stretto.server.rpc.contracts import NULL, Contracts
from stretto.server.rpc.convert import (
    any_of,
    checkpoint_to_proto,
    failure_to_proto,
    interrupt_to_proto,
    request_of,
    time_of,
    workflow_to_proto,
)
from stretto.server.rpc.events import to_event
from stretto.server.rpc.metrics import metrics_of
from stretto.server.rpc.projects import project_of
from stretto.server.rpc.snapshot import to_snapshot
from stretto.server.store.port import Store, WorkflowFilter, WorkflowState
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.progress_event_pb2 import Bookmark, ProgressEventBatch
from stretto.workflow.v1.workflow_pb2 import INTERRUPT_STATUS_PENDING
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceServicer

__all__ = ["WorkflowServicer"]


class WorkflowServicer(WorkflowServiceServicer):
    """Turns requests into calls of the engine's application services."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: Store,
        journal: Journal,
        catalog: Catalog,
        contracts: Contracts,
        clock: Clock,
        min_sequence_wait_seconds: float,
    ) -> None:
        self._workflows = workflows
        self._store = store
        self._journal = journal
        self._catalog = catalog
        self._contracts = contracts
        self._clock = clock
        self._wait_seconds = min_sequence_wait_seconds

    async def StartWorkflow(  # noqa: N802 - The name in the protos.
        self, request: api.StartWorkflowRequest, context: Context
    ) -> api.StartWorkflowResponse:
        """Starts a workflow."""
        contract = self._catalog.public(request.workflow_type).contract
        payload = self._contracts.check(contract.input_type, request.input if request.HasField("input") else None)
        if request.request_id:
            request.input.CopyFrom(any_of(payload))  # The canonical form makes equal requests have equal digests.
        workflow = await self._workflows.start(
            project_of(context),
            request.workflow_type,
            payload,
            request=request_of("StartWorkflow", request, self._clock.now()),
            session_id=request.session_id,
            labels=tuple(sorted(request.labels.items())),
            deadline=time_of(request, "deadline"),
        )
        return api.StartWorkflowResponse(workflow=workflow_to_proto(workflow))

    async def WatchProgress(  # noqa: N802 - The name in the protos.
        self, request: api.WatchProgressRequest, context: Context
    ) -> AsyncIterator[api.WatchProgressResponse]:
        """Streams the journal."""
        last = request.after_sequence
        following = self._journal.follow(project_of(context), request.workflow_id, last, max(1, request.batch_size_max))
        try:
            async with aclosing(following) as batches:  # type: ignore[type-var]  # The port says iterator; it is a generator.
                async for batch in batches:
                    if not batch:
                        yield _bookmark(last)
                    for response in _responses(batch):
                        yield response
                    last = batch[-1].sequence if batch else last
        except StreamEnded:
            yield _bookmark(last)
            raise

    async def GetState(  # noqa: N802 - The name in the protos.
        self, request: api.GetStateRequest, context: Context
    ) -> api.GetStateResponse:
        """Reads a workflow's durable state."""
        project = project_of(context)
        if request.min_sequence:
            left = context.time_remaining()
            seconds = self._wait_seconds if left is None else min(self._wait_seconds, left)
            await self._journal.wait_for(project, request.workflow_id, request.min_sequence, seconds)
        state = await self._store.state(project, request.workflow_id, with_checkpoint=not request.omit_snapshot)
        response = _state_to_proto(state)
        if request.include_metrics:
            metrics = await metrics_of(state.workflow, self._store, self._clock.now())
            response.metrics.CopyFrom(metrics)
        return response

    async def ListWorkflows(  # noqa: N802 - The name in the protos.
        self, request: api.ListWorkflowsRequest, context: Context
    ) -> api.ListWorkflowsResponse:
        """Lists workflows, newest first."""
        project = project_of(context)
        where = Filter.of(project, request)
        size = request.page_size or PAGE_SIZE
        before = _workflow_cursor(where.cursor(request.page_token))
        rows = await self._store.list(project, _filter_of(request), size + 1, before)
        workflows, cursor = page(rows, size, workflow_to_proto, lambda row: f"{row.created_at}:{row.workflow_id}")
        return api.ListWorkflowsResponse(workflows=workflows, next_page_token=where.token(cursor) if cursor else "")

    async def Decide(  # noqa: N802 - The name in the protos.
        self, request: api.DecideRequest, context: Context
    ) -> api.DecideResponse:
        """Decides an interrupt."""
        project = project_of(context)
        asked = await self._workflows.interrupt(project, request.workflow_id, request.interrupt_id)
        packed = request.decision if request.HasField("decision") else None
        decision = self._decision(asked.decision_type or STRUCT, packed)
        request.decision.CopyFrom(any_of(decision))
        workflow, interrupt = await self._workflows.decide(
            project,
            request.workflow_id,
            request.interrupt_id,
            decision,
            request=request_of("Decide", request, self._clock.now()),
        )
        return api.DecideResponse(workflow=workflow_to_proto(workflow), interrupt=interrupt_to_proto(interrupt))

    async def CancelWorkflow(  # noqa: N802 - The name in the protos.
        self, request: api.CancelWorkflowRequest, context: Context
    ) -> api.CancelWorkflowResponse:
        """Cancels a workflow."""
        workflow = await self._workflows.cancel(
            project_of(context),
            request.workflow_id,
            request.cause,
            request=request_of("CancelWorkflow", request, self._clock.now()),
        )
        return api.CancelWorkflowResponse(workflow=workflow_to_proto(workflow))

    async def RetryWorkflow(  # noqa: N802 - The name in the protos.
        self, request: api.RetryWorkflowRequest, context: Context
    ) -> api.RetryWorkflowResponse:
        """Goes on from the last checkpoint of a failed workflow."""
        workflow = await self._workflows.retry(
            project_of(context),
            request.workflow_id,
            request=request_of("RetryWorkflow", request, self._clock.now()),
            deadline=time_of(request, "deadline"),
        )
        return api.RetryWorkflowResponse(workflow=workflow_to_proto(workflow))

    async def ForkWorkflow(  # noqa: N802 - The name in the protos.
        self, request: api.ForkWorkflowRequest, context: Context
    ) -> api.ForkWorkflowResponse:
        """Goes on from a chosen checkpoint, with edited values."""
        workflow = await self._workflows.fork(
            project_of(context),
            request.workflow_id,
            request.checkpoint_id,
            edit=self._edit_of(request),
            request=request_of("ForkWorkflow", request, self._clock.now()),
            deadline=time_of(request, "deadline"),
        )
        return api.ForkWorkflowResponse(workflow=workflow_to_proto(workflow))

    async def ListCheckpoints(  # noqa: N802 - The name in the protos.
        self, request: api.ListCheckpointsRequest, context: Context
    ) -> api.ListCheckpointsResponse:
        """Lists the checkpoints of the outermost graph, newest first."""
        project = project_of(context)
        where = Filter.of(project, request)
        size = request.page_size or PAGE_SIZE
        before = where.cursor(request.page_token)
        await self._store.get(project, request.workflow_id)
        rows = await self._store.checkpoints(project, request.workflow_id, "", size + 1, before)
        checkpoints, cursor = page(
            rows,
            size,
            lambda row: checkpoint_to_proto(row, with_snapshot=request.include_snapshots),
            lambda row: row.checkpoint.checkpoint_id,
        )
        return api.ListCheckpointsResponse(
            checkpoints=checkpoints, next_page_token=where.token(cursor) if cursor else ""
        )

    def _decision(self, decision_type: str, packed: AnyProto | None) -> Payload:
        """The decision, found right; none at all is null where any value will do."""
        if packed is None and decision_type in (STRUCT, VALUE):
            return NULL
        return self._contracts.check(decision_type, packed)

    def _edit_of(self, request: api.ForkWorkflowRequest) -> Edit | None:
        """The values that a fork writes."""
        if not request.HasField("values"):
            if request.as_step:
                raise _broken("as_step", "needs `values` to count as written by that node")
            return None
        packed = any_of(Payload(STRUCT, request.values.SerializeToString(deterministic=True)))
        return Edit(self._contracts.check(STRUCT, packed), request.as_step)


def _state_to_proto(state: WorkflowState) -> api.GetStateResponse:
    workflow = state.workflow
    open_ones = () if workflow.status.terminal else state.interrupts  # Nobody can decide those of an ended workflow.
    interrupts = [interrupt_to_proto(interrupt) for interrupt in open_ones]
    response = api.GetStateResponse(
        workflow=workflow_to_proto(workflow),
        pending_interrupts=[shown for shown in interrupts if shown.status == INTERRUPT_STATUS_PENDING],
        as_of_sequence=workflow.last_sequence,
    )
    if workflow.result is not None:
        response.result.CopyFrom(any_of(workflow.result))
    elif workflow.failure is not None:
        response.error.CopyFrom(failure_to_proto(workflow.failure))
    if state.checkpoint is not None:
        response.snapshot.CopyFrom(to_snapshot(state.checkpoint))
        response.checkpoint_id = state.checkpoint.checkpoint.checkpoint_id
    return response


def _responses(batch: Sequence[StoredEvent]) -> Iterator[api.WatchProgressResponse]:
    """Events as few responses: one alone as `event`, more as `batch`, none of them too large."""
    for piece in pieces(batch):
        events = [to_event(stored) for stored in piece]
        if len(events) == 1:
            yield api.WatchProgressResponse(event=events[0])
        else:
            yield api.WatchProgressResponse(batch=ProgressEventBatch(events=events))


def _bookmark(last_sequence: int) -> api.WatchProgressResponse:
    return api.WatchProgressResponse(bookmark=Bookmark(last_sequence=last_sequence))


def _filter_of(request: api.ListWorkflowsRequest) -> WorkflowFilter:
    return WorkflowFilter(
        workflow_types=tuple(request.workflow_types),
        statuses=tuple(Status(status) for status in request.statuses),
        session_id=request.session_id,
        labels=tuple(sorted(request.labels.items())),
        created_after=time_of(request, "created_after"),
        created_before=time_of(request, "created_before"),
    )


def _workflow_cursor(cursor: str) -> tuple[int, str] | None:
    if not cursor:
        return None
    created_at, _, workflow_id = cursor.partition(":")
    if not (created_at.isdecimal() and created_at.isascii() and len(created_at) <= 18 and workflow_id):  # noqa: PLR2004 - As many digits fit into 63 bits.
        raise InvalidPageToken
    return int(created_at), workflow_id


def _broken(field: str, description: str) -> InvalidRequest:
    return InvalidRequest(
        f"The request breaks a rule: {field} {description}.", violations=(Violation(field, description, field),)
    )
