"""How values of contracts are said to people: names of enums, and spans of time."""

from itertools import takewhile
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor

__all__ = ["duration_in_words", "enum_in_words", "prefix_of"]

_UNITS: Final = (("hours", 3600, 7200), ("minutes", 60, 120), ("seconds", 1, 1), ("milliseconds", 0.001, 0))
"""Units of time in seconds, and from how many seconds on each is used: 90 seconds are no 1.5 minutes."""


def prefix_of(enum: EnumDescriptor) -> str:
    """What all names begin with, such as `GOAL_`; empty when they have nothing in common."""
    columns = zip(*(value.name.split("_")[:-1] for value in enum.values), strict=False)
    return "".join(f"{column[0]}_" for column in takewhile(lambda column: len(set(column)) == 1, columns))


def enum_in_words(enum: EnumDescriptor) -> dict[int, str]:
    """The names as a person would say them, such as `weight loss`; that nothing was said is an empty text."""
    prefix = prefix_of(enum)
    names = {number: value.name.removeprefix(prefix) for number, value in enum.values_by_number.items()}
    return {
        number: "" if not number and name == "UNSPECIFIED" else name.replace("_", " ").lower()
        for number, name in names.items()
    }


def duration_in_words(message: Any) -> str:
    """A `google.protobuf.Duration`, to three digits."""
    seconds = message.seconds + message.nanos / 1e9
    unit, size, _ = next(each for each in _UNITS if abs(seconds) >= each[2])
    return f"{seconds / size:.3g} {unit}" if seconds else "0 seconds"
