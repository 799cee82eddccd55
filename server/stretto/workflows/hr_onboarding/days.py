"""Working days: Monday to Friday. Holidays differ from place to place and are not known."""

import datetime as dt
from typing import Final

ONE: Final = dt.timedelta(days=1)
NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKING_DAYS: Final = 5


def name_of(day: dt.date) -> str:
    """The day of the week, whatever language the machine speaks."""
    return NAMES[day.weekday()]


def is_working_day(day: dt.date) -> bool:
    """Whether people work on a day."""
    return day.weekday() < WORKING_DAYS


def working_day_from(day: dt.date) -> dt.date:
    """The day itself, or the first working day after it."""
    while not is_working_day(day):
        day += ONE
    return day


def shifted(day: dt.date, working_days: int) -> dt.date:
    """So many working days after a working day, or before it."""
    step = ONE if working_days > 0 else -ONE
    for _ in range(abs(working_days)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def distance(start: dt.date, end: dt.date) -> int:
    """Working days from one working day to another; negative when the other is earlier."""
    if end < start:
        return -distance(end, start)
    weeks, rest = divmod((end - start).days, 7)
    return weeks * WORKING_DAYS + sum(is_working_day(start + ONE * (extra + 1)) for extra in range(rest))
