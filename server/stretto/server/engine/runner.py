"""Runs what it is given on the executors of this process, in turn and within limits; watches cancels and deaths."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from stretto.server.domain import transitions
from stretto.server.domain.change import Change
from stretto.server.domain.clock import Clock, Micros
from stretto.server.domain.errors import Draining, Overloaded, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Interrupt, Status, Workflow, evolve
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.fair_queue import FairQueue, Waiting
from stretto.server.engine.ledger import Assignment
from stretto.server.engine.process import ExecutorPort
from stretto.server.store.port import Store

_log = structlog.get_logger(__name__)

RELEASE_SECONDS_MAX = 3.0
"""Time that a drain gives the store to take back what did not stop."""

Key = tuple[str, str]
"""Project and workflow id."""

Rule = Callable[[Workflow, tuple[Interrupt, ...]], tuple[Change, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchLimits:
    """How much runs and waits at once."""

    concurrency_max: int
    turns_max: int
    queue_max: int
    crashes_max: int
    cancel_grace_seconds: float
    store_retry_seconds: float = 0.5


@dataclass(slots=True)
class Running:
    """A workflow that an executor of ours owns."""

    epoch: int
    workflow_type: str
    executor: ExecutorPort
    claimed: bool = False
    """Whether the store knows it, too."""
    stopping: bool = False
    """Whether the executor was told to stop it."""


class Runner(ABC):
    """What all dispatchers have in common. Where their work comes from is each one's own."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock, limits: DispatchLimits) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._limits = limits
        self._queue = FairQueue(self._goes_in_turn)
        self._executors: list[ExecutorPort] = []
        self._running: dict[Key, Running] = {}
        self._per_type: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._owner = ""
        self.healthy: Callable[[], bool] = lambda: True
        self.draining = False

    @property
    def running_count(self) -> int:
        """How many workflows executors own now; turns do not count, here and below."""
        return sum(running.workflow_type != TURN for running in self._running.values())

    @property
    @abstractmethod
    def queued_count(self) -> int:
        """How many wait for an executor, as far as it is known here."""

    @property
    @abstractmethod
    def deadline_count(self) -> int:
        """How many that have not ended have a deadline that has not passed, as far as it is known here."""

    @abstractmethod
    def check_queue(self, *, turn: bool = False) -> None:
        """Raise Overloaded when too many wait.

        Turns are counted apart: however many workflows wait, their users can ask for them and cancel them.
        """

    @abstractmethod
    async def recover(self) -> None:
        """Take up what was left unfinished, and begin to take work."""

    def changed(self, workflow: Workflow) -> None:  # noqa: B027 - Whoever has another source may need it.
        """Nothing to do: the store's publications tell of every change."""

    @property
    def executor_count(self) -> int:
        """How many executors there are for workflows, the stalled ones included; the one for turns does not count."""
        return sum(executor.type_names != {TURN} for executor in self._executors)

    @property
    def stalled_count(self) -> int:
        """How many of them do not answer."""
        return sum(executor.stalled for executor in self._executors)

    def admit(self) -> None:
        """Raise Draining or StoreUnavailable when no new work may be accepted."""
        if self.draining:
            raise Draining
        if not self.healthy():
            raise StoreUnavailable

    def executor_joined(self, executor: ExecutorPort) -> None:
        """Give work to an executor from now on."""
        if executor not in self._executors:
            self._executors.append(executor)
        self._pump()

    def executor_died(self, executor: ExecutorPort) -> None:
        """Take back what an executor was running when it died."""
        if executor in self._executors:
            self._executors.remove(executor)
        for key, running in list(self._running.items()):
            if running.executor is executor:
                self._forget(key)
                self._spawn(self._recover(key, running.epoch, self._owner))

    def run_ended(self, project: str, workflow_id: str, epoch: int, told: bool) -> None:  # noqa: FBT001 - as Ended says
        """Free the place of a run that an executor has let go of; take its workflow back if its end is not told."""
        key = (project, workflow_id)
        running = self._running.get(key)
        if running is not None and running.epoch == epoch:
            self._forget(key)
        if not told and not self.draining:
            self._spawn(self._recover(key, epoch, self._owner))
        self._pump()

    async def drain(self, seconds: float) -> None:
        """Accept and hand out nothing more; let runs stop between two steps; take back what does not.

        What the store does not take in time is taken back by whoever comes next.
        """
        self.draining = True
        await asyncio.gather(*(executor.drain(seconds) for executor in self._executors))
        left = list(self._running.items())
        for key, running in left:
            self._forget(key)
            running.executor.disown(key[1], running.epoch)
        releases = [
            self._update(key, partial(_release, epoch=running.epoch, at=self._clock.now(), owner=self._owner))
            for key, running in left
        ]
        work = [*self._tasks, *(asyncio.ensure_future(release) for release in releases)]
        if work:
            _, late = await asyncio.wait(work, timeout=RELEASE_SECONDS_MAX)
            for task in late:
                task.cancel()

    def _stop(self, key: Key) -> None:
        """Tell the executor of an accepted cancel, and abandon the run if it does not stop in time."""
        running = self._running.get(key)
        if running is None or running.stopping:
            return
        running.stopping = True
        running.executor.cancel(key[1], running.epoch)
        self._loop.call_later(self._limits.cancel_grace_seconds, self._abandon, key, running)

    def _abandon(self, key: Key, running: Running) -> None:
        if self._running.get(key) is running:
            running.executor.disown(key[1], running.epoch)
            self._forget(key)
            self._spawn(
                self._update(key, partial(_abandon, epoch=running.epoch, at=self._clock.now(), owner=self._owner))
            )

    def _lose(self, key: Key, running: Running) -> None:
        """Stop a run that is not ours any more."""
        if self._running.get(key) is running:
            running.executor.disown(key[1], running.epoch)
            self._forget(key)
            self._pump()

    def _pump(self) -> None:
        """Hand out as many queued workflows as there is room for."""
        if self.draining:
            return
        while (item := self._queue.take(self._has_room)) is not None:
            self._per_type[item.workflow_type] += 1
            if item.row is not None and not item.row.has_interrupts:
                self._assign_now(item, item.row)
            else:
                self._spawn(self._prepare(item))

    def _assign_now(self, item: Waiting, workflow: Workflow) -> None:
        """Hand out a workflow of which nothing is missing."""
        key = (item.project, item.workflow_id)
        if self._is_assigned(key, workflow):
            self._per_type[item.workflow_type] -= 1
        elif not self._assign(key, workflow, ()):
            self._give_back(item)

    def _is_assigned(self, key: Key, workflow: Workflow) -> bool:
        """Whether an executor has the run that this would become: whoever was read for long may be queued twice."""
        running = self._running.get(key)
        return running is not None and running.epoch > workflow.epoch

    def _give_back(self, item: Waiting) -> None:
        """Free the place that was kept for a workflow which did not get to an executor."""
        self._per_type[item.workflow_type] -= 1
        self._queue.release(item.project, item.workflow_id)

    def _ready(self, workflow_type: str) -> list[ExecutorPort]:
        """The executors for a type that answer; one whose loop user code holds up gets nothing more until it does."""
        return [
            executor for executor in self._executors if not executor.stalled and workflow_type in executor.type_names
        ]

    def _has_room(self, workflow_type: str) -> bool:
        """Whether another workflow of this type may run; a type that nobody here can run waits.

        Turns of conversations have places of their own: an answer must not wait for the workflows that it is about.
        """
        if workflow_type not in self._catalog or not self._ready(workflow_type):
            return False
        running, turns = self._per_type[workflow_type], self._per_type[TURN]
        if workflow_type == TURN:
            return turns < self._limits.turns_max
        limit = self._catalog.get(workflow_type).concurrency_max
        return (not limit or running < limit) and self._per_type.total() - turns < self._limits.concurrency_max

    def _goes_in_turn(self, workflow_type: str) -> bool:
        return workflow_type in self._catalog and self._catalog.get(workflow_type).in_turn

    async def _prepare(self, item: Waiting) -> None:
        """Read what is missing of a workflow and hand it to an executor."""
        key = (item.project, item.workflow_id)
        try:
            workflow = item.row or await self._store.get(*key)
            interrupts = await self._store.interrupts(*key) if workflow.has_interrupts else ()
        except (StoreUnavailable, Overloaded):
            self._loop.call_later(self._limits.store_retry_seconds, self._put_back, item)
        except WorkflowNotFound:
            _log.warning("queued_workflow_vanished", workflow_id=item.workflow_id)
            self._give_back(item)
        except BaseException:
            self._give_back(item)
            raise
        else:
            if workflow.status is not Status.QUEUED:
                self._give_back(item)
            elif self._is_assigned(key, workflow):
                self._per_type[item.workflow_type] -= 1
            elif not self._assign(key, workflow, interrupts):
                self._put_back(item)  # The executors that were there have died since, or stall.

    def _put_back(self, item: Waiting) -> None:
        """Queue a workflow again that did not get to an executor. It keeps its place in its line until then."""
        self._per_type[item.workflow_type] -= 1
        self._queue.put(replace(item, row=None))  # Much may have happened to it since.
        self._pump()

    def _assign(self, key: Key, workflow: Workflow, interrupts: tuple[Interrupt, ...]) -> bool:
        """Give a workflow to the executor that has the least to do, which claims it with its first commit."""
        ready = self._ready(workflow.workflow_type)
        if not ready or self.draining:
            return False
        if key in self._running:
            self._forget(key)  # Its last run has ended in the store, and the executor's word of it is on its way.
        load = Counter(id(running.executor) for running in self._running.values()) if len(ready) > 1 else {}
        executor = min(ready, key=lambda candidate: load.get(id(candidate), 0))
        owned = evolve(workflow, status=Status.RUNNING, epoch=workflow.epoch + 1)
        self._running[key] = Running(owned.epoch, workflow.workflow_type, executor)
        executor.assign(Assignment(owned, interrupts))
        return True

    def _forget(self, key: Key) -> None:
        running = self._running.pop(key)
        self._per_type[running.workflow_type] -= 1

    async def _recover(self, key: Key, epoch: int | None = None, owner: str | None = None) -> None:
        """Count a crash, and queue the workflow again or quarantine it; of one owner only, if it is given."""
        rule = partial(_recover, at=self._clock.now(), crashes_max=self._limits.crashes_max, epoch=epoch, owner=owner)
        workflow = await self._update(key, rule)
        if workflow is not None:
            _log.warning(
                "workflow_recovered",
                workflow_id=workflow.workflow_id,
                workflow_type=workflow.workflow_type,
                crashes=workflow.crashes,
                status=workflow.status.name,
            )

    async def _update(
        self, key: Key, rule: Callable[[Workflow, tuple[Interrupt, ...]], tuple[Change, ...]]
    ) -> Workflow | None:
        """Apply a rule, however long the store takes to come back; the row when something changed."""
        while True:
            try:
                committed = await self._store.update(*key, rule)
            except (StoreUnavailable, Overloaded):
                await asyncio.sleep(self._limits.store_retry_seconds)
            else:
                return committed.workflow if committed.fresh else None

    async def _expire(self, key: Key) -> None:
        owned = self._running.get(key)
        expired = await self._update(key, partial(_expire, at=self._clock.now()))
        if expired is not None and owned is not None:
            self._lose(key, owned)

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("dispatch_failed", exc_info=error)


def _recover(
    workflow: Workflow,
    _: tuple[Interrupt, ...],
    *,
    at: Micros,
    crashes_max: int,
    epoch: int | None,
    owner: str | None,
) -> tuple[Change, ...]:
    return transitions.recover(workflow, at, crashes_max=crashes_max, epoch=epoch, owner=owner)


def _release(workflow: Workflow, _: tuple[Interrupt, ...], *, epoch: int, at: Micros, owner: str) -> tuple[Change, ...]:
    return transitions.release(workflow, epoch, at, owner)


def _abandon(workflow: Workflow, _: tuple[Interrupt, ...], *, epoch: int, at: Micros, owner: str) -> tuple[Change, ...]:
    return transitions.abandon(workflow, epoch, at, owner)


def _expire(workflow: Workflow, _: tuple[Interrupt, ...], *, at: Micros) -> tuple[Change, ...]:
    return transitions.expire(workflow, at)
