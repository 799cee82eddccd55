"""What a workflow is: frozen values; `transitions` makes new ones from old ones."""

import enum
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

from stretto.server.domain.clock import Micros
from stretto.server.domain.payload import JsonValue, Payload, Violation

DEFAULT_PROJECT = "default"


class Status(enum.IntEnum):
    """Where a workflow stands; the numbers are those of the protos."""

    QUEUED = 1
    RUNNING = 2
    WAITING = 3
    SUCCEEDED = 4
    FAILED = 5
    CANCELLED = 6
    QUARANTINED = 7
    TIMED_OUT = 8

    @property
    def terminal(self) -> bool:
        """Whether it never changes again."""
        return self >= Status.SUCCEEDED


class Reason(enum.IntEnum):
    """Why a workflow failed; the numbers are those of `ErrorReason` in the protos."""

    STEP_FAILED = 30
    RESULT_INVALID = 31
    DEADLINE_EXCEEDED = 32
    POISONED = 33
    STATE_INVALID = 34
    LIMIT_EXCEEDED = 35
    STEP_CANCELLED = 36


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a workflow, or an attempt of a step, failed. Holds no paths, hosts or stack traces."""

    reason: Reason
    message: str
    error_class: str = ""
    step: str = ""
    step_id: str = ""
    attempt: int = 0
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is running, or was when its workflow was last let go of."""

    step_id: str
    step: str
    attempt: int
    started_at: Micros
    fraction: float = 0.0
    message: str = ""


class OriginKind(enum.IntEnum):
    """Which verb made a workflow out of another one; the numbers are those of the protos."""

    RETRY = 1
    FORK = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """Values that a fork writes into the state before it goes on."""

    values: Payload
    as_step: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a workflow was made from, if not by a start."""

    kind: OriginKind
    workflow_id: str
    checkpoint_id: str = ""
    edit: Edit | None = None


class InterruptStatus(enum.IntEnum):
    """Where an interrupt stands. DECIDED: the graph has yet to take the decision; APPLIED: it has."""

    PENDING = 1
    DECIDED = 2
    APPLIED = 3


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A question and, later, its one decision.

    LangGraph gives all questions of one node execution the same id (`resume_key`), so ours adds their number.
    """

    interrupt_id: str
    resume_key: str
    step: str
    step_id: str
    question: JsonValue
    decision_type: str
    raised_at: Micros
    status: InterruptStatus = InterruptStatus.PENDING
    decision: Payload | None = None
    decided_at: Micros = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One execution of a workflow type: the row that all of its changes go through."""

    project: str
    workflow_id: str
    workflow_type: str
    type_version: str
    status: Status
    request_id: str
    input: Payload
    created_at: Micros
    updated_at: Micros
    session_id: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    started_at: Micros = 0
    ended_at: Micros = 0
    deadline: Micros = 0
    epoch: int = 0
    owner: str = ""
    """The member whose executor runs it; empty unless it is RUNNING, and where the store has no other members."""
    crashes: int = 0
    last_sequence: int = 0
    fraction: float = 0.0
    headline: str = ""
    steps: tuple[Step, ...] = ()
    interrupts_pending: int = 0
    has_interrupts: bool = False
    has_checkpoints: bool = False
    cancel_requested_at: Micros = 0
    cancel_cause: str = ""
    origin: Origin | None = None
    retried_as: str = ""
    result: Payload | None = None
    failure: Failure | None = None
    trouble: Failure | None = None
    """The newest failed attempt of a step, which another one followed or will follow."""
    status_since: Micros = 0
    queued_for: Micros = 0
    ran_for: Micros = 0
    waited_for: Micros = 0
    """Time in the status until `status_since`; the present one's since then is not in it yet."""


TIMES: Final = {Status.QUEUED: "queued_for", Status.RUNNING: "ran_for", Status.WAITING: "waited_for"}
"""Where the time in each status is counted."""


def time_in(workflow: Workflow, status: Status, now: Micros) -> Micros:
    """How long a workflow has been in a status, which may be its present one."""
    counted: Micros = getattr(workflow, TIMES[status])
    return counted + max(0, now - since(workflow)) if workflow.status is status else counted


def since(workflow: Workflow) -> Micros:
    """When it came into its status: at its creation, as long as nothing else was noted."""
    return workflow.status_since or workflow.created_at


_NAMES = tuple(field.name for field in fields(Workflow))
_VALUES = attrgetter(*_NAMES)
_PUT = {name: getattr(Workflow, name).__set__ for name in _NAMES}
_PUTS = tuple(_PUT.values())


def evolve(workflow: Workflow, **changes: Any) -> Workflow:
    """The workflow with some fields changed: `dataclasses.replace` in less than half of its 7 microseconds.

    A run changes its row ten times, in the one thread that writes.
    """
    changed = object.__new__(Workflow)
    for put, value in zip(_PUTS, _VALUES(workflow), strict=True):
        put(changed, value)
    for name, value in changes.items():
        _PUT[name](changed, value)
    return changed
