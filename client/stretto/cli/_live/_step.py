"""What a watcher knows of one step."""

import enum
from dataclasses import dataclass

from stretto.cli._live._branch import BranchView
from stretto.workflow.v1.workflow_pb2 import WorkflowError


class StepStatus(enum.Enum):
    """What a step does now."""

    RUNNING = "running"
    RETRYING = "retrying"
    WAITING = "waiting"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    """The workflow ended around it."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: what its newest attempt did last. Times are seconds since 1970 by the server's clock."""

    step_id: str
    path: str
    attempt: int = 1
    status: StepStatus = StepStatus.RUNNING
    parent: str = ""
    """Identifier of the step that it is nested in; empty at the top, or where several could be it."""
    order: int = 0
    """Sequence of its first event that was seen: steps keep their places while attempts come and go."""
    started_at: float = 0.0
    ended_at: float = 0.0
    """When it finished, failed or was stopped; 0 before."""
    fraction: float | None = None
    message: str = ""
    text: str = ""
    """The newest part of what a language model streamed."""
    error: WorkflowError | None = None
    """Why the last attempt failed, while no newer one has finished."""
    next_attempt_at: float = 0.0
    branch: BranchView | None = None
    """The branch of a fan-out that it is, once it has told so."""

    @property
    def name(self) -> str:
        """The node's own name."""
        return self.path.rpartition("/")[2]
