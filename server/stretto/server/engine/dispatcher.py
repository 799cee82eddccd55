"""The embedded dispatcher: sees to it that all workflows of a store run that one server has to itself."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import structlog

from stretto.server.domain.change import Publication
from stretto.server.domain.clock import Clock
from stretto.server.domain.errors import Overloaded
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Status
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.deadlines import Deadlines
from stretto.server.engine.fair_queue import Waiting
from stretto.server.engine.runner import DispatchLimits, Key, Runner
from stretto.server.store.port import Store

_log = structlog.get_logger(__name__)

ROWS_KEPT_MAX = 1_000
"""Rows kept in the queue, so that those near its head need not be read; further back an entry has its names only."""

RECOVERED_AT_ONCE = 500
"""Workflows of a dead server that are taken up side by side."""


class LocalDispatcher(Runner):
    """Queues what the store's publications tell of, and what was left unfinished; watches deadlines."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock, limits: DispatchLimits) -> None:
        super().__init__(store, catalog, clock, limits)
        self._deadlines = Deadlines(clock, self._on_deadline)
        store.on_publication(self._on_publications)

    @property
    def queued_count(self) -> int:
        """How many wait for an executor."""
        return len(self._queue) - self._queue.count(TURN)

    @property
    def deadline_count(self) -> int:
        """How many that have not ended have a deadline that has not passed."""
        return len(self._deadlines)

    def check_queue(self, *, turn: bool = False) -> None:
        """Raise Overloaded when too many wait.

        Turns are counted apart: however many workflows wait, their users can ask for them and cancel them.
        """
        if (self._queue.count(TURN) if turn else self.queued_count) >= self._limits.queue_max:
            raise Overloaded(f"{self._limits.queue_max} {'messages' if turn else 'workflows'} are waiting already.")

    async def recover(self) -> None:
        """Take up every workflow that has not ended: queue what is due, keep waiting ones as rows."""
        owned: list[Key] = []
        queued: list[Waiting] = []
        foreign: Counter[str] = Counter()
        for unfinished in await self._store.unfinished():
            foreign[unfinished.workflow_type] += unfinished.workflow_type not in self._catalog
            key = (unfinished.project, unfinished.workflow_id)
            self._deadlines.watch(key, unfinished.deadline)
            if unfinished.status is Status.RUNNING:
                owned.append(key)
            elif unfinished.status is Status.QUEUED:
                queued.append(Waiting(*key, unfinished.workflow_type, unfinished.session_id))
        for start in range(0, len(owned), RECOVERED_AT_ONCE):
            await asyncio.gather(*(self._recover(key) for key in owned[start : start + RECOVERED_AT_ONCE]))
        for item in queued:  # After those that ran, which go first where a session's workflows go in turn.
            self._queue.put(item)
        if found := {name: count for name, count in sorted(foreign.items()) if count}:
            _log.warning(
                "workflows_of_types_not_served",
                unfinished=found,
                advice="They wait in this store until a server has their types; --store names another one.",
            )
        self._pump()

    async def drain(self, seconds: float) -> None:
        """Accept and hand out nothing more; let runs stop between two steps; take back what does not.

        What the store does not take in time is taken back when the next server starts.
        """
        await super().drain(seconds)
        self._deadlines.close()  # Last: what is taken back is queued once more, and would be watched again.

    def _on_publications(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            workflow = publication.workflow
            key = (workflow.project, workflow.workflow_id)
            if workflow.status is Status.QUEUED:
                row = workflow if len(self._queue) < ROWS_KEPT_MAX else None
                self._queue.put(Waiting(*key, workflow.workflow_type, workflow.session_id, row))
                self._deadlines.watch(key, workflow.deadline)
            elif workflow.status.terminal:
                self._queue.discard(*key)
                self._queue.release(*key)
                self._deadlines.forget(key)
            elif workflow.cancel_requested_at == workflow.updated_at:
                self._stop(key)
        self._pump()

    def _on_deadline(self, key: Key) -> None:
        self._spawn(self._expire(key))


__all__ = ["DispatchLimits", "LocalDispatcher"]
