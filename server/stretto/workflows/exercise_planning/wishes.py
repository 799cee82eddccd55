"""What a person wishes for: the request with its defaults, and how an edit changes it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows._words import count


class Goal(StrEnum):
    """What the training is for, as the contract names it."""

    STRENGTH = "GOAL_STRENGTH"
    ENDURANCE = "GOAL_ENDURANCE"
    WEIGHT_LOSS = "GOAL_WEIGHT_LOSS"
    MOBILITY = "GOAL_MOBILITY"
    MUSCLE_GAIN = "GOAL_MUSCLE_GAIN"
    GENERAL_FITNESS = "GOAL_GENERAL_FITNESS"


class Level(StrEnum):
    """How much training somebody is used to."""

    BEGINNER = "LEVEL_BEGINNER"
    INTERMEDIATE = "LEVEL_INTERMEDIATE"
    ADVANCED = "LEVEL_ADVANCED"


class BodyPart(StrEnum):
    """What exercises load, and what may be hurt."""

    KNEE = "BODY_PART_KNEE"
    SHOULDER = "BODY_PART_SHOULDER"
    BACK = "BODY_PART_BACK"
    WRIST = "BODY_PART_WRIST"
    ELBOW = "BODY_PART_ELBOW"
    HIP = "BODY_PART_HIP"
    ANKLE = "BODY_PART_ANKLE"
    NECK = "BODY_PART_NECK"


class Equipment(StrEnum):
    """What there is to train with."""

    DUMBBELLS = "EQUIPMENT_DUMBBELLS"
    BARBELL = "EQUIPMENT_BARBELL"
    KETTLEBELL = "EQUIPMENT_KETTLEBELL"
    BANDS = "EQUIPMENT_BANDS"
    PULL_UP_BAR = "EQUIPMENT_PULL_UP_BAR"
    BENCH = "EQUIPMENT_BENCH"
    BICYCLE = "EQUIPMENT_BICYCLE"
    ROWING_MACHINE = "EQUIPMENT_ROWING_MACHINE"
    GYM = "EQUIPMENT_GYM"


WEEKS_DEFAULT: Final = 4
MINUTES_DEFAULT: Final = 45


class Wishes(BaseModel):
    """A request with nothing left open."""

    model_config = ConfigDict(frozen=True)

    goal: Goal
    days_per_week: int
    weeks: int = WEEKS_DEFAULT
    minutes_per_session: int = MINUTES_DEFAULT
    level: Level = Level.BEGINNER
    injuries: tuple[BodyPart, ...] = ()
    equipment: tuple[Equipment, ...] = ()

    def text(self) -> str:
        """The wishes in a few words."""
        times = "once" if self.days_per_week == 1 else f"{self.days_per_week} days"
        return f"{words(self.goal)}, {times} a week for {count(self.weeks, 'week')}"


def wishes_of(request: Mapping[str, Any]) -> Wishes:
    """The wishes in the fields of a request; what it leaves open gets its default."""
    said = {name: value for name, value in request.items() if value is not None and value != "LEVEL_UNSPECIFIED"}
    return Wishes.model_validate(_without_repetition(said))


def changed(wishes: Wishes, changes: Mapping[str, Any]) -> Wishes:
    """The wishes after an edit. Injuries add up: nobody recovers by mentioning another one."""
    injuries = (*wishes.injuries, *changes.get("injuries", ()))
    merged = {**wishes.model_dump(), **changes, "injuries": injuries}
    return Wishes.model_validate(_without_repetition(merged))


def _without_repetition(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(dict.fromkeys(v)) if isinstance(v, list | tuple) else v for name, v in fields.items()}


def words(value: Goal | Level | BodyPart | Equipment) -> str:
    """A value as people say it."""
    return value.name.lower().replace("_", " ")
