"""Time, as the one thing that tests must be able to set."""

import time
from typing import Protocol

Micros = int
"""Microseconds since 1970-01-01 UTC."""

SECOND: Micros = 1_000_000


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Micros:
        """The present time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        """The present time."""
        return time.time_ns() // 1_000
