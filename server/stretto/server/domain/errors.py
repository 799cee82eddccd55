"""Every refusal and failure that a caller can meet. A class's docstring is its message."""

from stretto.server.domain.payload import Violation


class StrettoError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "", **metadata: str) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n")[0])
        self.metadata = metadata


class InvalidRequest(StrettoError):
    """The request breaks a rule."""

    def __init__(self, message: str = "", violations: tuple[Violation, ...] = (), **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.violations = violations


class MalformedRequest(StrettoError):
    """The request's bytes are no message of the type that this call takes."""


class WrongPayloadType(InvalidRequest):
    """The payload is not of the type that the contract asks for."""


class InvalidPayload(InvalidRequest):
    """The payload breaks its contract."""


class InvalidPageToken(InvalidRequest):
    """The page token was not made by this server for this filter; start again without one."""


class UnknownWorkflowType(StrettoError):
    """No workflow type of that name is registered."""


class WorkflowNotFound(StrettoError):
    """There is no workflow of that id."""


class InterruptNotFound(StrettoError):
    """The workflow has no interrupt of that id."""


class CheckpointNotFound(StrettoError):
    """The workflow has no checkpoint of that id."""


class RequestIdReused(StrettoError):
    """The request id was used with another request."""


class AlreadyDecided(StrettoError):
    """The interrupt has another decision already."""


class WorkflowEnded(StrettoError):
    """The workflow has ended."""


class NotRetryable(StrettoError):
    """Only a workflow that failed, timed out or was quarantined can be retried."""


class SessionNotFound(StrettoError):
    """There is no session of that id."""


class SessionBusy(StrettoError):
    """Workflows of the session have not ended."""


class SessionDeleted(StrettoError):
    """The session was deleted, and its id is not free yet."""


class OrchestratorOff(StrettoError):
    """This server runs no orchestrator, so it takes no messages."""


class SequenceOutOfRange(StrettoError):
    """The sequence lies after the newest event."""


class Overloaded(StrettoError):
    """A limit of the server is reached; come back later."""

    def __init__(self, message: str = "", retry_seconds: float = 1.0, **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.retry_seconds = retry_seconds


class TooLarge(StrettoError):
    """The payload is larger than the server takes."""


class Draining(StrettoError):
    """The server is shutting down; try another one, or this one later."""


class StreamEnded(StrettoError):
    """The server is shutting down; watch again after the last sequence."""


class StoreUnavailable(StrettoError):
    """The store cannot be written or read now; nothing was changed and a later try is safe."""


class MemberNotFound(StrettoError):
    """There is no member of that id."""


class StoreInUse(StrettoError):
    """Another server has the store open."""


class StoreTooNew(StrettoError):
    """The store was written by a newer release; upgrade this one."""


class CannotListen(StrettoError):
    """The address cannot be listened on."""


class StaleEpoch(StrettoError):
    """Somebody else owns the workflow now."""


class CancelAccepted(StrettoError):
    """A cancel was accepted, so no step may start."""


class LimitExceeded(StrettoError):
    """The workflow outgrew a limit of the server."""


class RegistrationError(StrettoError):
    """A workflow type is declared wrongly."""


class Misconfigured(StrettoError):
    """A setting is wrong."""


class ContractViolation(StrettoError):
    """A value breaks its contract."""

    def __init__(self, message: str = "", violations: tuple[Violation, ...] = (), **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.violations = violations
