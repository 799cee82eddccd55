"""Where a workflow's time went and how much happened in it: its row and its journal as WorkflowMetrics."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from stretto.server.domain.clock import SECOND, Micros
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.workflow import Status, Workflow, time_in
from stretto.server.rpc._convert import duration
from stretto.server.store.port import Store
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import StepMetrics, WorkflowMetrics

__all__ = ["metrics_of"]

PAGE = 500
"""Events read at once: other calls have their turn in between."""


@dataclass(slots=True)
class _Counts:
    """What became of the executions of one node so far."""

    started: int = 0
    completed: int = 0
    retries: int = 0
    failed: int = 0
    total: Micros = 0
    longest: Micros = 0

    def took(self, span: Duration) -> None:
        micros = span.seconds * SECOND + span.nanos // 1_000
        self.total += micros
        self.longest = max(self.longest, micros)


async def metrics_of(workflow: Workflow, store: Store, now: Micros) -> WorkflowMetrics:
    """The metrics of a workflow as its row tells it: what was committed since then is not in them."""
    steps: dict[str, _Counts] = {}
    async for page in _pages(workflow, store):
        for stored in page:
            _count(steps, ProgressEvent.FromString(stored.body))
    return WorkflowMetrics(
        queued_for=duration(time_in(workflow, Status.QUEUED, now)),
        ran_for=duration(time_in(workflow, Status.RUNNING, now)),
        waited_for=duration(time_in(workflow, Status.WAITING, now)),
        retry_count=sum(counts.retries for counts in steps.values()),
        event_count=workflow.last_sequence,
        steps=[_step_to_proto(path, counts) for path, counts in steps.items()],
    )


async def _pages(workflow: Workflow, store: Store) -> AsyncIterator[tuple[StoredEvent, ...]]:
    """The journal up to the row's last sequence."""
    after = 0
    while after < workflow.last_sequence:
        limit = min(PAGE, workflow.last_sequence - after)
        page = await store.events(workflow.project, workflow.workflow_id, after, limit)
        if not page:  # Its session was deleted meanwhile, and its journal with it.
            return
        yield page
        after = page[-1].sequence


def _count(steps: dict[str, _Counts], event: ProgressEvent) -> None:
    match event.WhichOneof("kind"):
        case "step_started":
            steps.setdefault(event.step, _Counts()).started += 1
        case "step_retrying":
            steps.setdefault(event.step, _Counts()).retries += 1
        case "step_completed":
            counts = steps.setdefault(event.step, _Counts())
            counts.completed += 1
            counts.took(event.step_completed.duration)
        case "step_failed":
            counts = steps.setdefault(event.step, _Counts())
            counts.failed += 1
            counts.took(event.step_failed.duration)


def _step_to_proto(path: str, counts: _Counts) -> StepMetrics:
    return StepMetrics(
        step=path,
        started_count=counts.started,
        completed_count=counts.completed,
        retry_count=counts.retries,
        failed_count=counts.failed,
        total=duration(counts.total),
        longest=duration(counts.longest),
    )
