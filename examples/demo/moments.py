"""What came of the conversation: its moments beside their targets, its ends, and what was seen of its journal."""

from dataclasses import dataclass, field
from typing import Final

from rich.table import Table

from stretto.exercise.v1.exercise_plan_pb2 import OUTCOME_APPROVED, ExercisePlan

EXERCISE: Final = "exercise_planning"
FINANCE: Final = "finance_review"
ONBOARDING: Final = "hr_onboarding"
ENDS: Final = {EXERCISE: "SUCCEEDED", FINANCE: "SUCCEEDED", ONBOARDING: "CANCELLED"}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, and by when it should have; what the user does has no target."""

    what: str
    seconds: float
    target: float | None = None

    @property
    def late(self) -> bool:
        """Whether it came later than it should have."""
        return self.target is not None and self.seconds > self.target


@dataclass(slots=True)
class Conversation:
    """One conversation, as it goes on and when it is over."""

    moments: list[Moment] = field(default_factory=list)
    context_ms: int = 0
    """How old the live context was when the question had been answered from it."""
    plan: ExercisePlan = field(default_factory=ExercisePlan)
    ends: dict[str, str] = field(default_factory=dict)
    """How the session's workflows ended, by type."""
    messages: int = 0
    events: int = 0
    """In the session's journal, which was read again from its beginning over another connection."""
    missed: int = 0
    surplus: int = 0
    scene: tuple[Table, ...] = ()
    """What there was to see until the first workflow completed."""

    @property
    def good(self) -> bool:
        """Whether all was done, and seen once and in order. How fast it was does not count."""
        whole = bool(self.events) and not self.missed and not self.surplus
        return whole and self.ends == ENDS and self.plan.outcome == OUTCOME_APPROVED
