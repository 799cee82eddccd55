"""The design of a week: what each training day is about, and which exercises it has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.exercise_planning.movements import (
    CARDIO,
    CORE,
    HINGE,
    MOBILITY,
    PULL,
    PUSH,
    SQUAT,
    Movement,
    Pattern,
    available,
)
from stretto.workflows.exercise_planning.wishes import Goal, Wishes


class Sketch(BaseModel):
    """One training day as every week has it: exercises by name, without sets."""

    model_config = ConfigDict(frozen=True)

    day: str
    focus: str
    exercises: tuple[str, ...]


DAYS: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("Wednesday",),
    2: ("Monday", "Thursday"),
    3: ("Monday", "Wednesday", "Friday"),
    4: ("Monday", "Tuesday", "Thursday", "Friday"),
    5: ("Monday", "Tuesday", "Wednesday", "Friday", "Saturday"),
    6: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    7: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
"""Training days by how many there are in a week, with rest between them as far as there is room."""

FOCUSES: Final[Mapping[str, tuple[Pattern, ...]]] = {
    "full body": (SQUAT, PUSH, HINGE, PULL, CORE),
    "upper body": (PUSH, PULL, PUSH, PULL, CORE),
    "lower body": (SQUAT, HINGE, SQUAT, HINGE, CORE),
    "push": (PUSH, PUSH, PUSH, CORE),
    "pull": (PULL, PULL, PULL, CORE),
    "legs": (SQUAT, HINGE, SQUAT, CORE),
    "circuit": (CARDIO, SQUAT, PUSH, HINGE, PULL, CORE),
    "easy cardio": (CARDIO, MOBILITY),
    "long cardio": (CARDIO,),
    "cardio and core": (CARDIO, CORE, CORE),
    "mobility": (MOBILITY, MOBILITY, MOBILITY, MOBILITY, CORE),
    "recovery": (MOBILITY, MOBILITY, MOBILITY),
}

_LIFTING: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("full body",),
    2: ("upper body", "lower body"),
    3: ("push", "legs", "pull"),
    4: ("upper body", "lower body", "upper body", "lower body"),
    5: ("push", "legs", "pull", "upper body", "lower body"),
    6: ("push", "legs", "pull", "push", "legs", "pull"),
    7: ("push", "legs", "pull", "push", "legs", "pull", "recovery"),
}
_CYCLES: Final[Mapping[Goal, tuple[str, ...]]] = {
    Goal.ENDURANCE: ("easy cardio", "cardio and core", "long cardio", "full body", "easy cardio", "long cardio"),
    Goal.WEIGHT_LOSS: ("circuit", "easy cardio", "circuit", "long cardio", "circuit", "easy cardio"),
    Goal.MOBILITY: ("mobility", "mobility", "easy cardio"),
    Goal.GENERAL_FITNESS: ("full body", "easy cardio", "full body", "mobility", "upper body", "long cardio"),
}


def focuses(goal: Goal, days_per_week: int) -> tuple[str, ...]:
    """What each day of the week is about. Seven days have one to recover."""
    if goal in (Goal.STRENGTH, Goal.MUSCLE_GAIN):
        return _LIFTING[days_per_week]
    cycle = _CYCLES[goal]
    found = tuple(cycle[index % len(cycle)] for index in range(days_per_week))
    return (*found[:-1], "recovery") if days_per_week == len(DAYS) else found


def design(wishes: Wishes) -> tuple[Sketch, ...]:
    """The week's training days, with exercises by level and equipment; days of one focus differ where they can."""
    choice = available(wishes)
    used: Counter[str] = Counter()
    found = []
    for day, focus in zip(DAYS[wishes.days_per_week], focuses(wishes.goal, wishes.days_per_week), strict=True):
        exercises = _exercises(FOCUSES[focus], choice, used)
        used.update(exercises)
        found.append(Sketch(day=day, focus=focus, exercises=exercises))
    return tuple(found)


def _exercises(patterns: Sequence[Pattern], choice: Sequence[Movement], used: Mapping[str, int]) -> tuple[str, ...]:
    """One exercise for each pattern, none twice: the one that the week has had least, and of these the hardest."""
    found: list[str] = []
    for pattern in patterns:
        free = [m.name for m in choice if m.pattern is pattern and m.name not in found and _is_worth_it(m, choice)]
        if free:
            found.append(min(free, key=lambda name: used.get(name, 0)))
    return tuple(found)


def _is_worth_it(movement: Movement, choice: Sequence[Movement]) -> bool:
    """Whether it is more than what is kept for those who can do nothing else."""
    return bool(movement.loads) or not any(other.loads for other in choice if other.pattern is movement.pattern)
