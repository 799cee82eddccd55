"""The one table from domain errors to gRPC: status, reason and details."""

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # The package has no types.
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from stretto.server.domain import errors
from stretto.server.domain.errors import StrettoError
from stretto.server.domain.payload import Violation
from stretto.server.rpc._convert import text
from stretto.workflow.v1 import error_reason_pb2 as reasons
from stretto.workflow.v1.error_reason_pb2 import ErrorReason

__all__ = ["DOMAIN", "STATUS_DETAILS_KEY", "code_of", "to_status"]

DOMAIN: Final = "stretto.dev"
"""The `domain` of every ErrorInfo."""

STATUS_DETAILS_KEY: Final = "grpc-status-details-bin"
"""Trailing metadata that carries `google.rpc.Status`."""

_MESSAGE_CHARACTERS_MAX: Final = 1_024
_DETAIL_BYTES_MAX: Final = 3_072
"""Details travel in HTTP/2 headers, in base64; many clients refuse more than 8 KiB of those."""

_RETRY_SECONDS: Final = 1.0
_INTERNAL_TEXT: Final = "A fault of the server; its log has the rest under the correlation id."

_TABLE: Final[dict[type[StrettoError], tuple[grpc.StatusCode, "ErrorReason.ValueType"]]] = {
    errors.MalformedRequest: (grpc.StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_MALFORMED_REQUEST),
    errors.InvalidRequest: (grpc.StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_REQUEST),
    errors.WrongPayloadType: (grpc.StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_WRONG_PAYLOAD_TYPE),
    errors.InvalidPayload: (grpc.StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_PAYLOAD),
    errors.InvalidPageToken: (grpc.StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_PAGE_TOKEN),
    errors.UnknownWorkflowType: (grpc.StatusCode.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_WORKFLOW_TYPE),
    errors.WorkflowNotFound: (grpc.StatusCode.NOT_FOUND, reasons.ERROR_REASON_WORKFLOW_NOT_FOUND),
    errors.InterruptNotFound: (grpc.StatusCode.NOT_FOUND, reasons.ERROR_REASON_INTERRUPT_NOT_FOUND),
    errors.CheckpointNotFound: (grpc.StatusCode.NOT_FOUND, reasons.ERROR_REASON_CHECKPOINT_NOT_FOUND),
    errors.SessionNotFound: (grpc.StatusCode.NOT_FOUND, reasons.ERROR_REASON_SESSION_NOT_FOUND),
    errors.MemberNotFound: (grpc.StatusCode.NOT_FOUND, reasons.ERROR_REASON_MEMBER_NOT_FOUND),
    errors.RequestIdReused: (grpc.StatusCode.ALREADY_EXISTS, reasons.ERROR_REASON_REQUEST_ID_REUSED),
    errors.AlreadyDecided: (grpc.StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_ALREADY_DECIDED),
    errors.WorkflowEnded: (grpc.StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_WORKFLOW_ENDED),
    errors.NotRetryable: (grpc.StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_NOT_RETRYABLE),
    errors.SessionBusy: (grpc.StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_SESSION_BUSY),
    errors.SessionDeleted: (grpc.StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_SESSION_DELETED),
    errors.OrchestratorOff: (grpc.StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_ORCHESTRATOR_OFF),
    errors.SequenceOutOfRange: (grpc.StatusCode.OUT_OF_RANGE, reasons.ERROR_REASON_SEQUENCE_OUT_OF_RANGE),
    errors.Overloaded: (grpc.StatusCode.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_OVERLOADED),
    errors.TooLarge: (grpc.StatusCode.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_TOO_LARGE),
    errors.Draining: (grpc.StatusCode.UNAVAILABLE, reasons.ERROR_REASON_DRAINING),
    errors.StreamEnded: (grpc.StatusCode.UNAVAILABLE, reasons.ERROR_REASON_STREAM_ENDED),
    errors.StoreUnavailable: (grpc.StatusCode.UNAVAILABLE, reasons.ERROR_REASON_STORE_UNAVAILABLE),
}

_INTERNAL: Final = (grpc.StatusCode.INTERNAL, reasons.ERROR_REASON_INTERNAL)


def code_of(error: Exception) -> grpc.StatusCode:
    """The status code of an error; INTERNAL for all that callers are not meant to meet."""
    return _row(error)[0]


def to_status(error: Exception) -> Status:
    """An error as callers get it: code, text and details. What is not in the table keeps its text to itself."""
    code, reason = _row(error)
    told = text(str(error))[:_MESSAGE_CHARACTERS_MAX] if code is not grpc.StatusCode.INTERNAL else _INTERNAL_TEXT
    info = error_details_pb2.ErrorInfo(reason=ErrorReason.Name(reason).removeprefix("ERROR_REASON_"), domain=DOMAIN)
    status = Status(code=code.value[0], message=told)
    if isinstance(error, StrettoError) and code is not grpc.StatusCode.INTERNAL:
        info.metadata.update({key: text(value)[:256] for key, value in error.metadata.items()})
        violations = error.violations if isinstance(error, errors.InvalidRequest) else ()
        if left_out := len(violations) - _fill(status, violations):
            info.metadata["violations_left_out"] = str(left_out)
        if isinstance(error, errors.Overloaded | errors.Draining | errors.StoreUnavailable):
            _add(
                status,
                error_details_pb2.RetryInfo(retry_delay=_duration(getattr(error, "retry_seconds", _RETRY_SECONDS))),
            )
    _add(status, info)
    return status


def _row(error: Exception) -> tuple[grpc.StatusCode, "ErrorReason.ValueType"]:
    """The nearest class that stands in the table."""
    for kind in type(error).__mro__:
        if kind in _TABLE:
            return _TABLE[kind]
    return _INTERNAL


def _fill(status: Status, violations: tuple[Violation, ...]) -> int:
    """Add a BadRequest with as many violations as there is room for; says how many."""
    if not violations:
        return 0
    bad = error_details_pb2.BadRequest()
    for violation in violations:
        bad.field_violations.add(
            field=text(violation.field)[:256], description=text(violation.description)[:512], reason=violation.rule_id
        )
        if bad.ByteSize() > _DETAIL_BYTES_MAX and len(bad.field_violations) > 1:
            del bad.field_violations[-1]
            break
    _add(status, bad)
    return len(bad.field_violations)


def _add(status: Status, detail: Message) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)


def _duration(seconds: float) -> Duration:
    made = Duration()
    made.FromMilliseconds(round(seconds * 1_000))
    return made
