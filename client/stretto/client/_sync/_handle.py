"""One workflow, as a caller holds it.

Written by tools/make_sync.py from `_async/_handle.py`; `make proto` writes it again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, Self, TypeVar, overload

from google.protobuf.message import Message

from stretto.client._backoff import Until
from stretto.client._follow import Cursor
from stretto.client._payloads import Payload, Plain
from stretto.client._requests import Moment, fork_request, new_request_id, retry_request
from stretto.client._sync._calls import Calls
from stretto.client._sync._catalog import Catalog
from stretto.client._sync._watch import OnBreak, WatchSync
from stretto.client.errors import (
    InvalidInput,
    JournalBroken,
    NotFound,
    UndecidedChoice,
    WorkflowCancelled,
    WorkflowFailed,
    WorkflowQuarantined,
    WorkflowTimedOut,
)
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Checkpoint, Interrupt, Workflow
from stretto.workflow.v1.workflow_service_pb2 import (
    CancelWorkflowRequest,
    DecideRequest,
    DecideResponse,
    GetStateRequest,
    GetStateResponse,
    ListCheckpointsRequest,
)

R = TypeVar("R")
M = TypeVar("M", bound=Message)

SEQUENCE_SECONDS_MAX = 10.0
"""How long the server waits for a sequence."""

CHECKPOINTS_WITH_SNAPSHOTS = 10
"""Checkpoints asked for at once when their snapshots come along: each may be large."""


class WorkflowHandleSync(Generic[R]):
    """One workflow. Making one costs nothing; whether the workflow exists is seen at the first call."""

    def __init__(
        self,
        calls: Calls,
        catalog: Catalog,
        workflow_id: str,
        *,
        result_type: type[Message] | None = None,
        workflow: Workflow | None = None,
    ) -> None:
        self.id = workflow_id
        self.workflow = workflow
        """The workflow as the last answer told of it; None before the first one."""
        self._calls = calls
        self._catalog = catalog
        self._result_type = result_type

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @overload
    def result(self, kind: type[M], *, timeout: float | None = None) -> M: ...
    @overload
    def result(self, kind: None = None, *, timeout: float | None = None) -> R: ...
    def result(self, kind: type[Message] | None = None, *, timeout: float | None = None) -> Any:
        """Wait for the end, through every break, and give the result.

        Args:
            kind: Message class of the result. Left out, it is the one that was given at the start, an imported
                generated class, or made from the catalog; plain values for a type without a contract.
            timeout: Seconds to wait at most; then TimedOut is raised, and the workflow goes on.

        Raises:
            WorkflowFailed: It ended with an error.
            WorkflowTimedOut: Its deadline passed; this is a WorkflowFailed too.
            WorkflowQuarantined: It was taken out of service; so is this.
            WorkflowCancelled: It was cancelled.
        """
        until = Until(timeout)
        known = self.workflow or (self.state(snapshot=False, timeout=until.left())).workflow
        # The terminal event is the last one: one that has happened already comes at once.
        cursor = Cursor(self.id, max(0, known.last_sequence - 1))
        with WatchSync(self._calls, cursor, until=until) as watch:
            for event in watch:
                if event.HasField("completed"):
                    wanted = kind or self._result_type
                    return self._catalog.decode(event.completed.result, wanted, known.workflow_type, until)
                _raise_outcome(event, watch.correlation_id)
        raise JournalBroken(f"{self.id}: the journal ended without a terminal event.")

    def watch(self, after: int = 0, *, on_break: OnBreak | None = None) -> WatchSync:
        """The events after a sequence, each once and in order, up to the terminal one, through every break.

        Args:
            after: Sequence of the last event that is known; 0 for all.
            on_break: Is called with the error and the seconds until the next try, whenever the connection broke.
        """
        return WatchSync(self._calls, Cursor(self.id, after), on_break)

    def state(
        self,
        *,
        min_sequence: int = 0,
        snapshot: bool = True,
        include_metrics: bool = False,
        timeout: float | None = None,
    ) -> GetStateResponse:
        """The durable state at one moment.

        Args:
            min_sequence: Wait until the journal has reached this sequence, for at most 10 seconds.
            snapshot: Whether to send the graph's channel values too.
            include_metrics: Whether to add where its time went, for which the server reads the whole journal.
            timeout: Seconds to wait for the answer; the client's own when left out, and those 10 seconds.
        """
        if min_sequence and timeout is None:
            timeout = self._calls.timeout + SEQUENCE_SECONDS_MAX
        request = GetStateRequest(
            workflow_id=self.id,
            min_sequence=min_sequence,
            omit_snapshot=not snapshot,
            include_metrics=include_metrics,
        )
        response = self._calls.unary(lambda stubs: stubs.workflows.GetState, request, timeout)
        self.workflow = response.workflow
        return response

    def decide(
        self,
        decision: Payload = None,
        *,
        interrupt_id: str | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Interrupt:
        """Answer an interrupt, exactly once; the same answer again is fine, another one is AlreadyDecided.

        Args:
            decision: A message of the decision type, or plain values.
            interrupt_id: Which one; left out, the only pending one.
            request_id: Makes the call repeatable also over restarts of the caller; made when left out.
            timeout: Seconds to wait for the answer, the questions' included; the client's own when left out.
        """
        kind, until = "", self._calls.until(timeout)
        if interrupt_id is None or not isinstance(decision, Message):
            state = self.state(snapshot=False, timeout=until.left())
            chosen = _chosen(self.id, list(state.pending_interrupts), interrupt_id)
            if chosen is not None:
                interrupt_id, kind = chosen.interrupt_id, chosen.decision_type
        workflow_type = "" if self.workflow is None else self.workflow.workflow_type
        request = DecideRequest(
            workflow_id=self.id,
            interrupt_id=interrupt_id or "",
            decision=self._catalog.packed(decision, kind, workflow_type, until),
            request_id=request_id or new_request_id(),
        )
        try:
            response = self._decide(request, until.left())
        except InvalidInput as refused:
            # The type of an interrupt that is not pending any more is known to the server only.
            request.decision.CopyFrom(self._catalog.repacked(decision, refused, workflow_type, until))
            response = self._decide(request, until.left())
        self.workflow = response.workflow
        return response.interrupt

    def _decide(self, request: DecideRequest, timeout: float | None) -> DecideResponse:
        return self._calls.unary(lambda stubs: stubs.workflows.Decide, request, timeout)

    def cancel(self, cause: str = "", *, request_id: str | None = None, timeout: float | None = None) -> Workflow:
        """Cancel it: once this returns, no step starts any more.

        Args:
            cause: Why, for the journal.
            request_id: Makes the call repeatable also over restarts of the caller; made when left out.
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        request = CancelWorkflowRequest(workflow_id=self.id, cause=cause, request_id=request_id or new_request_id())
        response = self._calls.unary(lambda stubs: stubs.workflows.CancelWorkflow, request, timeout)
        self.workflow = response.workflow
        return response.workflow

    def retry(self, *, request_id: str | None = None, deadline: Moment = None, timeout: float | None = None) -> Self:
        """A new workflow that goes on from the last checkpoint of this failed, timed out or quarantined one.

        Args:
            request_id: Makes the call repeatable also over restarts of the caller; made when left out.
            deadline: When the new one times out if it has not ended: a point in time, or how far it is from now.
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        request = retry_request(self.id, request_id, deadline)
        response = self._calls.unary(lambda stubs: stubs.workflows.RetryWorkflow, request, timeout)
        return self._sibling(response.workflow)

    def fork(
        self,
        *,
        checkpoint_id: str = "",
        values: Mapping[str, Plain] | None = None,
        as_step: str = "",
        request_id: str | None = None,
        deadline: Moment = None,
        timeout: float | None = None,
    ) -> Self:
        """A new workflow that goes on from a checkpoint of this one, which does not change.

        Args:
            checkpoint_id: Where to go on from; the newest one when left out.
            values: What to write into the state first, through the graph's reducers.
            as_step: Node that the values count as written by; left out, the graph finds out.
            request_id: Makes the call repeatable also over restarts of the caller; made when left out.
            deadline: When the new one times out if it has not ended: a point in time, or how far it is from now.
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        request = fork_request(
            self.id,
            checkpoint_id=checkpoint_id,
            values=values,
            as_step=as_step,
            request_id=request_id,
            deadline=deadline,
        )
        response = self._calls.unary(lambda stubs: stubs.workflows.ForkWorkflow, request, timeout)
        return self._sibling(response.workflow)

    def checkpoints(
        self, *, snapshots: bool = False, page_size: int = 0, timeout: float | None = None
    ) -> Iterator[Checkpoint]:
        """All checkpoints, newest first, page after page.

        Args:
            snapshots: Whether to send the channel values of each too.
            page_size: How many to ask for at once.
            timeout: Seconds to wait for each page; the client's own when left out.
        """
        size = page_size or (CHECKPOINTS_WITH_SNAPSHOTS if snapshots else 0)
        request = ListCheckpointsRequest(workflow_id=self.id, include_snapshots=snapshots, page_size=size)
        while True:
            page = self._calls.unary(lambda stubs: stubs.workflows.ListCheckpoints, request, timeout)
            for checkpoint in page.checkpoints:
                yield checkpoint
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _sibling(self, workflow: Workflow) -> Self:
        return type(self)(
            self._calls, self._catalog, workflow.workflow_id, result_type=self._result_type, workflow=workflow
        )


def _raise_outcome(event: ProgressEvent, correlation_id: str) -> None:
    """Raise the error that a terminal event tells of."""
    about = {"workflow_id": event.workflow_id, "correlation_id": correlation_id}
    match event.WhichOneof("kind"):
        case "failed":
            raise WorkflowFailed(event.failed.error, **about)
        case "timed_out":
            raise WorkflowTimedOut(event.timed_out.error, **about)
        case "quarantined":
            raise WorkflowQuarantined(event.quarantined.error, **about)
        case "cancelled":
            raise WorkflowCancelled(event.cancelled.cause, **about)
        case _:
            return


def _chosen(workflow_id: str, pending: list[Interrupt], interrupt_id: str | None) -> Interrupt | None:
    """The interrupt of an id, None when it is not pending any more; without an id the only pending one."""
    if interrupt_id is not None:
        return next((interrupt for interrupt in pending if interrupt.interrupt_id == interrupt_id), None)
    if not pending:
        raise NotFound(f"{workflow_id} asks nothing now.", reason="INTERRUPT_NOT_FOUND")
    if len(pending) > 1:
        ids = ", ".join(interrupt.interrupt_id for interrupt in pending)
        raise UndecidedChoice(f"{workflow_id} asks {len(pending)} questions; say which: {ids}.", interrupts=pending)
    return pending[0]
