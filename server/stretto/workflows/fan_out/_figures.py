"""What a fan-out took, and how well its branches ran side by side."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from stretto.workflows.fan_out._outcome import Outcome


class BranchFigures(BaseModel):
    """What one branch took."""

    model_config = ConfigDict(frozen=True)

    source: str
    item: str
    succeeded: bool
    seconds: float
    attempts: int


class Figures(BaseModel):
    """What a fan-out took. A source is available when it answered about one item at least."""

    model_config = ConfigDict(frozen=True)

    available: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    branches: tuple[BranchFigures, ...]
    parallel_seconds: float
    """From the start of the first branch to the end of the last one."""

    @property
    def sequential_seconds(self) -> float:
        """What the branches would take one after another."""
        return sum(branch.seconds for branch in self.branches)

    @property
    def slowest_seconds(self) -> float:
        """What the slowest branch took: the least that is possible side by side."""
        return max((branch.seconds for branch in self.branches), default=0.0)

    @property
    def speedup(self) -> float:
        """How many times faster it was than one after another."""
        return self.sequential_seconds / self.parallel_seconds if self.parallel_seconds else 1.0

    @property
    def efficiency(self) -> float:
        """How much of the ideal that is, from 0 to 1."""
        return self.slowest_seconds / self.parallel_seconds if self.parallel_seconds else 1.0

    def to_message(self) -> dict[str, Any]:
        """The fields of `stretto.fanout.v1.FanOutFigures`."""
        return {
            "sources_chosen": len(self.available) + len(self.failed),
            "sources_available": len(self.available),
            "sources_failed": len(self.failed),
            "sources_skipped": list(self.skipped),
            "branches": [_branch(each) for each in self.branches],
            "parallel_latency": duration(self.parallel_seconds),
            "sequential_latency": duration(self.sequential_seconds),
            "speedup": round(self.speedup, 3),
            "efficiency": round(self.efficiency, 3),
        }


def figures_of(names: Sequence[str], outcomes: Sequence[Outcome], elapsed: float) -> Figures:
    """The figures of branches that are over.

    Args:
        names: All sources, in the order in which they are declared.
        outcomes: How the branches ended.
        elapsed: Seconds from the start of the first to the end of the last one, as far as this process saw them.
    """
    chosen = {outcome.source for outcome in outcomes}
    available = {outcome.source for outcome in outcomes if outcome.succeeded}
    order = {name: number for number, name in enumerate(names)}
    sorted_outcomes = sorted(outcomes, key=lambda outcome: order[outcome.source])
    slowest = max((outcome.seconds for outcome in outcomes), default=0.0)
    return Figures(
        available=tuple(name for name in names if name in available),
        failed=tuple(name for name in names if name in chosen - available),
        skipped=tuple(name for name in names if name not in chosen),
        branches=tuple(
            BranchFigures(**outcome.model_dump(include=set(BranchFigures.model_fields))) for outcome in sorted_outcomes
        ),
        # A process that takes over where another one died has not seen all of it.
        parallel_seconds=max(elapsed, slowest),
    )


def duration(seconds: float) -> str:
    """Seconds as contracts have them."""
    return f"{max(seconds, 0.0):.6f}s"


def _branch(figures: BranchFigures) -> dict[str, Any]:
    return {
        "source": figures.source,
        "item": figures.item,
        "succeeded": figures.succeeded,
        "latency": duration(figures.seconds),
        "attempts": figures.attempts,
    }
