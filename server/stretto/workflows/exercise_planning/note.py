"""The coach's note: what a chat model is asked for, and the template that stands in for it."""

from collections.abc import Sequence
from typing import Final

from stretto.workflows._words import count
from stretto.workflows.exercise_planning.schedule import Week
from stretto.workflows.exercise_planning.wishes import Wishes, words

SYSTEM: Final = (
    "You are a careful strength and conditioning coach. Write a short, friendly note of at most 120 words to the "
    "person whose plan is described. Use only what is given; add no exercises, no numbers and no medical advice."
)


def template(wishes: Wishes, weeks: Sequence[Week], warnings: Sequence[str]) -> str:
    """A note without a model."""
    focuses = ", ".join(dict.fromkeys(session.focus for session in weeks[0].sessions))
    easy = [str(week.number) for week in weeks if week.deload]
    rest = f" Week {' and '.join(easy)} is easier on purpose." if easy else ""
    care = f" Mind this: {' '.join(warnings)}" if warnings else ""
    return (
        f"Your plan for {words(wishes.goal)} has {count(wishes.days_per_week, 'session')} a week for "
        f"{count(wishes.weeks, 'week')}, each within {wishes.minutes_per_session} minutes: {focuses}. Start lightly, "
        f"stop when something hurts, and add load only as the weeks tell you.{rest}{care}"
    )


def prompt(wishes: Wishes, weeks: Sequence[Week], warnings: Sequence[str]) -> str:
    """What a chat model gets to know of the plan."""
    days = "\n".join(
        f"- {session.day}, {session.focus}: {', '.join(exercise.name for exercise in session.exercises)}"
        for session in weeks[0].sessions
    )
    hurt = ", ".join(words(injury) for injury in wishes.injuries) or "none"
    care = "\n".join(f"- {warning}" for warning in warnings) or "- nothing"
    return (
        f"Goal and time: {wishes.text()}, at most {wishes.minutes_per_session} minutes a session.\n"
        f"Level: {words(wishes.level)}. Injuries: {hurt}.\nThe first week:\n{days}\nTo be careful about:\n{care}"
    )
