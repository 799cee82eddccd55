"""What a journal says of a workflow, worked out of its events and nothing else: what readings are held against."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from stretto.session.v1.session_pb2 import WorkflowContext
from stretto.workflow.v1 import workflow_pb2
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

LIVE = (workflow_pb2.WORKFLOW_STATUS_QUEUED, workflow_pb2.WORKFLOW_STATUS_RUNNING, workflow_pb2.WORKFLOW_STATUS_WAITING)


@dataclass(frozen=True)
class Told:
    """A workflow after some event of its journal."""

    sequence: int = 0
    fraction: float = 0.0
    headline: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    asked: frozenset[str] = frozenset()
    ended: bool = False

    @property
    def phases(self) -> set[str]:
        return {step for _, step in self.steps}


def after_each(journal: Iterable[ProgressEvent]) -> list[Told]:
    """What was told after each event: number k stands at index k."""
    told = [Told()]
    for event in journal:
        assert event.sequence == len(told), "the journal has a gap"
        told.append(_next(told[-1], event))
    return told


def told_in(context: WorkflowContext) -> Told:
    """What a reading tells, in the same terms; its steps have no ids."""
    return Told(
        context.as_of_sequence,
        context.fraction,
        context.headline,
        tuple(("", phase) for phase in context.phases),
        frozenset(asked.interrupt_id for asked in context.open_interrupts),
        context.status not in LIVE,
    )


def differences(read: Told, told: Told) -> list[str]:
    """What a reading tells otherwise than the journal."""
    names = ("sequence", "fraction", "headline", "phases", "asked", "ended")
    return [
        f"{name}: read {getattr(read, name)!r}, journal {getattr(told, name)!r}"
        for name in names
        if getattr(read, name) != getattr(told, name)
    ]


def _next(told: Told, event: ProgressEvent) -> Told:
    kind = event.WhichOneof("kind") or ""
    change = _CHANGES.get(kind, lambda *_: {})
    return replace(told, sequence=event.sequence, **change(told, event))


def _started(told: Told, event: ProgressEvent) -> dict[str, Any]:
    return {"steps": tuple({**dict(told.steps), event.step_id: event.step}.items())}


def _finished(told: Told, event: ProgressEvent) -> dict[str, Any]:
    return {"steps": tuple((step_id, step) for step_id, step in told.steps if step_id != event.step_id)}


def _progressed(told: Told, event: ProgressEvent) -> dict[str, Any]:
    progress = event.step_progress
    fraction = progress.fraction if progress.HasField("fraction") else told.fraction
    return {"fraction": fraction, "headline": progress.message or told.headline}


def _raised(told: Told, event: ProgressEvent) -> dict[str, Any]:
    return {"asked": told.asked | {event.interrupt_raised.interrupt.interrupt_id}}


def _decided(told: Told, event: ProgressEvent) -> dict[str, Any]:
    return {"asked": told.asked - {event.interrupt_decided.interrupt.interrupt_id}}


def _ended(told: Told, event: ProgressEvent) -> dict[str, Any]:
    fraction = 1.0 if event.HasField("completed") else told.fraction
    return {"fraction": fraction, "steps": (), "asked": frozenset(), "ended": True}


_CHANGES = {
    "step_started": _started,
    "step_completed": _finished,
    "step_failed": _finished,
    "step_progress": _progressed,
    "interrupt_raised": _raised,
    "interrupt_decided": _decided,
    **dict.fromkeys(("completed", "failed", "cancelled", "quarantined", "timed_out"), _ended),
}
