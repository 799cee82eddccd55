"""Measures how long the store takes to commit."""

import asyncio
import time

import structlog

from stretto.server.app.fault import Fault, fault_of, silence_of
from stretto.server.domain.clock import SECOND, Micros
from stretto.server.domain.diagnosis import CommitTimes
from stretto.server.domain.errors import Overloaded
from stretto.server.store import Store

_log = structlog.get_logger(__name__)

SERIES_SECONDS_MAX = 10.0
"""Time after which no further commit of a series begins: on a slow disk few say as much as many."""

COMMIT_SECONDS_MAX = 5.0
"""Longest wait for one commit: as long as the server itself waits before it calls the store silent."""


class CommitGauge:
    """Times commits, for one caller at a time: two would measure each other, and many would fill the writer's queue."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._measuring = False
        self._commit: asyncio.Task[Micros | Fault] | None = None

    async def measure(self, count: int) -> CommitTimes:
        """Make commits one after another, each by the store's own writer; raises Overloaded when others are made."""
        if self._measuring or self._is_committing:
            raise Overloaded("Commits are being timed already.")
        self._measuring = True
        try:
            return await self._series(count)
        finally:
            self._measuring = False

    @property
    def _is_committing(self) -> bool:
        """Whether a commit is on its way, though its caller may have given up: on a stalled disk they would pile up."""
        return self._commit is not None and not self._commit.done()

    async def _series(self, count: int) -> CommitTimes:
        times: list[Micros] = []
        end = time.monotonic() + SERIES_SECONDS_MAX
        while len(times) < count and time.monotonic() < end:
            self._commit = asyncio.create_task(self._timed())
            done, _ = await asyncio.wait([self._commit], timeout=COMMIT_SECONDS_MAX)
            took = self._commit.result() if done else silence_of(COMMIT_SECONDS_MAX)
            if isinstance(took, Fault):
                _log.warning("commits_not_timed", reason=took.reason)
                return CommitTimes(tuple(times), took.told)
            times.append(took)
        return CommitTimes(tuple(times))

    async def _timed(self) -> Micros | Fault:
        began = time.perf_counter()
        try:
            await self._store.probe()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the caller wants to know of the store.
            return fault_of(error)
        return round((time.perf_counter() - began) * SECOND)
