"""Samples, and the figures that come out of them."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all samples does not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(samples: Sequence[float]) -> float:
    """The middle sample."""
    return statistics.median(samples)


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be."""

    bound: float
    at_most: bool = True

    def met_by(self, value: float) -> bool:
        """Whether the value is within the bound."""
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.bound:g}"


def at_most(bound: float) -> Target:
    """A target that smaller values meet."""
    return Target(bound)


def at_least(bound: float) -> Target:
    """A target that larger values meet."""
    return Target(bound, at_most=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. Without a target it is there to compare with."""

    name: str
    value: float
    unit: str
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return self.target.met_by(self.value) if self.target else None
