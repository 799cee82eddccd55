"""How much of an exercise: sets, repetitions and loads by goal, and how they grow from week to week."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.exercise_planning.movements import CORE, Movement
from stretto.workflows.exercise_planning.wishes import Goal, Level, Wishes

BLOCK_WEEKS: Final = 4
"""Each fourth week is easy: fewer sets and less load, so that the body catches up."""
DELOAD_PERCENT: Final = 70
CARDIO_START_PERCENT: Final = 70
"""Cardio begins with this much of the time that there is for it, and fills it in the last week."""
REPETITION_SECONDS: Final = 4
LIGHT_REST_SECONDS_MAX: Final = 45
"""What is held, or trains the core, needs no long rest, whatever the goal."""
LOAD_STEP_PERCENT: Final = {Level.BEGINNER: 5, Level.INTERMEDIATE: 3, Level.ADVANCED: 2}
HOLD_STEP_SECONDS: Final = 5


class Exercise(BaseModel):
    """One exercise of a session, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    name: str
    sets: int
    repetitions: int = 0
    seconds: int = 0
    minutes: int = 0
    rest_seconds: int = 0
    load_percent: int = 0

    @property
    def duration(self) -> int:
        """How long it takes in seconds, rests included."""
        work = self.repetitions * REPETITION_SECONDS + self.seconds + self.minutes * 60
        return self.sets * (work + self.rest_seconds)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How much of an exercise a goal asks for in the first week."""

    sets: int
    repetitions: int
    hold_seconds: int
    rest_seconds: int


SCHEMES: Final = {
    Goal.STRENGTH: Scheme(sets=4, repetitions=5, hold_seconds=30, rest_seconds=120),
    Goal.MUSCLE_GAIN: Scheme(sets=4, repetitions=9, hold_seconds=30, rest_seconds=75),
    Goal.ENDURANCE: Scheme(sets=2, repetitions=15, hold_seconds=40, rest_seconds=30),
    Goal.WEIGHT_LOSS: Scheme(sets=3, repetitions=12, hold_seconds=30, rest_seconds=30),
    Goal.MOBILITY: Scheme(sets=2, repetitions=10, hold_seconds=40, rest_seconds=15),
    Goal.GENERAL_FITNESS: Scheme(sets=3, repetitions=10, hold_seconds=30, rest_seconds=60),
}


def is_deload(week: int) -> bool:
    """Whether a week is an easy one."""
    return week % BLOCK_WEEKS == 0


def lifting(movement: Movement, week: int, sets: int, wishes: Wishes) -> Exercise:
    """Sets of a movement in a week: weights get heavier, what has no weight gets longer; easy weeks have less."""
    scheme, easy = SCHEMES[wishes.goal], is_deload(week)
    steps = 0 if easy else _training_weeks_before(week)
    unweighted = 0 if movement.weighted else steps
    return Exercise(
        name=movement.name,
        sets=max(1, sets - 1) if easy else sets,
        repetitions=0 if movement.held else scheme.repetitions + unweighted,
        seconds=scheme.hold_seconds + HOLD_STEP_SECONDS * unweighted if movement.held else 0,
        rest_seconds=min(scheme.rest_seconds, LIGHT_REST_SECONDS_MAX) if _is_light(movement) else scheme.rest_seconds,
        load_percent=_load(week, wishes.level) if movement.weighted else 0,
    )


def cardio(movement: Movement, week: int, minutes_max: int, wishes: Wishes) -> Exercise:
    """Cardio of a week: up to the time that there is in the last one."""
    grown = (100 - CARDIO_START_PERCENT) * (week - 1) // max(1, wishes.weeks - 1)
    percent = CARDIO_START_PERCENT if is_deload(week) else CARDIO_START_PERCENT + grown
    return Exercise(name=movement.name, sets=1, minutes=max(1, minutes_max * percent // 100))


def _is_light(movement: Movement) -> bool:
    return movement.held or movement.pattern is CORE


def _load(week: int, level: Level) -> int:
    """Load in percent of the first week's."""
    full = 100 + LOAD_STEP_PERCENT[level] * _training_weeks_before(week)
    return full * DELOAD_PERCENT // 100 if is_deload(week) else full


def _training_weeks_before(week: int) -> int:
    return week - 1 - (week - 1) // BLOCK_WEEKS
