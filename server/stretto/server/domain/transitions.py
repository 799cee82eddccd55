"""How a workflow changes: pure functions from an old row to changes. Every rule about statuses stands here, once."""

from dataclasses import replace
from typing import Any

from stretto.server.domain.change import (
    Change,
    CheckpointCopy,
    RunCancelled,
    RunCommit,
    RunEnd,
    RunFailed,
    RunPaused,
    RunReleased,
    RunSucceeded,
)
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import (
    AlreadyDecided,
    CancelAccepted,
    InterruptNotFound,
    NotRetryable,
    StaleEpoch,
    WorkflowEnded,
)
from stretto.server.domain.event import (
    Accepted,
    Cancelled,
    CancelRequested,
    Completed,
    Event,
    Failed,
    InterruptDecided,
    Quarantined,
    Started,
    TimedOut,
)
from stretto.server.domain.payload import Payload
from stretto.server.domain.workflow import (
    TIMES,
    Failure,
    Interrupt,
    InterruptStatus,
    Reason,
    Status,
    Workflow,
    evolve,
    since,
)

RETRYABLE = frozenset({Status.FAILED, Status.TIMED_OUT, Status.QUARANTINED})
"""How a workflow must have ended for another one to go on from its last checkpoint."""


def accept(workflow: Workflow) -> Change:
    """A new workflow with its first event."""
    accepted = Accepted(workflow.workflow_type, workflow.type_version, workflow.origin)
    return Change(workflow=workflow, created=True, events=(Event(workflow.created_at, accepted),))


def _enter(workflow: Workflow, status: Status, at: Micros, **changes: Any) -> Workflow:
    """The workflow in a status, with some fields changed; a new one ends the time in the old one, which is counted.

    A clock that was set back counts nothing: no time is negative.
    """
    if status is workflow.status:
        return evolve(workflow, **changes)
    if status is not Status.RUNNING:
        changes["owner"] = ""
    began = since(workflow)
    left = max(at, began)
    counter = TIMES[workflow.status]
    counted = {counter: getattr(workflow, counter) + left - began}
    return evolve(workflow, status=status, status_since=left, **counted, **changes)


def claim(workflow: Workflow, at: Micros, owner: str = "") -> tuple[Change, ...]:
    """Give a queued workflow to an executor, under the next epoch. Nothing when it is not queued any more."""
    if workflow.status is not Status.QUEUED:
        return ()
    claimed = _enter(workflow, Status.RUNNING, at, epoch=workflow.epoch + 1, owner=owner, updated_at=at)
    if workflow.started_at:
        return (Change(workflow=claimed),)
    started = Event(at, Started(queued_for=max(0, at - workflow.created_at)))
    return (Change(workflow=evolve(claimed, started_at=at), events=(started,)),)


def commit_run(
    workflow: Workflow, interrupts: tuple[Interrupt, ...], commit: RunCommit, owner: str = ""
) -> tuple[Change, ...]:
    """Record what the owning executor has to say. Raises StaleEpoch, or CancelAccepted when steps may not start."""
    claimed = claim(workflow, commit.at, owner) if commit.claims and workflow.epoch + 1 == commit.epoch else ()
    workflow = claimed[0].workflow if claimed else workflow
    # Two members may have been handed the same workflow: they run it under the same epoch until one has claimed it.
    if workflow.epoch != commit.epoch or workflow.status is not Status.RUNNING or workflow.owner != owner:
        raise StaleEpoch
    if workflow.cancel_requested_at and commit.starts:
        raise CancelAccepted
    known = {interrupt.interrupt_id: interrupt for interrupt in interrupts}
    touched = {interrupt.interrupt_id: interrupt for interrupt in commit.raised if interrupt.interrupt_id not in known}
    for interrupt_id in commit.applied:
        if known[interrupt_id].status is InterruptStatus.DECIDED:
            touched[interrupt_id] = replace(known[interrupt_id], status=InterruptStatus.APPLIED)
    now = known | touched
    pending = sum(interrupt.status is InterruptStatus.PENDING for interrupt in now.values())
    running = evolve(
        workflow,
        updated_at=commit.at,
        steps=commit.steps,
        fraction=workflow.fraction if commit.fraction is None else commit.fraction,
        headline=workflow.headline if commit.headline is None else commit.headline,
        trouble=commit.trouble or workflow.trouble,
        crashes=0 if commit.progressed else workflow.crashes,
        has_checkpoints=workflow.has_checkpoints or bool(commit.saved.checkpoints),
        has_interrupts=bool(now),
        interrupts_pending=pending,
    )
    events = (*claimed[0].events, *commit.events) if claimed else commit.events
    change = Change(workflow=running, events=events, interrupts=tuple(touched.values()), saved=commit.saved)
    if commit.end is None:
        return (change,)
    decided = any(interrupt.status is InterruptStatus.DECIDED for interrupt in now.values())
    return (_end_run(change, commit.end, commit.at, decided=decided),)


def _end_run(change: Change, end: RunEnd, at: Micros, *, decided: bool) -> Change:
    """Close a run: a terminal status, or a wait for decisions, or back into the queue."""
    workflow = change.workflow
    if isinstance(end, RunSucceeded):
        done = evolve(workflow, result=end.result, fraction=1.0, trouble=None)
        return _terminate(change, done, Status.SUCCEEDED, Event(at, Completed(end.result)))
    if isinstance(end, RunCancelled) or (workflow.cancel_requested_at and not isinstance(end, RunFailed)):
        return _terminate(change, workflow, Status.CANCELLED, Event(at, Cancelled(workflow.cancel_cause)))
    if isinstance(end, RunFailed):
        return _terminate(change, evolve(workflow, failure=end.failure), Status.FAILED, Event(at, Failed(end.failure)))
    if isinstance(end, RunPaused) and workflow.interrupts_pending and not decided:
        return replace(change, workflow=_enter(workflow, Status.WAITING, at))
    assert isinstance(end, RunPaused | RunReleased)
    return replace(change, workflow=_enter(workflow, Status.QUEUED, at))


def _terminate(change: Change, workflow: Workflow, status: Status, event: Event) -> Change:
    """End a workflow: the terminal event comes last, the epoch moves on so that nobody owns it."""
    ended = _enter(
        workflow,
        status,
        event.occurred_at,
        epoch=workflow.epoch + 1,
        steps=(),
        interrupts_pending=0,
        updated_at=event.occurred_at,
        ended_at=event.occurred_at,
    )
    return replace(change, workflow=ended, events=(*change.events, event))


def decide(
    workflow: Workflow, interrupts: tuple[Interrupt, ...], interrupt_id: str, decision: Payload, at: Micros
) -> tuple[Change, ...]:
    """Decide an interrupt: the first decision wins, the same one again changes nothing, another one is refused."""
    interrupt = next((known for known in interrupts if known.interrupt_id == interrupt_id), None)
    if interrupt is None:
        raise InterruptNotFound(interrupt_id=interrupt_id)
    if interrupt.decision == decision:
        return ()
    if interrupt.decision is not None:
        raise AlreadyDecided(interrupt_id=interrupt_id, decided_at=str(interrupt.decided_at))
    if workflow.status.terminal:
        raise _ended(workflow)
    if workflow.cancel_requested_at:
        raise WorkflowEnded("The workflow is being cancelled.", status=workflow.status.name)
    decided = replace(interrupt, status=InterruptStatus.DECIDED, decision=decision, decided_at=at)
    status = Status.QUEUED if workflow.status is Status.WAITING else workflow.status
    changed = _enter(workflow, status, at, updated_at=at, interrupts_pending=workflow.interrupts_pending - 1)
    event = Event(at, InterruptDecided(decided), step=decided.step, step_id=decided.step_id)
    return (Change(workflow=changed, events=(event,), interrupts=(decided,)),)


def cancel(workflow: Workflow, cause: str, at: Micros) -> tuple[Change, ...]:
    """Ask for the end of a workflow; one that no executor owns ends at once."""
    if workflow.status is Status.CANCELLED or (workflow.cancel_requested_at and not workflow.status.terminal):
        return ()
    if workflow.status.terminal:
        raise _ended(workflow)
    asked = evolve(workflow, cancel_requested_at=at, cancel_cause=cause, updated_at=at)
    change = Change(workflow=asked, events=(Event(at, CancelRequested(cause)),))
    if workflow.status is Status.RUNNING:
        return (change,)
    return (_terminate(change, asked, Status.CANCELLED, Event(at, Cancelled(cause))),)


def abandon(workflow: Workflow, epoch: int, at: Micros, owner: str = "") -> tuple[Change, ...]:
    """End a cancelled workflow whose executor has not stopped in time; it is fenced off by the next epoch."""
    if workflow.status is not Status.RUNNING or (workflow.epoch, workflow.owner) != (epoch, owner):
        return ()
    event = Event(at, Cancelled(workflow.cancel_cause))
    return (_terminate(Change(workflow=workflow), workflow, Status.CANCELLED, event),)


def expire(workflow: Workflow, at: Micros) -> tuple[Change, ...]:
    """End a workflow whose deadline has passed, whoever owns it."""
    if workflow.status.terminal or not workflow.deadline or at < workflow.deadline:
        return ()
    failure = Failure(Reason.DEADLINE_EXCEEDED, f"The deadline passed while {_doing(workflow)}.")
    late = evolve(workflow, failure=failure)
    return (_terminate(Change(workflow=late), late, Status.TIMED_OUT, Event(at, TimedOut(failure))),)


def _doing(workflow: Workflow) -> str:
    """What a workflow that has not ended is about, in words."""
    if workflow.status is Status.QUEUED:
        return "the workflow waited for an executor"
    if workflow.status is Status.WAITING:
        return "the workflow waited for a decision"
    return f"these steps were running: {_names_of_steps(workflow)}"


def _names_of_steps(workflow: Workflow) -> str:
    return ", ".join(sorted({step.step for step in workflow.steps})) or "none"


def recover(
    workflow: Workflow, at: Micros, *, crashes_max: int, epoch: int | None = None, owner: str | None = None
) -> tuple[Change, ...]:
    """Queue a workflow again whose executor died; quarantine it when that happened too often without progress.

    With the epoch under which it was assigned, only that run counts, also when it had not claimed the workflow yet:
    the input alone may have been the poison. With the owner too, only a run of its own: another member may have been
    handed the workflow under the same epoch, and have claimed it first.
    """
    claimed = workflow.status is Status.RUNNING and epoch in (None, workflow.epoch) and owner in (None, workflow.owner)
    unclaimed = workflow.status is Status.QUEUED and workflow.epoch + 1 == epoch
    if not claimed and not unclaimed:
        return ()
    crashed = evolve(workflow, crashes=workflow.crashes + 1, epoch=workflow.epoch + 1, updated_at=at)
    if workflow.cancel_requested_at:
        event = Event(at, Cancelled(workflow.cancel_cause))
        return (_terminate(Change(workflow=crashed), crashed, Status.CANCELLED, event),)
    if crashed.crashes < crashes_max:
        return (Change(workflow=_enter(crashed, Status.QUEUED, at)),)
    steps = _names_of_steps(workflow)
    failure = Failure(
        Reason.POISONED,
        f"Executors died {crashed.crashes} times in a row while they ran this workflow; steps running then: {steps}.",
    )
    poisoned = evolve(crashed, failure=failure)
    return (_terminate(Change(workflow=poisoned), poisoned, Status.QUARANTINED, Event(at, Quarantined(failure))),)


def release(workflow: Workflow, epoch: int, at: Micros, owner: str = "") -> tuple[Change, ...]:
    """Queue a workflow again whose executor was stopped on purpose."""
    if workflow.status is not Status.RUNNING or (workflow.epoch, workflow.owner) != (epoch, owner):
        return ()
    freed = evolve(workflow, epoch=workflow.epoch + 1, updated_at=at)
    if not workflow.cancel_requested_at:
        return (Change(workflow=_enter(freed, Status.QUEUED, at)),)
    event = Event(at, Cancelled(workflow.cancel_cause))
    return (_terminate(Change(workflow=freed), freed, Status.CANCELLED, event),)


def retry(source: Workflow, made: Workflow, copied: CheckpointCopy | None) -> tuple[Change, ...]:
    """Make a workflow that goes on where a failed one stopped; the failed one only learns its name."""
    if source.status not in RETRYABLE:
        raise NotRetryable(status=source.status.name)
    return (
        replace(accept(made), copied=copied),
        Change(workflow=evolve(source, retried_as=made.workflow_id)),
    )


def fork(made: Workflow, copied: CheckpointCopy | None) -> tuple[Change, ...]:
    """Make a workflow that goes on from a checkpoint of another one, which does not change."""
    return (replace(accept(made), copied=copied),)


def _ended(workflow: Workflow) -> WorkflowEnded:
    return WorkflowEnded(f"The workflow has ended: {workflow.status.name}.", status=workflow.status.name)
