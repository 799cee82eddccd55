"""Time, as the one thing that tests must be able to set."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

Micros = int
"""Microseconds since 1970-01-01 UTC."""

SECOND: Micros = 1_000_000

SLEEP_SECONDS_MAX = 3_600.0
"""Longest sleep: clocks are set, and a timer must not sleep through that."""


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Call it off."""
        ...


class Clock(Protocol):
    """Tells the time, and wakes at a time."""

    def now(self) -> Micros:
        """The present time."""
        ...

    def call_at(self, at: Micros, callback: Callable[[], None]) -> Timer:
        """Call back on the running loop at a time, or before it: whoever is called looks at the clock again."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        """The present time."""
        return time.time_ns() // 1_000

    def call_at(self, at: Micros, callback: Callable[[], None]) -> Timer:
        """Call back on the running loop at a time, or when the longest sleep is over."""
        delay = min(SLEEP_SECONDS_MAX, max(0.0, (at - self.now()) / SECOND))
        return asyncio.get_running_loop().call_later(delay, callback)
