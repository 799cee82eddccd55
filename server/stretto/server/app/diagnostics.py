"""Puts together how the server is, for those who operate it."""

import platform
from collections.abc import Callable
from importlib.metadata import version

from stretto.server.app.care import Care
from stretto.server.app.gauge import CommitGauge
from stretto.server.domain.clock import Clock
from stretto.server.domain.diagnosis import (
    CommitTimes,
    Diagnosis,
    ExecutorCounts,
    Sharing,
    StoreHealth,
    WorkflowCounts,
)
from stretto.server.domain.settings import Settings
from stretto.server.engine.runner import Runner
from stretto.server.store import Store


class Diagnostics:
    """Asks the server's parts what they know already, so that it answers at once, whatever state the store is in."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        care: Care,
        gauge: CommitGauge,
        dispatcher: Runner,
        sharing: Callable[[], Sharing],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._care = care
        self._gauge = gauge
        self._dispatcher = dispatcher
        self._sharing = sharing
        self._clock = clock
        self._started_at = clock.now()
        # LangGraph is asked for by name: this process does not import it.
        self._versions = version("stretto"), platform.python_version(), version("langgraph")

    def diagnosis(self) -> Diagnosis:
        """How the server is now."""
        ours, python, langgraph = self._versions
        return Diagnosis(
            version=ours,
            python_version=python,
            langgraph_version=langgraph,
            started_at=self._started_at,
            answered_at=self._clock.now(),
            draining=self._dispatcher.draining,
            store=self._health_of_store(),
            executors=self._count_executors(),
            workflows=self._count_workflows(),
            sharing=self._sharing(),
        )

    async def time_commits(self, count: int) -> CommitTimes:
        """How long commits take; none is made while the store is not healthy, since room or patience may be scarce."""
        if fault := self._care.fault:
            return CommitTimes(fault=fault.told)
        return await self._gauge.measure(count)

    def _health_of_store(self) -> StoreHealth:
        care = self._care
        return StoreHealth(
            kind=self._store.kind,
            durability=self._store.durability,
            fault=care.fault.told if care.fault else "",
            checked_at=care.checked_at,
            free_bytes=care.free_bytes,
            free_bytes_min=self._settings.free_bytes_min,
        )

    def _count_executors(self) -> ExecutorCounts:
        dispatcher = self._dispatcher
        wanted = self._settings.executors if self._settings.run_workflows else 0
        return ExecutorCounts(wanted=wanted, alive=dispatcher.executor_count, stalled=dispatcher.stalled_count)

    def _count_workflows(self) -> WorkflowCounts:
        dispatcher = self._dispatcher
        return WorkflowCounts(
            running=dispatcher.running_count,
            concurrency_max=self._settings.concurrency_max,
            queued=dispatcher.queued_count,
            queue_max=self._settings.queue_max,
            with_deadline=dispatcher.deadline_count,
        )
