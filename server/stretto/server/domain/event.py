"""What can happen in a workflow. The journal numbers these; `EventEncoder` gives them their public form."""

from dataclasses import dataclass
from typing import Protocol

from stretto.server.domain.clock import Micros
from stretto.server.domain.payload import JsonValue, Payload
from stretto.server.domain.workflow import Failure, Interrupt, Origin


@dataclass(frozen=True, slots=True)
class Accepted:
    """The start is durable."""

    workflow_type: str
    type_version: str
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Started:
    """An executor took the workflow up for the first time."""

    queued_for: Micros


@dataclass(frozen=True, slots=True)
class StepStarted:
    """An attempt of a step started."""


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step told of its progress."""

    fraction: float | None
    message: str
    detail: Payload | None


@dataclass(frozen=True, slots=True)
class StepRetrying:
    """An attempt failed and another one follows."""

    failure: Failure
    next_attempt_at: Micros


@dataclass(frozen=True, slots=True)
class StepCompleted:
    """A step finished. `update` is None when it wrote nothing that can be shown."""

    duration: Micros
    update: JsonValue


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step failed for good."""

    failure: Failure
    duration: Micros


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """A language model streamed text."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class InterruptRaised:
    """The workflow asks a question."""

    interrupt: Interrupt


@dataclass(frozen=True, slots=True)
class InterruptDecided:
    """A question was decided."""

    interrupt: Interrupt


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A cancel was accepted."""

    cause: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Terminal: the workflow ended with a result."""

    result: Payload


@dataclass(frozen=True, slots=True)
class Failed:
    """Terminal: the workflow ended with an error."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Terminal: the workflow was cancelled."""

    cause: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Terminal: the workflow was taken out of service."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Terminal: the deadline passed."""

    failure: Failure


Happening = (
    Accepted
    | Started
    | StepStarted
    | StepProgress
    | StepRetrying
    | StepCompleted
    | StepFailed
    | TokenDelta
    | InterruptRaised
    | InterruptDecided
    | CancelRequested
    | Completed
    | Failed
    | Cancelled
    | Quarantined
    | TimedOut
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, before the journal has given it a number."""

    occurred_at: Micros
    what: Happening
    step: str = ""
    step_id: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One entry of a journal: its number and its public form, all but the number."""

    sequence: int
    body: bytes


class EventEncoder(Protocol):
    """Gives events the form in which the journal keeps them and watchers get them."""

    def __call__(self, workflow_id: str, event: Event) -> bytes:
        """The event's public form, all but its sequence."""
        ...
