"""What does not fit: the first day, the time that is left, and who is named twice; and what is missing."""

from collections.abc import Sequence

from stretto.workflows._words import count
from stretto.workflows.hr_onboarding.days import is_working_day, name_of
from stretto.workflows.hr_onboarding.hire import Hire
from stretto.workflows.hr_onboarding.schedule import Task


def conflicts_of(hire: Hire, tasks: Sequence[Task]) -> tuple[str, ...]:
    """All of it, a sentence each."""
    return tuple(filter(None, (_of_weekend(hire), _of_past(hire), _of_time(hire, tasks), _of_names(hire))))


def warnings_of(hire: Hire) -> tuple[str, ...]:
    """What else to know, a sentence each."""
    return () if hire.manager else ("No manager is named, so the manager's tasks have no owner by name.",)


def _of_weekend(hire: Hire) -> str:
    if is_working_day(hire.start_date):
        return ""
    weekday = name_of(hire.start_date)
    return f"The start date {hire.start_date} is a {weekday}; work begins on Monday, {hire.first_day}."


def _of_past(hire: Hire) -> str:
    if hire.today is None or hire.start_date >= hire.today:
        return ""
    return f"The start date {hire.start_date} is in the past."


def _of_time(hire: Hire, tasks: Sequence[Task]) -> str:
    """Tasks that should be done already, as far as somebody said which day it is."""
    late = [task for task in tasks if hire.today is not None and task.due_date < hire.today]
    if not late:
        return ""
    titles = ", ".join(task.title.lower() for task in late)
    verb = "was" if len(late) == 1 else "were"
    return f"{count(len(late), 'task')} {verb} due before today, so hurry or start later: {titles}."


def _of_names(hire: Hire) -> str:
    if hire.manager and hire.manager.casefold() == hire.buddy.casefold():
        return f"{hire.manager} is manager and buddy at once; a buddy should be somebody else."
    if hire.name.casefold() in (hire.manager.casefold(), hire.buddy.casefold()):
        return f"{hire.name} cannot be their own manager or buddy."
    return ""
