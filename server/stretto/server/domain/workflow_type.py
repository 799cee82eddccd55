"""What the catalog knows of a workflow type: plain values, so that a server needs none of a graph's code."""

from dataclasses import dataclass

from stretto.server.domain.clock import Micros
from stretto.server.domain.payload import STRUCT, Payload

RESERVED = "stretto."
"""Names that begin so are the server's own."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The full names of a workflow type's messages, and the serialized descriptors of all of them."""

    input_type: str = STRUCT
    result_type: str = STRUCT
    progress_type: str = STRUCT
    decision_type: str = STRUCT
    decision_types: tuple[tuple[str, str], ...] = ()
    file_descriptor_set: bytes = b""

    def decision_type_of(self, step: str) -> str:
        """The message that decides interrupts of this step."""
        return dict(self.decision_types).get(step, self.decision_type)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often a failed attempt of a step is repeated."""

    attempts_max: int
    initial_interval: Micros
    backoff_factor: float
    interval_max: Micros
    jitter: bool
    retry_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepType:
    """One node of a graph."""

    step: str
    retry_policies: tuple[RetryPolicy, ...] = ()
    timeout: Micros = 0


@dataclass(frozen=True, slots=True)
class Example:
    """An input to learn from."""

    title: str
    input: Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowType:
    """A registered graph, as everybody but its executor sees it."""

    name: str
    version: str = "1"
    description: str = ""
    contract: Contract = Contract()
    mermaid: str = ""
    steps: tuple[StepType, ...] = ()
    total_timeout: Micros = 0
    concurrency_max: int = 0
    examples: tuple[Example, ...] = ()
    input_json_schema: str = ""
    in_turn: bool = False
    """Whether the workflows of one session run one after another, in the order of their creation."""
