"""The weeks of a plan: each session fits into the minutes that there are."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.exercise_planning.design import Sketch
from stretto.workflows.exercise_planning.movements import BY_NAME, CARDIO, Movement
from stretto.workflows.exercise_planning.volume import SCHEMES, Exercise, cardio, is_deload, lifting
from stretto.workflows.exercise_planning.wishes import Wishes

WARM_UP_PERCENT: Final = 12
WARM_UP_MINUTES_MIN: Final = 2
SETS_MIN: Final = 2
"""A session has fewer exercises rather than fewer sets than these."""
CARDIO_PERCENT: Final[Mapping[str, int]] = {"long cardio": 100, "easy cardio": 75, "cardio and core": 60, "circuit": 30}
"""How much of a session's time is for its cardio, by what the session is about."""


class Session(BaseModel):
    """One session of a week."""

    model_config = ConfigDict(frozen=True)

    day: str
    focus: str
    minutes: int
    warm_up_minutes: int
    exercises: tuple[Exercise, ...]


class Week(BaseModel):
    """One week of a plan."""

    model_config = ConfigDict(frozen=True)

    number: int
    deload: bool
    sessions: tuple[Session, ...]


def schedule(sketches: Sequence[Sketch], wishes: Wishes) -> tuple[Week, ...]:
    """All weeks of the plan."""
    return tuple(
        Week(number=week, deload=is_deload(week), sessions=tuple(_session(sketch, week, wishes) for sketch in sketches))
        for week in range(1, wishes.weeks + 1)
    )


def _session(sketch: Sketch, week: int, wishes: Wishes) -> Session:
    warm_up = max(WARM_UP_MINUTES_MIN, wishes.minutes_per_session * WARM_UP_PERCENT // 100)
    exercises = _exercises(sketch, week, wishes, wishes.minutes_per_session - warm_up)
    return Session(
        day=sketch.day,
        focus=sketch.focus,
        minutes=warm_up + ceil(sum(exercise.duration for exercise in exercises) / 60),
        warm_up_minutes=warm_up,
        exercises=exercises,
    )


def _exercises(sketch: Sketch, week: int, wishes: Wishes, minutes: int) -> tuple[Exercise, ...]:
    """What is done in so many minutes: cardio first, then as much of the rest as has room."""
    movements = [BY_NAME[name] for name in sketch.exercises]
    running = [movement for movement in movements if movement.pattern is CARDIO]
    lifted = [movement for movement in movements if movement.pattern is not CARDIO]
    cardio_minutes = minutes * CARDIO_PERCENT.get(sketch.focus, 100) // 100 if running else 0
    sets, kept = _fit(lifted, wishes, (minutes - cardio_minutes) * 60)
    return (
        *(cardio(movement, week, cardio_minutes // len(running), wishes) for movement in running),
        *(lifting(movement, week, sets, wishes) for movement in lifted[:kept]),
    )


def _fit(movements: Sequence[Movement], wishes: Wishes, seconds: int) -> tuple[int, int]:
    """How many sets of how many of the movements there is time for, in the longest week of all.

    It is the same in each week, so that weeks can be compared.
    """
    longest = [max(lifting(m, week, 1, wishes).duration for week in range(1, wishes.weeks + 1)) for m in movements]
    for kept in range(len(movements), 0, -1):
        sets = min(SCHEMES[wishes.goal].sets, seconds // sum(longest[:kept]))
        if sets >= SETS_MIN or (kept == 1 and sets):
            return sets, kept
    return 0, 0
