"""Everything that can go wrong for a caller: one tree."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from stretto.workflow.v1.error_reason_pb2 import ErrorReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stretto.workflow.v1.workflow_pb2 import Interrupt, WorkflowError

__all__ = [
    "AlreadyDecided",
    "AlreadyStarted",
    "CallError",
    "ClientClosed",
    "Denied",
    "InvalidInput",
    "JournalBroken",
    "NotFound",
    "NotRetryable",
    "NotSupported",
    "OutcomeError",
    "Overloaded",
    "SequenceOutOfRange",
    "ServerFault",
    "SessionBusy",
    "SessionDeleted",
    "StrettoError",
    "TimedOut",
    "TooLarge",
    "Unavailable",
    "UndecidedChoice",
    "Violation",
    "WorkflowCancelled",
    "WorkflowEnded",
    "WorkflowFailed",
    "WorkflowQuarantined",
    "WorkflowTimedOut",
]


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that breaks a contract or a rule of the API."""

    field: str
    """Path of the field, such as `items[2].price`."""

    description: str
    """What is wrong with it."""

    rule_id: str = ""
    """The rule that is broken, such as `string.min_len`."""


class StrettoError(Exception):
    """The root of the tree."""

    def __init__(self, message: str, *, correlation_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.correlation_id = correlation_id
        """The id under which the server's log knows the call; empty where no call was made."""

    def __reduce__(self) -> "tuple[Callable[..., StrettoError], tuple[object, ...]]":
        # A process pool hands errors on in pickled form; by itself one is made anew of its text alone, which not all
        # of them can be.
        return _rebuilt, (type(self), self.args, vars(self))

    def __str__(self) -> str:
        return f"{self.message} (correlation id {self.correlation_id})" if self.correlation_id else self.message


class ClientClosed(StrettoError):
    """The client was closed while it was waited for, or is used after that."""


class JournalBroken(StrettoError):
    """The server left events out, time and again. Nothing was handed on past the gap."""


class UndecidedChoice(StrettoError):
    """A decision that names no interrupt, where not exactly one is pending."""

    def __init__(self, message: str, *, interrupts: "Sequence[Interrupt]", correlation_id: str = "") -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.interrupts = tuple(interrupts)
        """The interrupts that are pending."""


class CallError(StrettoError):
    """A call that did not succeed."""

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        metadata: "Mapping[str, str] | None" = None,
        correlation_id: str = "",
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.code = code
        """gRPC's status."""
        self.reason = reason
        """Name of the ErrorReason without its prefix, such as `INVALID_PAYLOAD`; empty when not the server refused."""
        self.metadata = dict(metadata or {})
        """What the reason's documentation says that comes with it."""


class InvalidInput(CallError):
    """The request, or the payload in it, breaks its contract. Nothing was changed."""

    def __init__(
        self,
        message: str,
        *,
        violations: "Sequence[Violation]" = (),
        code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT,
        reason: str = "INVALID_PAYLOAD",
        metadata: "Mapping[str, str] | None" = None,
        correlation_id: str = "",
    ) -> None:
        super().__init__(message, code=code, reason=reason, metadata=metadata, correlation_id=correlation_id)
        self.violations = tuple(violations)
        """The fields that are wrong, where single fields are."""


class NotFound(CallError):
    """There is no workflow, workflow type, interrupt, checkpoint, session or member of that name."""


class AlreadyStarted(CallError):
    """The request id was used before, with another request."""

    @property
    def workflow_id(self) -> str:
        """The workflow that the request id started."""
        return self.metadata.get("workflow_id", "")


class AlreadyDecided(CallError):
    """The interrupt has another decision already."""


class WorkflowEnded(CallError):
    """The workflow has ended, and what was asked for needs one that goes on."""


class NotRetryable(CallError):
    """Only a workflow that failed, timed out or was quarantined can be retried."""


class SessionBusy(CallError):
    """Workflows of the session have not ended."""

    @property
    def active_workflow_count(self) -> int:
        """How many they are."""
        return int(self.metadata.get("active_workflow_count", "0"))


class SessionDeleted(CallError):
    """The session was deleted, and its id is not free yet."""


class SequenceOutOfRange(CallError):
    """The journal has no such sequence."""

    @property
    def last_sequence(self) -> int:
        """Sequence of the newest event that there is."""
        return int(self.metadata.get("last_sequence", "0"))


class TooLarge(CallError):
    """A message or payload is larger than one side takes."""


class Denied(CallError):
    """The server does not know the caller, or does not let it do this."""


class NotSupported(CallError):
    """The server has no such call: it is older than this client, set up without it, or something else."""


class _ComeBack(CallError):
    """A call that may succeed later."""

    retry_after: float | None = None
    """Seconds after which the server wants to be asked again; None when it did not say."""


class Overloaded(_ComeBack):
    """A limit of the server is reached. Nothing was changed."""


class Unavailable(_ComeBack):
    """The server cannot be reached, shuts down, or cannot use its store. Whether the call took effect is unknown."""


class TimedOut(CallError):
    """No answer came in time. Whether the call took effect is unknown."""


class ServerFault(CallError):
    """A fault of the server or of something on the way. Whether the call took effect is unknown."""


class OutcomeError(StrettoError):
    """A workflow ended without a result."""

    def __init__(self, message: str, *, workflow_id: str, correlation_id: str = "") -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.workflow_id = workflow_id


class WorkflowFailed(OutcomeError):
    """A workflow ended with an error. `handle.retry()` goes on from its last checkpoint."""

    def __init__(self, error: "WorkflowError", *, workflow_id: str, correlation_id: str = "") -> None:
        super().__init__(_told(workflow_id, error), workflow_id=workflow_id, correlation_id=correlation_id)
        self.error = error
        """Reason, class, text, step and attempt."""

    @property
    def reason(self) -> str:
        """Name of the ErrorReason without its prefix, such as `STEP_FAILED`."""
        return ErrorReason.Name(self.error.reason).removeprefix("ERROR_REASON_")


class WorkflowQuarantined(WorkflowFailed):
    """A workflow was taken out of service because executors died again and again while they ran it."""


class WorkflowTimedOut(WorkflowFailed):
    """A workflow's deadline passed before it ended; `error.message` says what it was about."""


class WorkflowCancelled(OutcomeError):
    """A workflow was cancelled."""

    def __init__(self, cause: str, *, workflow_id: str, correlation_id: str = "") -> None:
        told = f"{workflow_id} was cancelled" + (f": {cause}" if cause else "")
        super().__init__(told, workflow_id=workflow_id, correlation_id=correlation_id)
        self.cause = cause
        """Why, as the one who cancelled it said."""


def _rebuilt(kind: type[StrettoError], args: tuple[object, ...], fields: dict[str, object]) -> StrettoError:
    """An error as it was in another process."""
    error = kind.__new__(kind, *args)
    vars(error).update(fields)
    return error


def _told(workflow_id: str, error: "WorkflowError") -> str:
    """What happened to a workflow, in a sentence."""
    where = f" at step {error.step}" if error.step else ""
    # Not how many failed: an attempt may have ended with a question, or with its server.
    attempt = f", attempt {error.attempt}" if error.attempt > 1 else ""
    what = f"{error.error_class}: {error.message}" if error.error_class else error.message
    fields = "; ".join(f"{violation.field}: {violation.description}" for violation in error.violations)
    how = "timed out" if error.reason == ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED else "failed"
    return f"{workflow_id} {how}{where}{attempt}: {what}" + (f" ({fields})" if fields else "")
