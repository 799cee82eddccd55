"""From gRPC's errors to ours: one table, by the server's reason where there is one, by status where there is none."""

from collections.abc import Sequence
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo  # type: ignore[import-untyped]  # No types.
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # The package has no types.

from stretto.client import errors
from stretto.client.errors import CallError, InvalidInput, Overloaded, StrettoError, Unavailable, Violation

CORRELATION_KEY: Final = "x-correlation-id"
DOMAIN: Final = "stretto.dev"
STATUS_DETAILS_KEY: Final = "grpc-status-details-bin"

_BY_REASON: Final[dict[str, type[CallError]]] = {
    "MALFORMED_REQUEST": errors.InvalidInput,
    "INVALID_REQUEST": errors.InvalidInput,
    "WRONG_PAYLOAD_TYPE": errors.InvalidInput,
    "INVALID_PAYLOAD": errors.InvalidInput,
    "INVALID_PAGE_TOKEN": errors.InvalidInput,
    "UNKNOWN_WORKFLOW_TYPE": errors.NotFound,
    "WORKFLOW_NOT_FOUND": errors.NotFound,
    "INTERRUPT_NOT_FOUND": errors.NotFound,
    "CHECKPOINT_NOT_FOUND": errors.NotFound,
    "SESSION_NOT_FOUND": errors.NotFound,
    "MEMBER_NOT_FOUND": errors.NotFound,
    "REQUEST_ID_REUSED": errors.AlreadyStarted,
    "ALREADY_DECIDED": errors.AlreadyDecided,
    "WORKFLOW_ENDED": errors.WorkflowEnded,
    "NOT_RETRYABLE": errors.NotRetryable,
    "SEQUENCE_OUT_OF_RANGE": errors.SequenceOutOfRange,
    "OVERLOADED": errors.Overloaded,
    "TOO_LARGE": errors.TooLarge,
    "SESSION_BUSY": errors.SessionBusy,
    "SESSION_DELETED": errors.SessionDeleted,
    "ORCHESTRATOR_OFF": errors.NotSupported,
}

_BY_CODE: Final[dict[grpc.StatusCode, type[CallError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInput,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    # gRPC's own limits on the size of a message; ours come with a reason.
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.TooLarge,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    # Nobody here asked for it: a connection that went away as the call crossed it.
    grpc.StatusCode.CANCELLED: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.TimedOut,
    grpc.StatusCode.UNAUTHENTICATED: errors.Denied,
    grpc.StatusCode.PERMISSION_DENIED: errors.Denied,
    grpc.StatusCode.UNIMPLEMENTED: errors.NotSupported,
    grpc.StatusCode.OUT_OF_RANGE: errors.SequenceOutOfRange,
}


def refusal_of(error: grpc.RpcError, target: str, correlation_id: str) -> CallError:
    """A failed call as an error of ours."""
    call: grpc.Call = error  # type: ignore[assignment]  # Both of gRPC's own errors are calls as well.
    code, text = call.code() or grpc.StatusCode.UNKNOWN, call.details() or ""
    trailing = dict(iter(call.trailing_metadata() or ()))  # Older grpcio's Metadata makes no dict by itself.
    status = _status(trailing.get(STATUS_DETAILS_KEY))
    info = next((info for info in _details(status, ErrorInfo) if info.domain == DOMAIN), ErrorInfo())
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, errors.ServerFault)
    known = str(trailing.get(CORRELATION_KEY, correlation_id))
    about = {"code": code, "reason": info.reason, "metadata": dict(info.metadata), "correlation_id": known}
    if issubclass(kind, InvalidInput):
        return kind(text, violations=_violations(status), **about)
    refused = kind(text if info.reason else f"{target}: {_plain(code, text)}", **about)
    if isinstance(refused, Overloaded | Unavailable):
        for retry in _details(status, RetryInfo):
            refused.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return refused


def is_fault_of_the_way(error: StrettoError) -> bool:
    """Whether something between here and the server broke, so that a later try may well succeed."""
    return isinstance(error, Unavailable | Overloaded | errors.TimedOut | errors.ServerFault)


def _plain(code: grpc.StatusCode, text: str) -> str:
    """What happened, where gRPC's words are for its own developers."""
    if "Connection refused" in text:
        return "nobody listens there (connection refused)"
    if "backend unhealthy" in text:
        return "it says that it takes no calls now (not serving)"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "no answer in time"
    return text or code.name


def _status(raw: str | bytes | None) -> Status:
    try:
        return Status.FromString(raw) if isinstance(raw, bytes) else Status()
    except DecodeError:  # Somebody on the way wrote it; the code and the text are still there.
        return Status()


def _details(status: Status, kind: Any) -> list[Any]:
    """The details of a kind. These message classes have no types."""
    return [kind.FromString(packed.value) for packed in status.details if packed.Is(kind.DESCRIPTOR)]


def _violations(status: Status) -> Sequence[Violation]:
    return [
        Violation(field.field, field.description, field.reason)
        for bad in _details(status, BadRequest)
        for field in bad.field_violations
    ]
