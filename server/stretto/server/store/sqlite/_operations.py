"""What only the writer over SQLite is asked to do: others need no batch for it."""

import time
from dataclasses import dataclass

from stretto.server.domain.clock import Micros
from stretto.server.store._operations import Operation
from stretto.server.store.sqlite import _purge, _sql
from stretto.server.store.sqlite._batch import Batch

FORGOTTEN_MAX = 1_000
"""Request ids deleted in one operation, so that others do not wait for long; sessions too."""


@dataclass(frozen=True, slots=True)
class ForgetRequests(Operation[Batch]):
    """Delete some request ids that were used before a time."""

    before: Micros

    def run(self, batch: Batch) -> int:
        """Do it; says how many there were."""
        batch.flush()
        batch.connection.execute(_sql.FORGET_REQUESTS, (self.before, FORGOTTEN_MAX))
        return batch.connection.changes()


@dataclass(frozen=True, slots=True)
class Purge(Operation[Batch]):
    """Remove some of what belonged to deleted sessions."""

    def run(self, batch: Batch) -> int:
        """Do it for a short time; says how many rows there were, 0 when nothing is left."""
        batch.flush()
        count, until = 0, time.monotonic() + _purge.SECONDS_MAX
        for removed in _purge.pieces(batch.connection):
            count += removed
            if time.monotonic() >= until:
                break
        return count


@dataclass(frozen=True, slots=True)
class ForgetSessions(Operation[Batch]):
    """Delete some rows of sessions that were deleted before a time and of which nothing else is left."""

    before: Micros

    def run(self, batch: Batch) -> int:
        """Do it; says how many there were."""
        batch.flush()
        batch.connection.execute(_sql.FORGET_SESSIONS, (self.before, FORGOTTEN_MAX))
        return batch.connection.changes()
