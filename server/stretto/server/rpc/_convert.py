"""Parts that events and answers share: times, payloads, failures, interrupts. Knows nothing of grpc."""

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from stretto.server.domain.clock import SECOND, Micros
from stretto.server.domain.payload import STRUCT, VALUE, Payload, Violation
from stretto.server.domain.workflow import Failure, Interrupt, InterruptStatus
from stretto.server.rpc._plain import fill_value, printable
from stretto.workflow.v1.workflow_pb2 import (
    INTERRUPT_STATUS_DECIDED,
    INTERRUPT_STATUS_PENDING,
    FieldViolation,
    WorkflowError,
)
from stretto.workflow.v1.workflow_pb2 import Interrupt as InterruptProto

TYPE_URL_PREFIX = "type.googleapis.com/"

_NANOS_PER_MICRO = 1_000


def set_timestamp(target: Timestamp, at: Micros) -> None:
    """Write a time into a field; zero leaves it unset."""
    if at:
        seconds, micros = divmod(at, SECOND)
        target.seconds = seconds
        target.nanos = micros * _NANOS_PER_MICRO


def timestamp(at: Micros) -> Timestamp | None:
    """A time as a field's value; zero is unset."""
    if not at:
        return None
    seconds, micros = divmod(at, SECOND)
    return Timestamp(seconds=seconds, nanos=micros * _NANOS_PER_MICRO)


def duration(span: Micros) -> Duration:
    """A span of time, which is never negative here."""
    seconds, micros = divmod(span, SECOND)
    return Duration(seconds=seconds, nanos=micros * _NANOS_PER_MICRO)


def micros_of(at: Timestamp) -> Micros:
    """A field's time; an unset one is zero."""
    return at.seconds * SECOND + at.nanos // _NANOS_PER_MICRO


def any_of(payload: Payload) -> Any:
    """A payload, packed."""
    return Any(type_url=TYPE_URL_PREFIX + payload.type_name, value=payload.value)


def text(words: str) -> str:
    """Text that a string field takes: exceptions and models may bring lone surrogates."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return printable(words)
    return words


def violation_to_proto(violation: Violation) -> FieldViolation:
    """One broken rule."""
    return FieldViolation(
        field=text(violation.field), description=text(violation.description), rule_id=violation.rule_id
    )


def failure_to_proto(failure: Failure) -> WorkflowError:
    """Why something failed."""
    return WorkflowError(
        reason=failure.reason.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        error_class=text(failure.error_class),
        message=text(failure.message),
        step=failure.step,
        step_id=failure.step_id,
        attempt=failure.attempt,
        violations=[violation_to_proto(violation) for violation in failure.violations],
    )


def interrupt_to_proto(interrupt: Interrupt) -> InterruptProto:
    """A question and its decision."""
    pending = interrupt.status is InterruptStatus.PENDING
    made = InterruptProto(
        interrupt_id=interrupt.interrupt_id,
        step=interrupt.step,
        step_id=interrupt.step_id,
        decision_type="" if interrupt.decision_type in (STRUCT, VALUE) else interrupt.decision_type,
        status=INTERRUPT_STATUS_PENDING if pending else INTERRUPT_STATUS_DECIDED,
        raised_at=timestamp(interrupt.raised_at),
        decision=any_of(interrupt.decision) if interrupt.decision else None,
        decided_at=timestamp(interrupt.decided_at),
    )
    fill_value(made.question, interrupt.question)
    return made
