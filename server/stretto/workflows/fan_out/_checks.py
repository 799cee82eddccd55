"""What is refused when a fan-out is declared, before it is ever run."""

import math
from typing import Any

from langgraph.types import RetryPolicy
from pydantic import TypeAdapter
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from stretto.workflows.fan_out.errors import FanOutMisconfigured


def check_seconds(told: str, value: object) -> None:
    """Refuse a time that is none. `told` is what it is called in the error."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FanOutMisconfigured(f"{told} is {value!r}; it must be a number of seconds.")
    if not 0 < value < math.inf:
        raise FanOutMisconfigured(f"{told} is {value!r}; it must be above 0, and have an end.")


def check_count(told: str, value: object) -> None:
    """Refuse a number of branches or threads that is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FanOutMisconfigured(f"{told} is {value!r}; it must be a whole number above 0.")


def check_retry(told: str, value: object) -> None:
    """Refuse what is no policy, such as a number of attempts."""
    if value is not None and not isinstance(value, RetryPolicy):
        raise FanOutMisconfigured(
            f"{told} is {value!r}; it must be a RetryPolicy of langgraph.types, such as RetryPolicy(max_attempts=3)."
        )


def check_type(told: str, value: Any) -> None:
    """Refuse what pydantic cannot check an answer by. A name in quotes is known to nobody here."""
    try:
        is_type = not isinstance(value, str) and TypeAdapter(value).pydantic_complete
    except (PydanticUserError, PydanticUndefinedAnnotation):
        is_type = False
    if not is_type:
        raise FanOutMisconfigured(f"{told} is {value!r}; it must be a type, such as list[str] or a pydantic model.")
