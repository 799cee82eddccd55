"""The table of exercises: what each trains, what it loads, what it needs, and whom it suits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stretto.workflows.exercise_planning.wishes import BodyPart, Equipment, Level, Wishes

KNEE, SHOULDER, BACK, WRIST = BodyPart.KNEE, BodyPart.SHOULDER, BodyPart.BACK, BodyPart.WRIST
ELBOW, HIP, ANKLE, NECK = BodyPart.ELBOW, BodyPart.HIP, BodyPart.ANKLE, BodyPart.NECK
DUMBBELLS, BARBELL, KETTLEBELL = Equipment.DUMBBELLS, Equipment.BARBELL, Equipment.KETTLEBELL
BANDS, BAR, BENCH = Equipment.BANDS, Equipment.PULL_UP_BAR, Equipment.BENCH
BICYCLE, ROWER = Equipment.BICYCLE, Equipment.ROWING_MACHINE
BEGINNER, INTERMEDIATE, ADVANCED = Level.BEGINNER, Level.INTERMEDIATE, Level.ADVANCED


class Pattern(StrEnum):
    """What a movement trains."""

    PUSH = "pushing"
    PULL = "pulling"
    SQUAT = "squatting"
    HINGE = "hip hinging"
    CORE = "core"
    CARDIO = "cardio"
    MOBILITY = "mobility"


PUSH, PULL, SQUAT, HINGE = Pattern.PUSH, Pattern.PULL, Pattern.SQUAT, Pattern.HINGE
CORE, CARDIO, MOBILITY = Pattern.CORE, Pattern.CARDIO, Pattern.MOBILITY


@dataclass(frozen=True, slots=True)
class Movement:
    """One exercise of the table."""

    name: str
    pattern: Pattern
    level: Level
    loads: frozenset[BodyPart]
    needs: frozenset[Equipment]
    held: bool
    """Whether it is done by time and not by repetitions."""

    @property
    def weighted(self) -> bool:
        """Whether its load can be made heavier."""
        return bool(self.needs & {DUMBBELLS, BARBELL, KETTLEBELL})


def _movement(
    name: str, pattern: Pattern, level: Level, loads: set[BodyPart], *needs: Equipment, held: bool = False
) -> Movement:
    return Movement(name, pattern, level, frozenset(loads), frozenset(needs), held)


TABLE: Final = (
    _movement("Barbell bench press", PUSH, INTERMEDIATE, {SHOULDER, ELBOW, WRIST}, BARBELL, BENCH),
    _movement("Dumbbell bench press", PUSH, BEGINNER, {SHOULDER, ELBOW, WRIST}, DUMBBELLS, BENCH),
    _movement("Barbell overhead press", PUSH, ADVANCED, {SHOULDER, ELBOW, WRIST, BACK, NECK}, BARBELL),
    _movement("Dumbbell shoulder press", PUSH, INTERMEDIATE, {SHOULDER, ELBOW, NECK}, DUMBBELLS),
    _movement("Dumbbell floor press", PUSH, BEGINNER, {ELBOW, WRIST}, DUMBBELLS),
    _movement("Band chest press", PUSH, BEGINNER, {SHOULDER, ELBOW}, BANDS),
    _movement("Archer push-up", PUSH, ADVANCED, {SHOULDER, ELBOW, WRIST}),
    _movement("Pike push-up", PUSH, INTERMEDIATE, {SHOULDER, ELBOW, WRIST, NECK}),
    _movement("Push-up", PUSH, INTERMEDIATE, {SHOULDER, ELBOW, WRIST}),
    _movement("Incline push-up", PUSH, BEGINNER, {SHOULDER, ELBOW, WRIST}),
    _movement("Wall push-up", PUSH, BEGINNER, {SHOULDER, WRIST}),
    _movement("Isometric palm press", PUSH, BEGINNER, set(), held=True),
    _movement("Pull-up", PULL, INTERMEDIATE, {SHOULDER, ELBOW}, BAR),
    _movement("Bent-over barbell row", PULL, INTERMEDIATE, {BACK, ELBOW}, BARBELL),
    _movement("One-arm dumbbell row", PULL, BEGINNER, {ELBOW}, DUMBBELLS),
    _movement("Kettlebell high pull", PULL, ADVANCED, {SHOULDER, BACK, ELBOW, WRIST}, KETTLEBELL),
    _movement("Band row", PULL, BEGINNER, {ELBOW}, BANDS),
    _movement("Band pull-apart", PULL, BEGINNER, {SHOULDER}, BANDS),
    _movement("Dead hang", PULL, BEGINNER, {SHOULDER, WRIST}, BAR, held=True),
    _movement("Prone swimmer", PULL, INTERMEDIATE, {BACK, SHOULDER, NECK}),
    _movement("Prone Y raise", PULL, BEGINNER, {SHOULDER, NECK}),
    _movement("Towel row against the foot", PULL, BEGINNER, {ELBOW}, held=True),
    _movement("Shoulder blade squeeze", PULL, BEGINNER, set(), held=True),
    _movement("Barbell back squat", SQUAT, INTERMEDIATE, {KNEE, HIP, BACK, ANKLE}, BARBELL),
    _movement("Bulgarian split squat", SQUAT, ADVANCED, {KNEE, HIP, ANKLE}, DUMBBELLS, BENCH),
    _movement("Goblet squat", SQUAT, BEGINNER, {KNEE, HIP, ANKLE}, KETTLEBELL),
    _movement("Dumbbell goblet squat", SQUAT, BEGINNER, {KNEE, HIP, ANKLE}, DUMBBELLS),
    _movement("Reverse lunge", SQUAT, INTERMEDIATE, {KNEE, HIP, ANKLE}),
    _movement("Bodyweight squat", SQUAT, BEGINNER, {KNEE, HIP, ANKLE}),
    _movement("Box squat to a chair", SQUAT, BEGINNER, {KNEE, HIP}),
    _movement("Side-lying leg raise", SQUAT, BEGINNER, {HIP}),
    _movement("Standing calf raise", SQUAT, BEGINNER, {ANKLE}),
    _movement("Seated thigh squeeze", SQUAT, BEGINNER, set(), held=True),
    _movement("Barbell deadlift", HINGE, ADVANCED, {BACK, HIP, KNEE}, BARBELL),
    _movement("Dumbbell Romanian deadlift", HINGE, INTERMEDIATE, {BACK, HIP}, DUMBBELLS),
    _movement("Kettlebell swing", HINGE, INTERMEDIATE, {BACK, HIP, SHOULDER}, KETTLEBELL),
    _movement("Band good morning", HINGE, BEGINNER, {BACK, HIP}, BANDS),
    _movement("Single-leg glute bridge", HINGE, INTERMEDIATE, {HIP}),
    _movement("Glute bridge", HINGE, BEGINNER, {HIP}),
    _movement("Isometric glute squeeze", HINGE, BEGINNER, set(), held=True),
    _movement("Hanging knee raise", CORE, ADVANCED, {SHOULDER, HIP, BACK}, BAR),
    _movement("Side plank", CORE, INTERMEDIATE, {SHOULDER, ELBOW}, held=True),
    _movement("Plank", CORE, BEGINNER, {SHOULDER, ELBOW, BACK}, held=True),
    _movement("Dead bug", CORE, BEGINNER, {HIP}),
    _movement("Bird dog", CORE, BEGINNER, {WRIST, KNEE}),
    _movement("Abdominal bracing", CORE, BEGINNER, set(), held=True),
    _movement("Rowing", CARDIO, BEGINNER, {BACK, KNEE, SHOULDER, WRIST}, ROWER),
    _movement("Cycling", CARDIO, BEGINNER, {KNEE, HIP}, BICYCLE),
    _movement("Running", CARDIO, INTERMEDIATE, {KNEE, ANKLE, HIP, BACK}),
    _movement("Brisk walking", CARDIO, BEGINNER, {ANKLE, HIP}),
    _movement("Marching on the spot", CARDIO, BEGINNER, {HIP, ANKLE}),
    _movement("Shadow boxing while seated", CARDIO, BEGINNER, {SHOULDER, ELBOW}),
    _movement("Seated breathing intervals", CARDIO, BEGINNER, set()),
    _movement("Deep squat hold", MOBILITY, INTERMEDIATE, {KNEE, HIP, ANKLE}, held=True),
    _movement("World's greatest stretch", MOBILITY, INTERMEDIATE, {HIP, WRIST, KNEE}, held=True),
    _movement("Cat-cow", MOBILITY, BEGINNER, {WRIST, KNEE, BACK}, held=True),
    _movement("Hip flexor stretch", MOBILITY, BEGINNER, {KNEE, HIP}, held=True),
    _movement("Doorway chest stretch", MOBILITY, BEGINNER, {SHOULDER}, held=True),
    _movement("Hamstring stretch lying down", MOBILITY, BEGINNER, {HIP}, held=True),
    _movement("Ankle circles", MOBILITY, BEGINNER, {ANKLE}, held=True),
    _movement("Thoracic rotation lying down", MOBILITY, BEGINNER, {SHOULDER, BACK}, held=True),
    _movement("Neck half circles", MOBILITY, BEGINNER, {NECK}, held=True),
    _movement("Wrist circles", MOBILITY, BEGINNER, {WRIST}, held=True),
    _movement("Finger spreads", MOBILITY, BEGINNER, set(), held=True),
    _movement("Diaphragmatic breathing lying down", MOBILITY, BEGINNER, set(), held=True),
)
"""Each pattern ends with something that needs nothing and loads nothing that may be hurt, so no injury empties it."""

BY_NAME: Final = {movement.name: movement for movement in TABLE}
_RANK: Final = {level: rank for rank, level in enumerate(Level)}


def available(wishes: Wishes) -> tuple[Movement, ...]:
    """What suits the level and the equipment, the most demanding first; injuries are not looked at."""
    has = set(Equipment) if Equipment.GYM in wishes.equipment else set(wishes.equipment)
    fitting = [m for m in TABLE if m.needs <= has and _RANK[m.level] <= _RANK[wishes.level]]
    return tuple(sorted(fitting, key=lambda movement: -_RANK[movement.level]))
