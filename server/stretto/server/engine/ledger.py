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

    def ended(self, project: str, workflow_id: str, epoch: int) -> None:
        """Tell that a run is over: it commits nothing more."""
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
        self._orders = Orders() if orders is None else orders

    async def commit(self, commit: RunCommit) -> None:
        """Make a run's news durable; waits for as long as the store is not available."""
        # Now, for what waits here may outlive its executor, and then nobody keeps its orders.
        ordered = self._ordered_by(commit)
        while True:
            try:
                await self._commit(commit, ordered)
            except (StoreUnavailable, Overloaded):
                await asyncio.sleep(RETRY_SECONDS)
            except WorkflowNotFound:  # It was deleted with its session, so nobody owns it.
                raise StaleEpoch from None
            except StaleEpoch:
                _log.warning("stale_write_refused", workflow_id=commit.workflow_id, epoch=commit.epoch)
                raise
            else:
                return

    def ended(self, project: str, workflow_id: str, epoch: int) -> None:
        """Tell that a run is over: it commits nothing more."""
        self._orders.ended(project, workflow_id, epoch)

    def _ordered_by(self, commit: RunCommit) -> tuple[Workflow, ...]:
        """The workflows that start with a commit: those that a turn has ordered which succeeds by it."""
        if not isinstance(commit.end, RunSucceeded):
            return ()
        return self._orders.of(commit.project, commit.workflow_id, commit.epoch)

    async def _commit(self, commit: RunCommit, ordered: tuple[Workflow, ...]) -> Committed:
        def rule(workflow: Workflow, interrupts: tuple[Interrupt, ...]) -> tuple[Change, ...]:
            changes = transitions.commit_run(workflow, interrupts, commit, self._owner)
            done = changes[0].workflow.status is Status.SUCCEEDED
            return (*changes, *(transitions.accept(order) for order in ordered)) if done else changes

        return await self._store.update(commit.project, commit.workflow_id, rule)

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
