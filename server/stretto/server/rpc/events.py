"""Events in their public form: what the journal keeps and watchers get."""

from collections.abc import Callable
from typing import Any, Final

from stretto.server.domain import event as domain
from stretto.server.domain.event import Event, StoredEvent
from stretto.server.domain.workflow import Origin
from stretto.server.rpc._convert import (
    any_of,
    duration,
    failure_to_proto,
    interrupt_to_proto,
    set_timestamp,
    text,
    timestamp,
)
from stretto.server.rpc._plain import fill_value
from stretto.workflow.v1 import progress_event_pb2 as protos
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Origin as OriginProto

__all__ = ["encode_event", "origin_to_proto", "to_event"]


def encode_event(workflow_id: str, event: Event) -> bytes:
    """The event as a serialized ProgressEvent, all but its sequence."""
    made = ProgressEvent(workflow_id=workflow_id, step=event.step, attempt=event.attempt, step_id=event.step_id)
    set_timestamp(made.occurred_at, event.occurred_at)
    _FILL[type(event.what)](made, event.what)
    return made.SerializeToString(deterministic=True)


def to_event(stored: StoredEvent) -> ProgressEvent:
    """A journal's entry as watchers get it."""
    event = ProgressEvent.FromString(stored.body)
    event.sequence = stored.sequence
    return event


def origin_to_proto(origin: Origin | None) -> OriginProto | None:
    """What a workflow was made from; its edited values stay inside."""
    if origin is None:
        return None
    return OriginProto(
        kind=origin.kind.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        workflow_id=origin.workflow_id,
        checkpoint_id=origin.checkpoint_id,
    )


def _accepted(made: ProgressEvent, what: domain.Accepted) -> None:
    made.accepted.workflow_type = what.workflow_type
    made.accepted.type_version = what.type_version
    if what.origin is not None:
        made.accepted.origin.MergeFrom(origin_to_proto(what.origin) or OriginProto())


def _started(made: ProgressEvent, what: domain.Started) -> None:
    made.started.queued_for.CopyFrom(duration(what.queued_for))


def _step_started(made: ProgressEvent, _: domain.StepStarted) -> None:
    made.step_started.SetInParent()


def _step_progress(made: ProgressEvent, what: domain.StepProgress) -> None:
    made.step_progress.message = text(what.message)
    if what.fraction is not None:
        made.step_progress.fraction = what.fraction
    if what.detail is not None:
        made.step_progress.detail.CopyFrom(any_of(what.detail))


def _step_retrying(made: ProgressEvent, what: domain.StepRetrying) -> None:
    made.step_retrying.CopyFrom(
        protos.StepRetrying(error=failure_to_proto(what.failure), next_attempt_at=timestamp(what.next_attempt_at))
    )


def _step_completed(made: ProgressEvent, what: domain.StepCompleted) -> None:
    made.step_completed.duration.CopyFrom(duration(what.duration))
    if what.update is not None:
        fill_value(made.step_completed.update, what.update)


def _step_failed(made: ProgressEvent, what: domain.StepFailed) -> None:
    made.step_failed.CopyFrom(protos.StepFailed(error=failure_to_proto(what.failure), duration=duration(what.duration)))


def _token_delta(made: ProgressEvent, what: domain.TokenDelta) -> None:
    made.token_delta.message_id = what.message_id
    made.token_delta.text = text(what.text)


def _interrupt_raised(made: ProgressEvent, what: domain.InterruptRaised) -> None:
    made.interrupt_raised.interrupt.CopyFrom(interrupt_to_proto(what.interrupt))


def _interrupt_decided(made: ProgressEvent, what: domain.InterruptDecided) -> None:
    made.interrupt_decided.interrupt.CopyFrom(interrupt_to_proto(what.interrupt))


def _cancel_requested(made: ProgressEvent, what: domain.CancelRequested) -> None:
    made.cancel_requested.SetInParent()
    made.cancel_requested.cause = what.cause


def _completed(made: ProgressEvent, what: domain.Completed) -> None:
    made.completed.result.CopyFrom(any_of(what.result))


def _failed(made: ProgressEvent, what: domain.Failed) -> None:
    made.failed.error.CopyFrom(failure_to_proto(what.failure))


def _cancelled(made: ProgressEvent, what: domain.Cancelled) -> None:
    made.cancelled.SetInParent()
    made.cancelled.cause = what.cause


def _quarantined(made: ProgressEvent, what: domain.Quarantined) -> None:
    made.quarantined.error.CopyFrom(failure_to_proto(what.failure))


def _timed_out(made: ProgressEvent, what: domain.TimedOut) -> None:
    made.timed_out.error.CopyFrom(failure_to_proto(what.failure))


_FILL: Final[dict[type[object], Callable[[ProgressEvent, Any], None]]] = {
    domain.Accepted: _accepted,
    domain.Started: _started,
    domain.StepStarted: _step_started,
    domain.StepProgress: _step_progress,
    domain.StepRetrying: _step_retrying,
    domain.StepCompleted: _step_completed,
    domain.StepFailed: _step_failed,
    domain.TokenDelta: _token_delta,
    domain.InterruptRaised: _interrupt_raised,
    domain.InterruptDecided: _interrupt_decided,
    domain.CancelRequested: _cancel_requested,
    domain.Completed: _completed,
    domain.Failed: _failed,
    domain.Cancelled: _cancelled,
    domain.Quarantined: _quarantined,
    domain.TimedOut: _timed_out,
}
