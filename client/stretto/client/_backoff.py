"""How long to wait before the next try."""

import random
import time

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0
"""A server that is back is found this soon at the latest. All who wait share one connection, and gRPC tries that one
no more often than this either, so many watchers cost a server that is down no more than one does."""

ROUNDS_MAX = 30
"""From here on pauses are as long as they get; a number that doubles for ever grows too large."""


class Backoff:
    """Pauses that double, each shortened at random so that many callers do not come back at one moment."""

    def __init__(self) -> None:
        self._tries = 0

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._tries = 0

    def next(self, at_least: float | None = None, *, servers: int = 1) -> float:
        """Seconds until the next try: none before each server was asked, then not less than what the last one said."""
        self._tries += 1
        rounds, rest = divmod(self._tries, servers)
        if rest:
            return 0.0
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(rounds - 1, ROUNDS_MAX))
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - Nothing to guess here.
        return max(pause, at_least or 0.0)


class Until:
    """A moment on the monotonic clock; never, when no time is given."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._moment = None if seconds is None else time.monotonic() + seconds

    def __str__(self) -> str:
        return f"{round(self._seconds or 0.0, 2):g} seconds"

    def left(self, most: float | None = None) -> float | None:
        """Seconds until then, and not more than `most`; None for no bound at all."""
        if self._moment is None:
            return most
        left = max(0.0, self._moment - time.monotonic())
        return left if most is None else min(left, most)

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return self._moment is not None and time.monotonic() >= self._moment
