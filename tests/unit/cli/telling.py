"""Events made by hand, as a server would tell them."""

from typing import Any

from google.protobuf import any_pb2, duration_pb2, struct_pb2, timestamp_pb2
from google.protobuf.json_format import ParseDict

from stretto.fanout.v1.fanout_pb2 import BranchProgress
from stretto.workflow.v1 import progress_event_pb2 as events
from stretto.workflow.v1 import workflow_pb2 as model
from stretto.workflow.v1.error_reason_pb2 import ErrorReason

BEGAN = 1_800_000_000
ID = "wf_01kaj5z3n8q4x2m7r6t9v0wybc"


def at(second: float) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=BEGAN + int(second), nanos=round(second % 1 * 1e9))


def error(message: str = "no van is free", **more: Any) -> model.WorkflowError:
    about = {"reason": ErrorReason.ERROR_REASON_STEP_FAILED, "error_class": "OSError", "message": message} | more
    return model.WorkflowError(**about)


def asked(interrupt_id: str, question: Any, step: str = "ask", step_id: str = "s1") -> model.Interrupt:
    value = ParseDict(question, struct_pb2.Value())
    return model.Interrupt(interrupt_id=interrupt_id, step=step, step_id=step_id, question=value)


def result_of(fields: dict[str, Any]) -> any_pb2.Any:
    struct, packed = struct_pb2.Struct(), any_pb2.Any()
    struct.update(fields)
    packed.Pack(struct)
    return packed


def branch(source: str, item: str = "", **kind: Any) -> BranchProgress:
    """What a branch tells, such as `started={"timeout": "5s"}`."""
    return ParseDict({"source": source, "item": item, **kind}, BranchProgress())


class Teller:
    """Makes one event after the other; each takes a second unless it is said when it is."""

    def __init__(self) -> None:
        self.sequence = 0

    def __call__(self, step: str = "", step_id: str = "", attempt: int = 0, second: float | None = None, **kind: Any):
        self.sequence += 1
        return events.ProgressEvent(
            sequence=self.sequence,
            workflow_id=ID,
            occurred_at=at(self.sequence if second is None else second),
            step=step,
            step_id=step_id,
            attempt=attempt or int(bool(step)),
            **kind,
        )

    def accepted(self, **more: Any):
        return self(accepted=events.WorkflowAccepted(workflow_type="parcel", type_version="2"), **more)

    def starts(self, step: str, step_id: str, attempt: int = 1, **more: Any):
        return self(step, step_id, attempt, step_started=events.StepStarted(), **more)

    def tells(self, step: str, step_id: str, fraction: float | None = None, message: str = "", **more: Any):
        told = events.StepProgress(message=message)
        if fraction is not None:
            told.fraction = fraction
        return self(step, step_id, step_progress=told, **more)

    def says(self, step: str, step_id: str, text: str, message_id: str = "m", **more: Any):
        return self(step, step_id, token_delta=events.TokenDelta(message_id=message_id, text=text), **more)

    def retries(self, step: str, step_id: str, attempt: int, next_second: float, **more: Any):
        retrying = events.StepRetrying(error=error(), next_attempt_at=at(next_second))
        return self(step, step_id, attempt, step_retrying=retrying, **more)

    def finishes(self, step: str, step_id: str, seconds: int = 1, attempt: int = 1, **more: Any):
        done = events.StepCompleted(duration=duration_pb2.Duration(seconds=seconds))
        return self(step, step_id, attempt, step_completed=done, **more)

    def fails(self, step: str, step_id: str, attempt: int = 1, **more: Any):
        failed = events.StepFailed(error=error(), duration=duration_pb2.Duration(seconds=1))
        return self(step, step_id, attempt, step_failed=failed, **more)

    def asks(self, interrupt: model.Interrupt, **more: Any):
        raised = events.InterruptRaised(interrupt=interrupt)
        return self(interrupt.step, interrupt.step_id, interrupt_raised=raised, **more)

    def decided(self, interrupt: model.Interrupt, **more: Any):
        return self(interrupt.step, interrupt.step_id, interrupt_decided=events.InterruptDecided(interrupt=interrupt))

    def completes(self, fields: dict[str, Any], **more: Any):
        return self(completed=events.WorkflowCompleted(result=result_of(fields)), **more)
