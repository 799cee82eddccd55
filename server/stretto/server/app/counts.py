"""What happens, counted for Prometheus as the store publishes it. Turns of conversations are counted apart."""

from collections.abc import Iterable, Sequence

from google.protobuf.duration_pb2 import Duration
from prometheus_client import CollectorRegistry, Counter, Histogram

from stretto.server.domain.change import Publication
from stretto.server.domain.clock import SECOND, Micros
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import TURN, EntryKind, SessionPublication
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.domain.workflow_type import WorkflowType
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

OTHER = "other"
"""Label of types that this server does not have, and of steps that their types do not name: there may be any number
of those, and each value of a label is a series that is kept for ever."""

STEP_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800)
QUEUE_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1_800)
RUN_BUCKETS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200)
WAIT_BUCKETS = (1, 10, 60, 300, 1_800, 3_600, 14_400, 86_400, 604_800)
REPLY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

ENDS = tuple(status.name for status in Status if status.terminal)


class Counts:
    """Counters and histograms, fed with what commits made public. Bodies of events are parsed here and nowhere else."""

    def __init__(self, registry: CollectorRegistry, types: Iterable[WorkflowType]) -> None:
        self._steps = {info.name: frozenset(step.step for step in info.steps) for info in types}
        of_type, of_step = ("workflow_type",), ("workflow_type", "step")
        self._started = Counter(
            "stretto_workflows_started", "Workflows that were accepted.", of_type, registry=registry
        )
        self._ended = Counter(
            "stretto_workflows_ended", "Workflows that have ended.", (*of_type, "status"), registry=registry
        )
        self._times = {
            name: Histogram(f"stretto_workflow_{name}_seconds", text, of_type, registry=registry, buckets=buckets)
            for name, text, buckets in (
                ("queue", "Time that ended workflows waited for an executor.", QUEUE_BUCKETS),
                ("run", "Time that executors owned ended workflows.", RUN_BUCKETS),
                ("wait", "Time that ended workflows waited for decisions.", WAIT_BUCKETS),
            )
        }
        self._step = Histogram(
            "stretto_step_seconds",
            "Time of attempts of steps that finished, or failed for good.",
            of_step,
            registry=registry,
            buckets=STEP_BUCKETS,
        )
        self._retries = Counter(
            "stretto_step_retries", "Attempts of steps that failed and were tried again.", of_step, registry=registry
        )
        self._failures = Counter("stretto_step_failures", "Steps that failed for good.", of_step, registry=registry)
        self._events = Counter("stretto_events", "Events of workflows that were committed.", registry=registry)
        self._messages = Counter(
            "stretto_messages", "Messages of users and replies to them, and notices.", ("kind",), registry=registry
        )
        self._reply = Histogram(
            "stretto_reply_seconds",
            "Time from a message of a user to the reply.",
            registry=registry,
            buckets=REPLY_BUCKETS,
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what has not happened yet: a rate over a series that is not there finds nothing."""
        for name in self._steps:
            self._started.labels(name)
            for status in ENDS:
                self._ended.labels(name, status)
        for kind in ("user", "assistant", "notice"):
            self._messages.labels(kind)

    def on_publications(self, publications: Sequence[Publication]) -> None:
        """Count what workflows and turns did."""
        for publication in publications:
            if not publication.events:
                continue
            if publication.workflow.workflow_type == TURN:
                self._count_turn(publication)
            else:
                self._count_workflow(publication)

    def on_session_publications(self, publications: Sequence[SessionPublication]) -> None:
        """Count what users were told without having asked."""
        notices = [entry for each in publications for entry in each.events if entry.kind is EntryKind.NOTICE]
        self._messages.labels("notice").inc(len(notices))

    def _count_turn(self, publication: Publication) -> None:
        workflow = publication.workflow
        if _begins(publication):
            self._messages.labels("user").inc()
        if workflow.status.terminal:
            self._messages.labels("assistant").inc()
            self._reply.observe(_seconds(workflow.ended_at - workflow.created_at))

    def _count_workflow(self, publication: Publication) -> None:
        workflow = publication.workflow
        label = workflow.workflow_type if workflow.workflow_type in self._steps else OTHER
        self._events.inc(len(publication.events))
        if _begins(publication):
            self._started.labels(label).inc()
        for stored in publication.events:
            self._count_event(label, stored)
        if workflow.status.terminal:  # The terminal event is the last one, so this change has ended it.
            self._count_end(label, workflow)

    def _count_end(self, label: str, workflow: Workflow) -> None:
        self._ended.labels(label, workflow.status.name).inc()
        spans = {"queue": workflow.queued_for, "run": workflow.ran_for, "wait": workflow.waited_for}
        for name, span in spans.items():
            self._times[name].labels(label).observe(_seconds(span))

    def _count_event(self, label: str, stored: StoredEvent) -> None:
        event = ProgressEvent.FromString(stored.body)
        match event.WhichOneof("kind"):
            case "step_completed":
                self._took(label, event.step, event.step_completed.duration)
            case "step_failed":
                self._took(label, event.step, event.step_failed.duration)
                self._failures.labels(label, self._step_label(label, event.step)).inc()
            case "step_retrying":
                self._retries.labels(label, self._step_label(label, event.step)).inc()

    def _took(self, label: str, step: str, span: Duration) -> None:
        self._step.labels(label, self._step_label(label, step)).observe(span.seconds + span.nanos / 1e9)

    def _step_label(self, label: str, step: str) -> str:
        return step if step in self._steps.get(label, ()) else OTHER


def _begins(publication: Publication) -> bool:
    """Whether it tells of the acceptance, which is always the first event."""
    return publication.events[0].sequence == 1


def _seconds(span: Micros) -> float:
    return span / SECOND
