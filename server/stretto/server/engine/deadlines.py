"""When workflows must have ended."""

import heapq
from collections.abc import Callable

from stretto.server.domain.clock import Clock, Micros, Timer

STALE_MIN = 64

Key = tuple[str, str]
"""Project and workflow id."""


class Deadlines:
    """Calls back when a deadline has passed. Memory is bounded by the deadlines that are watched."""

    def __init__(self, clock: Clock, passed: Callable[[Key], None]) -> None:
        self._clock = clock
        self._passed = passed
        self._watched: dict[Key, Micros] = {}
        self._heap: list[tuple[Micros, Key]] = []
        self._timer: Timer | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, key: Key, deadline: Micros) -> None:
        """Watch a deadline; 0 is none."""
        if not deadline or self._watched.get(key) == deadline:
            return
        self._watched[key] = deadline
        heapq.heappush(self._heap, (deadline, key))
        if self._heap[0] == (deadline, key):
            self._set_timer()

    def forget(self, key: Key) -> None:
        """Watch it no more."""
        self._watched.pop(key, None)
        if len(self._heap) > STALE_MIN + 2 * len(self._watched):
            self._heap = [(deadline, known) for known, deadline in self._watched.items()]
            heapq.heapify(self._heap)

    def close(self) -> None:
        """Call back no more."""
        self._closed = True
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._closed:
            self._timer = self._clock.call_at(self._heap[0][0], self._look)

    def _look(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            deadline, key = heapq.heappop(self._heap)
            if self._watched.get(key) == deadline:
                del self._watched[key]
                self._passed(key)
        self._set_timer()
