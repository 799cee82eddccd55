"""The pace: how long a phase is made to take. 0 is as fast as it goes; 1 is about as slow as work with people."""

import asyncio
import math
import os
from collections.abc import Callable
from functools import cache

from stretto.server import Misconfigured

VARIABLE = "STRETTO_PACE"
PART_SECONDS_MAX = 0.25
PARTS_MAX = 20
"""A phase tells at most so often that time passes, whatever the pace: each time is an event that is kept."""


class PaceInvalid(Misconfigured):
    """The pace is not a number from 0 on."""


@cache
def pace() -> float:
    """The pace of this process, out of its environment."""
    return parse(os.environ.get(VARIABLE, ""))


def parse(text: str) -> float:
    """A pace as somebody wrote it; 0 when nothing is there."""
    try:
        found = float(text or 0)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise PaceInvalid(f"{VARIABLE} is {text!r}; allowed is a number from 0 on, such as 0, 0.5 or 1.")
    return found


async def spend(seconds: float, passed: Callable[[float], None]) -> None:
    """Let time pass in small parts, and tell after each but the last which share of it is over."""
    parts = min(PARTS_MAX, math.ceil(seconds / PART_SECONDS_MAX))
    for part in range(1, parts + 1):
        await asyncio.sleep(seconds / parts)
        if part < parts:
            passed(part / parts)
