"""What the orchestrator knows when it reads a message: plain frozen values, all of one session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence that a user might say, and the input that it means."""

    says: str
    input: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownType:
    """A workflow type that can be launched. `input_schema` is a JSON schema whose properties are the contract's."""

    name: str
    description: str
    input_schema: JsonObject
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """An interrupt that waits for a decision. An empty `decision_schema` takes any object."""

    workflow_id: str
    workflow_type: str
    interrupt_id: str
    step: str
    question: Any
    decision_schema: JsonObject
    raised_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWorkflow:
    """A workflow of the session as it was at `as_of_sequence`; times are microseconds since 1970."""

    workflow_id: str
    workflow_type: str
    status: str
    """QUEUED, RUNNING, WAITING, SUCCEEDED, FAILED, CANCELLED, QUARANTINED or TIMED_OUT."""
    phases: tuple[str, ...]
    """Names of the steps that run now."""
    fraction: float
    headline: str
    facts: JsonObject
    last_error: str
    as_of_sequence: int
    created_at: int
    updated_at: int
    read_at: int

    @property
    def ended(self) -> bool:
        """Whether it never changes again."""
        return self.status not in ("QUEUED", "RUNNING", "WAITING")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of the conversation. `role` is user, assistant or notice."""

    role: str
    text: str
    kind: str = ""
    """Of an assistant's message: launch, answer, decide, cancel, ask_back or failed."""
    asks_about: str = ""
    """Of an assistant's message that asks back: the workflow type, or the interrupt's id, that it asks about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that a turn may use: the message, what was said before (oldest first), and how the workflows are."""

    message: str
    now: int
    history: tuple[Said, ...] = ()
    types: tuple[KnownType, ...] = ()
    workflows: tuple[KnownWorkflow, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
