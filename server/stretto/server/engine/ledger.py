"""What an executor needs of the store: fenced commits and checkpoints of the workflows that it owns."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from stretto.server.domain import transitions
from stretto.server.domain.change import Change, Committed, RunCommit, RunSucceeded, StoredCheckpoint
from stretto.server.domain.errors import Overloaded, StaleEpoch, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.workflow import Interrupt, Status, Workflow
from stretto.server.engine.orders import Orders
from stretto.server.store.port import Store

_log = structlog.get_logger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 0.2
"""How often a commit or a read is tried again while the store is not available; the run waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an executor gets to run: a workflow under its new epoch, which the run's first commit claims for it."""

    workflow: Workflow
    interrupts: tuple[Interrupt, ...]


class Ledger(Protocol):
    """Where an executor writes down what its workflows do, and reads where they were."""

    def commit(self, commit: RunCommit) -> Awaitable[None]:
        """Make a run's news durable; raises StaleEpoch, or CancelAccepted when steps may not start."""
        ...

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace when the id is empty."""
        ...

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints, newest first."""
        ...


class StoreLedger:
    """The ledger of whoever has the store at hand. What a turn has ordered starts with the commit of its success.

    The owner is the member that claims what it runs; where a store has one server only, it needs no name.
    """

    def __init__(self, store: Store, orders: Orders | None = None, *, owner: str = "") -> None:
        self._store = store
        self._owner = owner
        self._orders = orders or Orders()
        store.on_publication(self._orders.on_publications)

    async def commit(self, commit: RunCommit) -> None:
        """Make a run's news durable; waits for as long as the store is not available."""
        while True:
            try:
                await self._commit(commit)
            except (StoreUnavailable, Overloaded):
                await asyncio.sleep(RETRY_SECONDS)
            except WorkflowNotFound:  # It was deleted with its session, so nobody owns it.
                raise StaleEpoch from None
            except StaleEpoch:
                _log.warning("stale_write_refused", workflow_id=commit.workflow_id, epoch=commit.epoch)
                raise
            else:
                return

    async def _commit(self, commit: RunCommit) -> Committed:
        succeeds = isinstance(commit.end, RunSucceeded)
        ordered = self._orders.of(commit.project, commit.workflow_id) if succeeds else ()

        def rule(workflow: Workflow, interrupts: tuple[Interrupt, ...]) -> tuple[Change, ...]:
            changes = transitions.commit_run(workflow, interrupts, commit, self._owner)
            done = changes[0].workflow.status is Status.SUCCEEDED
            return (*changes, *(transitions.accept(order) for order in ordered)) if done else changes

        committed = await self._store.update(commit.project, commit.workflow_id, rule)
        if commit.end is not None:
            self._orders.forget(commit.project, commit.workflow_id)
        return committed

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace when the id is empty; waits as a commit does."""
        return await _answer(lambda: self._store.checkpoint(project, workflow_id, namespace, checkpoint_id))

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints, newest first; waits as a commit does."""
        return await _answer(lambda: self._store.checkpoints(project, workflow_id, namespace, limit, before))


async def _answer(read: Callable[[], Awaitable[T]]) -> T:
    """What the store says, as soon as it answers: a run whose store is away has not failed."""
    while True:
        try:
            return await read()
        except (StoreUnavailable, Overloaded):
            await asyncio.sleep(RETRY_SECONDS)
