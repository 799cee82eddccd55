"""The check of a plan: exercises that load what is hurt are replaced, and what else to be careful about is told."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from stretto.workflows.exercise_planning.design import Sketch
from stretto.workflows.exercise_planning.movements import BY_NAME, Movement, Pattern, available
from stretto.workflows.exercise_planning.wishes import BodyPart, Goal, Level, Wishes, words

DAYS_MAX_OF_BEGINNERS = 5
SHORT_MINUTES = 20


class Substitution(BaseModel):
    """An exercise that would have loaded an injury, and what stands in its place."""

    model_config = ConfigDict(frozen=True)

    day: str
    exercise: str
    substitute: str
    injury: BodyPart


def make_safe(sketches: Sequence[Sketch], wishes: Wishes) -> tuple[tuple[Sketch, ...], tuple[Substitution, ...]]:
    """The same days without exercises that load an injury, and what was replaced."""
    choice = [movement for movement in available(wishes) if not movement.loads.intersection(wishes.injuries)]
    safe: list[Sketch] = []
    substitutions: list[Substitution] = []
    for sketch in sketches:
        exercises, replaced = _safe_day(sketch, choice, wishes)
        safe.append(sketch.model_copy(update={"exercises": exercises}))
        substitutions += replaced
    return tuple(safe), tuple(substitutions)


def _safe_day(sketch: Sketch, choice: Sequence[Movement], wishes: Wishes) -> tuple[tuple[str, ...], list[Substitution]]:
    kept = {name for name in sketch.exercises if _injury_of(name, wishes) is None}
    exercises: list[str] = []
    replaced: list[Substitution] = []
    for name in sketch.exercises:
        injury = _injury_of(name, wishes)
        if injury is None:
            exercises.append(name)
            continue
        substitute = _substitute(BY_NAME[name].pattern, choice, kept.union(exercises))
        exercises += [substitute] if substitute else []
        replaced.append(Substitution(day=sketch.day, exercise=name, substitute=substitute, injury=injury))
    return tuple(exercises), replaced


def _injury_of(name: str, wishes: Wishes) -> BodyPart | None:
    """The first injury that an exercise would load."""
    return next((injury for injury in wishes.injuries if injury in BY_NAME[name].loads), None)


def _substitute(pattern: Pattern, choice: Sequence[Movement], taken: set[str]) -> str:
    """Something else that trains the same, else something that keeps moving; empty when the day has it all."""
    for wanted in (pattern, Pattern.MOBILITY):
        for movement in choice:
            if movement.pattern is wanted and movement.name not in taken:
                return movement.name
    return ""


def warnings_of(wishes: Wishes, sketches: Sequence[Sketch], substitutions: Sequence[Substitution]) -> tuple[str, ...]:
    """What to be careful about, a sentence each. The days are those that were made safe."""
    return (*_of_injuries(wishes, sketches, substitutions), *_of_load(wishes))


def _of_injuries(wishes: Wishes, sketches: Sequence[Sketch], substitutions: Sequence[Substitution]) -> list[str]:
    found = []
    if wishes.injuries:
        hurt = ", ".join(words(injury) for injury in wishes.injuries)
        found.append(f"Ask a physician or physiotherapist before you train with an injury ({hurt}).")
    done = {BY_NAME[name].pattern for sketch in sketches for name in sketch.exercises if BY_NAME[name].loads}
    lost = {BY_NAME[substitution.exercise].pattern for substitution in substitutions} - done
    if lost:
        named = ", ".join(sorted(lost))
        found.append(f"The injuries leave next to nothing for {named}; the plan has gentle exercises there.")
    return found


def _of_load(wishes: Wishes) -> list[str]:
    found = []
    if wishes.level is Level.BEGINNER and wishes.days_per_week > DAYS_MAX_OF_BEGINNERS:
        found.append(f"{wishes.days_per_week} days a week are a lot for a beginner; 3 or 4 leave more time to recover.")
    elif wishes.days_per_week == 7:  # noqa: PLR2004 - a week has no more
        found.append("There is no day of rest; take the day of recovery lightly.")
    if wishes.minutes_per_session <= SHORT_MINUTES and wishes.goal in (Goal.STRENGTH, Goal.MUSCLE_GAIN):
        minutes, goal = wishes.minutes_per_session, words(wishes.goal)
        found.append(f"{minutes} minutes leave room for few sets only, because {goal} needs rests.")
    if wishes.days_per_week == 1:
        found.append("One day a week keeps what is there; two or more bring progress.")
    return found
