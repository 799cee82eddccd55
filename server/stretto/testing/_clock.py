"""A clock that stands until a test moves it."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from stretto.server.domain.clock import SECOND, Micros, Timer

_EPOCH = datetime.fromtimestamp(0, UTC)


class ManualClock:
    """Tells the time that a test has set: deadlines and total timeouts pass when it is advanced, and not before.

    Each reading is a microsecond later than the one before, so that what happens keeps its order. It may be advanced
    from any thread.
    """

    def __init__(self, start: datetime | None = None) -> None:
        """Begin at a moment, which must have a time zone; now, when none is given."""
        self._now = (start - _EPOCH if start else datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)
        self._timers: set[_Timer] = set()
        self._lock = threading.Lock()

    @property
    def time(self) -> datetime:
        """The present time, as a datetime."""
        return _EPOCH + timedelta(microseconds=self.now())

    def now(self) -> Micros:
        """The present time, in microseconds since 1970."""
        with self._lock:
            self._now += 1
            return self._now

    def advance(self, by: float | timedelta) -> None:
        """Let seconds pass, or a timedelta; whatever was due by then happens as soon as the server's loop turns."""
        passed = int((by.total_seconds() if isinstance(by, timedelta) else by) * SECOND)
        if passed < 0:
            raise ValueError(f"A clock goes forward only, not by {by}.")
        with self._lock:
            self._now += passed
            due = sorted((timer for timer in self._timers if timer.at <= self._now), key=lambda timer: timer.at)
            self._timers.difference_update(due)
        for timer in due:
            timer.fire_soon()

    def call_at(self, at: Micros, callback: Callable[[], None]) -> Timer:
        """Call back on the running loop once the clock has been advanced to a time."""
        timer = _Timer(self, at, callback)
        with self._lock:
            passed = at <= self._now
            if not passed:
                self._timers.add(timer)
        if passed:
            timer.fire_soon()
        return timer

    def forget(self, timer: "_Timer") -> None:
        """Do not call this one."""
        with self._lock:
            self._timers.discard(timer)


class _Timer:
    """A call that waits for the clock."""

    def __init__(self, clock: ManualClock, at: Micros, callback: Callable[[], None]) -> None:
        self.at = at
        self._clock = clock
        self._callback: Callable[[], None] | None = callback
        self._loop = asyncio.get_running_loop()

    def fire_soon(self) -> None:
        """Call at the loop's next turn."""
        self._loop.call_soon_threadsafe(self._fire)

    def cancel(self) -> None:
        """Call it off."""
        self._callback = None
        self._clock.forget(self)

    def _fire(self) -> None:
        if self._callback is not None:
            self._callback()
