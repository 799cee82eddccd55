"""The welcome letter: what a chat model is asked for, and the template that stands in for it."""

from collections.abc import Sequence
from typing import Final

from stretto.workflows.hr_onboarding.days import name_of
from stretto.workflows.hr_onboarding.hire import Hire
from stretto.workflows.hr_onboarding.schedule import Milestone, Task

SYSTEM: Final = (
    "You write for the human resources department. Write a short, warm welcome letter of at most 150 words to the "
    "person who joins. Use only the names, days and facts that are given, and promise nothing else."
)


def template(hire: Hire, tasks: Sequence[Task], milestones: Sequence[Milestone]) -> str:
    """A letter without a model."""
    place = "You work from home, so your laptop comes by mail." if hire.remote else "Your desk will be ready."
    manager = f" {hire.manager} will welcome you and go through your first weeks with you." if hire.manager else ""
    buddy = f" {hire.buddy} is there for all your questions." if hire.buddy else ""
    own = [task.title.lower() for task in tasks if task.owner_name == hire.name][:3]
    first = f" In your first days you will {', '.join(own)}." if own else ""
    return (
        f"Dear {hire.name},\n\nwelcome! We look forward to {name_of(hire.first_day)}, {hire.first_day}, when you "
        f"join us as {hire.role}. {place}{manager}{buddy}{first} After 30 days we want to have reached this: "
        f"{milestones[0].goals[0].lower()}.\n\nSee you soon!"
    )


def prompt(hire: Hire, tasks: Sequence[Task], milestones: Sequence[Milestone]) -> str:
    """What a chat model gets to know."""
    own = "\n".join(f"- {task.due_date}: {task.title}" for task in tasks if task.owner_name == hire.name)
    goals = "\n".join(f"- after {each.day} days: {'; '.join(each.goals)}" for each in milestones)
    return (
        f"Name: {hire.name}. Role: {hire.role}. Department: {hire.department.words}. First day: {hire.first_day}.\n"
        f"Works {'from home' if hire.remote else 'in the office'}. Manager: {hire.manager or 'not named yet'}. "
        f"Buddy: {hire.buddy or 'not named yet'}.\nTheir own first tasks:\n{own}\nGoals:\n{goals}"
    )
