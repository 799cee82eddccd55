"""How a server is, as plain values: nothing in them names a path, a host, a process or a workflow."""

import enum
from dataclasses import dataclass

from stretto.server.domain.clock import Micros


class StoreKind(enum.Enum):
    """What keeps the workflows. The numbers are those of the protos."""

    SQLITE = 1
    MEMORY = 2
    POSTGRESQL = 3
    REDIS = 4


class Durability(enum.Enum):
    """What a commit survives. The numbers are those of the protos."""

    FULL = 1
    NORMAL = 2
    NONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """How the store was when somebody last looked."""

    kind: StoreKind
    durability: Durability
    fault: str
    """What is wrong, in a sentence for callers; empty when it takes writes and has room."""
    checked_at: Micros
    free_bytes: int | None
    free_bytes_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorCounts:
    """How many executors there should be, are, and do not answer."""

    wanted: int
    alive: int
    stalled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCounts:
    """Workflows that have not ended, and how many may run and wait."""

    running: int
    concurrency_max: int
    queued: int
    queue_max: int
    with_deadline: int


@dataclass(frozen=True, slots=True)
class WorkQueueHealth:
    """How the connection to the work queue is."""

    disconnected_since: Micros = 0
    """Zero while it is connected."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a server shares with other servers and workers."""

    member_id: str
    store_shared: bool = False
    work_queue: WorkQueueHealth | None = None
    """None for a server that has its store to itself and needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """How a server is at one moment."""

    version: str
    python_version: str
    langgraph_version: str
    started_at: Micros
    answered_at: Micros
    draining: bool
    store: StoreHealth
    executors: ExecutorCounts
    workflows: WorkflowCounts
    sharing: Sharing


@dataclass(frozen=True, slots=True)
class CommitTimes:
    """How long commits took one after another, and what ended them early, in a sentence for callers."""

    times: tuple[Micros, ...] = ()
    fault: str = ""
