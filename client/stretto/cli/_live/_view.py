"""Folds the journal of one workflow into what a person wants to see of it. Nothing here draws."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from stretto.cli._live._branch import after
from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._under_way import UnderWay
from stretto.fanout.v1.fanout_pb2 import BranchProgress
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Interrupt, Origin, Workflow, WorkflowError, WorkflowStatus
from stretto.workflow.v1.workflow_service_pb2 import GetStateResponse

if TYPE_CHECKING:
    from google.protobuf import any_pb2

TEXT_CHARACTERS_MAX: Final = 2_000
"""Characters kept of what a step's language model streamed: more than a screen shows of one step."""

CLOSED_STEPS_MAX: Final = 200
"""Steps kept of those that are over: more than a screen has lines. Of older ones only their number is known."""

_TERMINAL: Final = {
    "completed": WorkflowStatus.WORKFLOW_STATUS_SUCCEEDED,
    "failed": WorkflowStatus.WORKFLOW_STATUS_FAILED,
    "cancelled": WorkflowStatus.WORKFLOW_STATUS_CANCELLED,
    "quarantined": WorkflowStatus.WORKFLOW_STATUS_QUARANTINED,
    "timed_out": WorkflowStatus.WORKFLOW_STATUS_TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Break:
    """A connection that was lost, and when it is tried again by the monotonic clock."""

    why: str
    again_at: float


class WorkflowView:
    """One workflow as its events tell it, in any number of them and in bounded memory."""

    def __init__(self, workflow_id: str) -> None:
        self.workflow_id = workflow_id
        self.workflow_type = ""
        self.type_version = ""
        self.origin: Origin | None = None
        self.status: int = WorkflowStatus.WORKFLOW_STATUS_UNSPECIFIED
        self.sequence = 0
        self.fraction = 0.0
        """What was told last, by a step that is still under way; so is the headline."""
        self.headline = ""
        self.created_at = 0.0
        self.ended_at = 0.0
        self.cancel_requested = False
        self.questions: dict[str, Interrupt] = {}
        """The interrupts that wait for a decision, by id."""
        self.closed_steps: deque[StepView] = deque(maxlen=CLOSED_STEPS_MAX)
        """The newest ones that are over, in the order in which they ended."""
        self.closed_count = 0
        self.finished: Counter[str] = Counter()
        """How many executions of each node finished, by path."""
        self.last: dict[str, StepStatus] = {}
        """What the execution that was heard of last did, by path."""
        self.result: any_pb2.Any | None = None
        self.error: WorkflowError | None = None
        self.cause = ""
        self.broken: Break | None = None
        """Set by whoever watches, while no connection is there."""
        self.branch_told: BranchProgress | None = None
        """What the newest event says of a branch."""
        self.sources: set[str] = set()
        """Paths of the nodes whose executions are branches of a fan-out."""
        self._messages: dict[str, str] = {}
        self._under_way = UnderWay()
        self._told_by = ""

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come."""
        return self.status in _TERMINAL.values()

    @property
    def open_steps(self) -> Mapping[str, StepView]:
        """The steps that are under way, by id, in the order in which they began."""
        return self._under_way.steps

    def unasked(self, step: StepView) -> bool:
        """Whether a step is a branch that waits, or waited, for its turn: what it is about, it tells only then."""
        idle = step.status in {StepStatus.RUNNING, StepStatus.STOPPED}
        return idle and step.branch is None and step.path in self.sources

    def seed(self, workflow: Workflow, after: int) -> None:
        """Take over what events after a sequence do not tell again."""
        self.workflow_type = workflow.workflow_type
        self.type_version = workflow.type_version
        self.created_at = _seconds(workflow.created_at)
        self.sequence = after
        if not self.ended and after:
            self.status = WorkflowStatus.WORKFLOW_STATUS_RUNNING

    def take_over(self, steps: Iterable[StepView]) -> None:
        """Go on with steps that are under way already."""
        for step in steps:
            self._put(step)

    def conclude(self, state: GetStateResponse) -> None:
        """Take over the end of a workflow whose terminal event lies before the first one that was asked for."""
        if state.workflow.status not in _TERMINAL.values():
            return
        self.status = state.workflow.status
        self.ended_at = _seconds(state.workflow.ended_at)
        self.result = state.result if state.HasField("result") else None
        self.error = state.error if state.HasField("error") else None

    def apply(self, event: ProgressEvent, branch: BranchProgress | None = None) -> None:
        """Take in the next event, with what its detail says of a branch."""
        self.sequence = event.sequence
        self.branch_told = branch
        kind = event.WhichOneof("kind") or ""
        if kind in _TERMINAL:
            self._end(event, kind)
        elif (take := _HANDLERS.get(kind)) is not None:
            take(self, event)

    def _accepted(self, event: ProgressEvent) -> None:
        accepted = event.accepted
        self.workflow_type, self.type_version = accepted.workflow_type, accepted.type_version
        self.origin = accepted.origin if accepted.HasField("origin") else None
        self.status = WorkflowStatus.WORKFLOW_STATUS_QUEUED
        self.created_at = _seconds(event.occurred_at)

    def _started(self, _: ProgressEvent) -> None:
        self.status = WorkflowStatus.WORKFLOW_STATUS_RUNNING

    def _step_started(self, event: ProgressEvent) -> None:
        self.status = WorkflowStatus.WORKFLOW_STATUS_RUNNING
        step = self._step(event)
        self._put(
            replace(
                step,
                attempt=event.attempt,
                status=StepStatus.RUNNING,
                started_at=_seconds(event.occurred_at),
                fraction=None,
                message="",
                text="",
                next_attempt_at=0.0,
                branch=step.branch and step.branch.again(retried=step.status is StepStatus.RETRYING),
            )
        )

    def _step_progress(self, event: ProgressEvent) -> None:
        told, step = event.step_progress, self._step(event)
        if told.HasField("fraction"):
            self.fraction, self._told_by = told.fraction, step.step_id
            step = replace(step, fraction=told.fraction)
        if told.message:
            self.headline, self._told_by = told.message, step.step_id
            step = replace(step, message=told.message)
        if self.branch_told is not None:
            self.sources.add(step.path)
            step = replace(step, branch=after(step.branch, self.branch_told, _seconds(event.occurred_at)))
        self._put(step)

    def _step_retrying(self, event: ProgressEvent) -> None:
        told = event.step_retrying
        self._put(
            replace(
                self._step(event),
                status=StepStatus.RETRYING,
                error=told.error,
                next_attempt_at=_seconds(told.next_attempt_at),
            )
        )

    def _step_completed(self, event: ProgressEvent) -> None:
        self.finished[event.step] += 1
        self._close(event, event.step_completed.duration, StepStatus.FINISHED, None)

    def _step_failed(self, event: ProgressEvent) -> None:
        self._close(event, event.step_failed.duration, StepStatus.FAILED, event.step_failed.error)

    def _token_delta(self, event: ProgressEvent) -> None:
        delta, step = event.token_delta, self._step(event)
        text = step.text
        if text and self._messages.get(step.step_id) != delta.message_id:
            text += "\n"
        self._messages[step.step_id] = delta.message_id
        self._put(replace(step, text=(text + delta.text)[-TEXT_CHARACTERS_MAX:]))

    def _interrupt_raised(self, event: ProgressEvent) -> None:
        interrupt = event.interrupt_raised.interrupt
        self.questions[interrupt.interrupt_id] = interrupt
        if step := self.open_steps.get(interrupt.step_id):
            self._put(replace(step, status=StepStatus.WAITING))
        self._settle()

    def _interrupt_decided(self, event: ProgressEvent) -> None:
        interrupt = event.interrupt_decided.interrupt
        self.questions.pop(interrupt.interrupt_id, None)
        self._settle()

    def _settle(self) -> None:
        """A workflow waits once it has a question and no step that runs."""
        busy = any(step.status is not StepStatus.WAITING for step in self._under_way.leaves())
        waits = bool(self.questions) and not busy
        self.status = WorkflowStatus.WORKFLOW_STATUS_WAITING if waits else WorkflowStatus.WORKFLOW_STATUS_RUNNING

    def _cancel_requested(self, event: ProgressEvent) -> None:
        self.cancel_requested = True
        self.cause = event.cancel_requested.cause

    def _end(self, event: ProgressEvent, kind: str) -> None:
        self.status = _TERMINAL[kind]
        self.ended_at = _seconds(event.occurred_at)
        self.questions.clear()
        for step in self.open_steps.values():
            self._count(replace(step, status=StepStatus.STOPPED, ended_at=self.ended_at))
        self._under_way.clear()
        self._messages.clear()
        match kind:
            case "completed":
                self.result = event.completed.result
            case "failed":
                self.error = event.failed.error
            case "quarantined":
                self.error = event.quarantined.error
            case "timed_out":
                self.error = event.timed_out.error
            case _:
                self.cause = event.cancelled.cause or self.cause

    def _step(self, event: ProgressEvent) -> StepView:
        """The step of an event; made up when its start lies before the first event that was seen."""
        return self.open_steps.get(event.step_id) or StepView(
            event.step_id,
            event.step,
            event.attempt,
            parent=self._under_way.around(event.step),
            order=event.sequence,
            started_at=_seconds(event.occurred_at),
        )

    def _put(self, step: StepView) -> None:
        self._under_way.put(step)
        self.last[step.path] = step.status

    def _close(self, event: ProgressEvent, took: Duration, status: StepStatus, error: WorkflowError | None) -> None:
        step, ended_at = self._step(event), _seconds(event.occurred_at)
        self._under_way.pop(event.step_id)
        self._messages.pop(event.step_id, None)
        if self._told_by == event.step_id:
            # The share that a branch tells is that of all that is done, which it is when the branch is over too.
            self.fraction, self.headline = self.fraction if step.branch else 0.0, ""
        started_at = ended_at - took.ToTimedelta().total_seconds()
        # Those that were given up with the step around them have no outcome of their own.
        for inner in self._under_way.pop_inside(step):
            self._count(replace(inner, status=StepStatus.STOPPED, ended_at=ended_at))
        self._count(
            replace(
                step,
                status=status,
                error=error,
                attempt=event.attempt,
                started_at=started_at,
                ended_at=ended_at,
                next_attempt_at=0.0,
            )
        )

    def _count(self, step: StepView) -> None:
        self.closed_steps.append(step)
        self.closed_count += 1
        self.last[step.path] = step.status


_HANDLERS: Final[dict[str, Callable[[WorkflowView, ProgressEvent], None]]] = {
    "accepted": WorkflowView._accepted,  # noqa: SLF001 - The class's own table.
    "started": WorkflowView._started,  # noqa: SLF001
    "step_started": WorkflowView._step_started,  # noqa: SLF001
    "step_progress": WorkflowView._step_progress,  # noqa: SLF001
    "step_retrying": WorkflowView._step_retrying,  # noqa: SLF001
    "step_completed": WorkflowView._step_completed,  # noqa: SLF001
    "step_failed": WorkflowView._step_failed,  # noqa: SLF001
    "token_delta": WorkflowView._token_delta,  # noqa: SLF001
    "interrupt_raised": WorkflowView._interrupt_raised,  # noqa: SLF001
    "interrupt_decided": WorkflowView._interrupt_decided,  # noqa: SLF001
    "cancel_requested": WorkflowView._cancel_requested,  # noqa: SLF001
}


def _seconds(moment: Timestamp) -> float:
    return moment.seconds + moment.nanos / 1e9


__all__ = ["CLOSED_STEPS_MAX", "TEXT_CHARACTERS_MAX", "Break", "WorkflowView"]
