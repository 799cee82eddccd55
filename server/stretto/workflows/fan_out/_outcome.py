"""How one branch ended."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class FailureReason(StrEnum):
    """Why a branch failed, as contracts name it."""

    ERROR = "BRANCH_FAILURE_REASON_ERROR"
    """It raised an error, in its last attempt too."""
    TIMEOUT = "BRANCH_FAILURE_REASON_TIMEOUT"
    """It did not answer within its own time."""
    TOTAL_TIMEOUT = "BRANCH_FAILURE_REASON_TOTAL_TIMEOUT"
    """The time of all branches together was over."""
    WRONG_TYPE = "BRANCH_FAILURE_REASON_WRONG_TYPE"
    """Its answer is not of the type that was declared."""


class Failure(BaseModel):
    """Why there is no answer."""

    model_config = ConfigDict(frozen=True)

    source: str
    item: str = ""
    reason: FailureReason
    message: str
    """In words, without the source's name."""

    def __str__(self) -> str:
        return f"{self.source} ({self.item}): {self.message}" if self.item else f"{self.source}: {self.message}"


class Outcome(BaseModel):
    """What a branch took, in which round."""

    model_config = ConfigDict(frozen=True)

    source: str
    item: str
    succeeded: bool
    seconds: float
    attempts: int
    round_id: str
