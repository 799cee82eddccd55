"""The dispatcher of a member: puts accepted workflows into queues, and takes those that this process can run."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

import structlog
from redis.exceptions import RedisError

from stretto.server.cluster.bus import Bus
from stretto.server.cluster.membership import Membership
from stretto.server.cluster.queues import Queues
from stretto.server.cluster.routes import DEADLINES, Routes, TypeName, queue_of
from stretto.server.cluster.sweep import Sweep
from stretto.server.cluster.turns import Turns
from stretto.server.domain.change import Change, Publication
from stretto.server.domain.clock import SECOND, Clock, Micros
from stretto.server.domain.errors import Overloaded, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.member import Owned
from stretto.server.domain.session import TURN, SessionPublication
from stretto.server.domain.workflow import Interrupt, Status, Workflow
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.fair_queue import Waiting
from stretto.server.engine.news import News, WorkflowNews, of_sessions, of_workflows
from stretto.server.engine.process import ExecutorPort
from stretto.server.engine.runner import DispatchLimits, Key, Runner, Running
from stretto.server.store.port import Store, Unfinished

_log = structlog.get_logger(__name__)

OFFER_SECONDS = 5.0
"""How often the store is asked about a workflow that was taken out of a queue and is not claimed yet."""

DEADLINES_AT_ONCE = 64
"""Deadlines that one member looks after at the same moment."""

PROMPT_SECONDS = 1.0
"""How often the store is asked for what Redis would tell at once, while it does not."""

HAND_BACK_SECONDS_MAX = 2.0
"""Time that a drain gives the store to say what is still queued of what was taken out of queues."""

TAKEN_AT_ONCE = 100
"""Workflows that a member takes from the store at once while there are no queues."""


Read = Callable[[str, str], Awaitable[Workflow]]


class ClusterDispatcher(Runner):
    """Hands work to whoever has room for it. Queues and news are hints; the store is the truth, and the sweep's source.

    A workflow that was taken is this member's as soon as a run's first commit has claimed it. Until then it stays in
    its queue, whose lease gives it to somebody else if this process dies; from then on the lease in the store counts.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        clock: Clock,
        limits: DispatchLimits,
        *,
        membership: Membership,
        queues: Queues,
        bus: Bus,
    ) -> None:
        super().__init__(store, catalog, clock, limits)
        self._membership = membership
        self._queues = queues
        self._bus = bus
        self._types = frozenset(membership.member.types)
        self._routes = Routes([catalog.get(name) for name, _ in self._types if name in catalog] + list(catalog))
        self._types_alive: frozenset[TypeName] = frozenset()
        self._turns = Turns(store)
        self._owner = membership.member.member_id
        self._offers: dict[Key, asyncio.Future[None]] = {}
        self._names: set[str] = set()
        self._place: tuple[str, Micros, str] | None = None
        self._taking: Counter[str] = Counter()
        self._counted = (0, 0)
        self._accepted = [0, 0]
        self._deadline_count = 0
        self._watching: asyncio.Task[None] | None = None
        self._sweep = Sweep(
            store, clock, recover=self._take_back, expire=self._end_late, hint=self._sow, has_room=queues.has_room
        )
        membership.load = lambda: self.running_count
        membership.on_renewed = self._look_after
        bus.on_news(self._on_news)
        queues.on_loss(self._on_loss)
        store.on_session_publication(self._on_session_publications)
        store.on_publication(self._on_publications)

    @property
    def queued_count(self) -> int:
        """How many wait in the whole cluster, as it was counted last, and those accepted here since."""
        return self._counted[0] + self._accepted[0]

    @property
    def deadline_count(self) -> int:
        """How many deadlines are to come in the whole cluster, as they were counted last."""
        return self._deadline_count

    @property
    def hints_connected(self) -> bool:
        """Whether queues and news are there; without them all goes on, more slowly."""
        return self._queues.connected and self._bus.connected

    def check_queue(self, *, turn: bool = False) -> None:
        """Raise Overloaded when too many wait; turns are counted apart."""
        if self._counted[turn] + self._accepted[turn] >= self._limits.queue_max:
            raise Overloaded(f"{self._limits.queue_max} {'messages' if turn else 'workflows'} are waiting already.")

    async def recover(self) -> None:
        """Join the others, and begin to take work."""
        await self._membership.join()
        await self._count()
        for queue, only in self._served():
            self._queues.serve(queue, partial(self._room, only), partial(self._take, only))
        self._queues.serve(DEADLINES, self._deadline_room, self._keep_deadline)
        self._watching = asyncio.create_task(self._do_without_redis())

    def _served(self) -> list[tuple[str, str]]:
        """The queues that this member serves, each with its only type if it has one for itself.

        Whether there is an executor just now does not matter: one that died is replaced, and until then is no room.
        """
        alone = sorted(name for name, version in self._types if self._routes.is_limited(name, version))
        common = [(queue_of(self._types), "")] if len(alone) < len(self._types) else []
        return common + [(queue_of(self._types, name), name) for name in alone]

    async def drain(self, seconds: float) -> None:
        """Take nothing more, hand back what runs, and leave."""
        self._membership.drain()
        self.draining = True
        if self._watching is not None:
            self._watching.cancel()
        unclaimed = list(self._offers)
        for offer in self._offers.values():
            _settle(offer)
        await self._queues.stop_serving()
        await super().drain(seconds)
        await self._hand_back(unclaimed)
        await self._membership.leave()

    async def _hand_back(self, keys: Sequence[Key]) -> None:
        """Put into queues again what was taken out of one and not claimed; the rest is found by the sweep of others."""
        if keys:
            reads = [asyncio.create_task(self._hint_if_queued(key)) for key in keys]
            _, late = await asyncio.wait(reads, timeout=HAND_BACK_SECONDS_MAX)
            for read in late:
                read.cancel()

    async def _hint_if_queued(self, key: Key) -> None:
        with contextlib.suppress(StoreUnavailable, Overloaded, WorkflowNotFound):
            workflow = await self._store.get(*key)
            if workflow.status is Status.QUEUED:
                self._hint(workflow)

    # What was committed here.

    def _on_session_publications(self, publications: Sequence[SessionPublication]) -> None:
        self._bus.tell(News(sessions=of_sessions(publications)))

    def _on_publications(self, publications: Sequence[Publication]) -> None:
        self._bus.tell(News(workflows=of_workflows(publications)))
        for publication in publications:
            self._on_commit(publication.workflow)
        self._pump()

    def _on_commit(self, workflow: Workflow) -> None:
        key = (workflow.project, workflow.workflow_id)
        running = self._running.get(key)
        if running is not None and running.epoch == workflow.epoch:
            running.claimed = workflow.status is Status.RUNNING
        if workflow.status is Status.QUEUED:
            self._on_queued(workflow)
            return
        if (offer := self._offers.get(key)) is not None:
            _settle(offer)
        if workflow.status.terminal:
            self._on_end(key, workflow)
            if workflow.deadline > workflow.updated_at:  # It may be far, and is nothing to keep until then.
                self._queues.drop(DEADLINES, _deadline_of(workflow))
        elif workflow.cancel_requested_at == workflow.updated_at:
            self._stop(key)

    def _on_queued(self, workflow: Workflow) -> None:
        self._accepted[workflow.workflow_type == TURN] += 1
        self._hint(workflow)
        if workflow.deadline and workflow.last_sequence == 1:
            self._queues.put(DEADLINES, _deadline_of(workflow), workflow.deadline)

    def _on_end(self, key: Key, ended: Workflow | WorkflowNews) -> None:
        self._queue.discard(*key)
        self._queue.release(*key)
        if ended.workflow_type == TURN:
            self._turns.ended((ended.project, ended.session_id))

    def _hint(self, workflow: Workflow | Unfinished) -> bool:
        """Put a workflow into the queue of somebody who can run it; False when there is nobody."""
        queue = self._routes.queue_for(workflow.workflow_type, workflow.type_version, self._membership.presences)
        if queue is not None:
            self._queues.put(queue, _name_of(workflow))
        return queue is not None

    # What was committed elsewhere.

    def _on_news(self, news: News) -> None:
        for workflow in news.workflows:
            self._on_news_of(workflow)

    def _on_news_of(self, workflow: WorkflowNews) -> None:
        key = (workflow.project, workflow.workflow_id)
        running = self._running.get(key)
        if running is not None and workflow.epoch > running.epoch:
            self._lose(key, running)
        elif running is not None and workflow.cancel_requested:
            self._stop(key)
        if (offer := self._offers.get(key)) is not None and workflow.status is not Status.QUEUED:
            _settle(offer)
        if workflow.status.terminal:
            self._on_end(key, workflow)

    async def _do_without_redis(self) -> None:
        """While others cannot be heard, ask the store for cancels; while there are no queues, take work from it."""
        while True:
            await asyncio.sleep(PROMPT_SECONDS)
            if self._running and not self._bus.connected:
                await _as_far_as_the_store_lets(self._reconcile())
            if self._executors and not self._queues.connected:
                await _as_far_as_the_store_lets(self._take_some())

    async def _take_some(self) -> None:
        """Take some queued workflows from the store, and others next time.

        Other members do so, too: the claim says whose each one is.
        """
        page = list(await self._store.queued(TAKEN_AT_ONCE, self._place))
        last = page[-1] if len(page) == TAKEN_AT_ONCE else None
        self._place = (last.project, last.created_at, last.workflow_id) if last else None
        random.shuffle(page)
        for queued in page:
            name, version = queued.workflow_type, queued.type_version
            only = name if self._routes.is_limited(name, version) else ""
            if (name, version) in self._types and self._room(only) > 0:
                self._spawn(_as_far_as_the_store_lets(self._take(only, _name_of(queued))))
                await asyncio.sleep(0)  # Lets it count before the next one asks for room.

    # What is taken out of queues.

    def _room(self, only: str) -> int:
        """How many more workflows this member can take: of one type, or of all that have no limit of their own.

        None while it cannot renew its lease: what it took, it could not claim, and others could not take.
        """
        if self.draining or not self._membership.in_contact:
            return 0
        if not any(not executor.stalled and self._fits(executor, only) for executor in self._executors):
            return 0
        turns = self._taken(TURN)
        if only == TURN:
            return max(0, self._limits.turns_max - turns)
        taken = self._per_type.total() + len(self._queue) + self._taking.total() - self._taking[DEADLINES] - turns
        room = self._limits.concurrency_max - taken
        return max(0, min(room, self._catalog.get(only).concurrency_max - self._taken(only)) if only else room)

    def _deadline_room(self) -> int:
        return DEADLINES_AT_ONCE - self._taking[DEADLINES] if self._membership.in_contact else 0

    def _fits(self, executor: ExecutorPort, only: str) -> bool:
        return only in executor.type_names if only else executor.type_names != {TURN}

    def _taken(self, workflow_type: str) -> int:
        """How many of a type run here, wait here, or have just been taken out of their queue."""
        return self._per_type[workflow_type] + self._queue.count(workflow_type) + self._taking[workflow_type]

    async def _take(self, only: str, name: str) -> None:
        """Run a workflow out of a queue, and return once it is claimed, or somebody else's."""
        if name in self._names:
            return  # It was in another queue, too, or was taken from the store.
        self._names.add(name)
        try:
            await self._take_once(only, name)
        finally:
            self._names.discard(name)

    async def _take_once(self, only: str, name: str) -> None:
        project, workflow_id, epoch = name.rsplit("/", 2)
        key = (project, workflow_id)
        with self._counted_as(only):
            workflow = await self._due(key, int(epoch), self._read_to_claim)
        if workflow is None:
            return
        if (workflow.workflow_type, workflow.type_version) not in self._types:
            self._hint(workflow)  # Its members have changed since it was put here.
            return
        if workflow.workflow_type == TURN:  # It takes no room while it waits: one session is not to fill it all.
            await self._turns.wait_for(workflow)
            workflow = await self._due(key, int(epoch))
        await self._offer_until_claimed(key, int(epoch), workflow)

    @contextlib.contextmanager
    def _counted_as(self, only: str) -> Iterator[None]:
        """Let what is being taken count as taken."""
        self._taking[only] += 1
        try:
            yield
        finally:
            self._taking[only] -= 1

    async def _offer_until_claimed(self, key: Key, epoch: int, workflow: Workflow | None) -> None:
        offer = self._offers.setdefault(key, self._loop.create_future())
        try:
            while workflow is not None:
                self._offer(key, workflow)
                await asyncio.wait([offer], timeout=OFFER_SECONDS)
                workflow = None if offer.done() else await self._due(key, epoch)
                running = self._running.get(key)
                if workflow is not None and running is not None and running.epoch < epoch:
                    self._lose(key, running)  # It was taken from this member, which has not been told of that.
        finally:
            self._offers.pop(key, None)

    def _offer(self, key: Key, workflow: Workflow) -> None:
        if key not in self._running and not self.draining:
            self._queue.put(Waiting(*key, workflow.workflow_type, workflow.session_id, workflow))
            self._pump()

    async def _read_to_claim(self, project: str, workflow_id: str) -> Workflow:
        """A workflow as the store's writer reads it: together with others, and once for this and for the claim."""
        return (await self._store.update(project, workflow_id, _as_it_is)).workflow

    async def _due(self, key: Key, epoch: int, read: Read | None = None) -> Workflow | None:
        """The workflow, if it is still queued to be run under this epoch.

        Waits while the store is away; raises StoreUnavailable when it was away from this member for a whole lease, so
        that somebody else gets it.
        """
        while not self.draining:
            if not self._membership.in_contact:
                raise StoreUnavailable
            try:
                workflow = await (read or self._store.get)(*key)
            except (StoreUnavailable, Overloaded):
                await asyncio.sleep(self._limits.store_retry_seconds)
            except WorkflowNotFound:
                return None
            else:
                return workflow if workflow.status is Status.QUEUED and workflow.epoch + 1 == epoch else None
        return None

    def _forget(self, key: Key) -> None:
        super()._forget(key)
        if (offer := self._offers.get(key)) is not None:
            _settle(offer)  # A run that was over before it claimed: somebody else has the workflow.

    async def _keep_deadline(self, name: str) -> None:
        project, workflow_id, _ = name.rsplit("/", 2)
        # Of what fails here the sweep reminds us.
        with self._counted_as(DEADLINES), contextlib.suppress(WorkflowNotFound, StoreUnavailable, Overloaded):
            workflow = await self._store.get(project, workflow_id)
            ahead = (workflow.deadline - self._clock.now()) / SECOND
            if not workflow.status.terminal and ahead < OFFER_SECONDS:  # Clocks differ; the sweep has the rest.
                await asyncio.sleep(max(0.0, ahead))
                await self._expire((project, workflow_id))

    # What is done again and again.

    async def _look_after(self) -> None:
        """After each renewal: reconcile with the store, and sweep."""
        await self._count()
        await self._reconcile()
        if self.draining:
            return
        await self._sweep.end_late_ones()
        await self._sow_what_was_forgotten()
        if self._membership.may_judge:
            await self._sweep.take_back()

    async def _sow_what_was_forgotten(self) -> None:
        """Put workflows into queues again: some at a time, or all when somebody has come who runs further types."""
        alive = [presence.member.types for presence in self._membership.presences if presence.is_alive]
        types = frozenset(one for of_member in alive for one in of_member)
        newcomers, self._types_alive = types - self._types_alive, types
        if newcomers:
            self._on_loss()  # Not waited for: what dead members own is not to wait for a hundred thousand hints.
        else:
            await self._sweep.sow_some()

    async def _count(self) -> None:
        before = self._accepted
        self._accepted = list(before)
        self._counted = await self._store.queued_counts(self._limits.queue_max)
        self._accepted = [now - then for now, then in zip(self._accepted, before, strict=True)]
        with contextlib.suppress(RedisError):  # As it was, until Redis is there again.
            self._deadline_count = await self._queues.depth(DEADLINES)

    async def _reconcile(self) -> None:
        """Stop what is not ours any more, and what was cancelled; take back what is ours and does not run."""
        claimed = {key: running for key, running in self._running.items() if running.claimed}
        owned = await self._owned()
        lost = [key for key, running in claimed.items() if not _is_held(running, owned.get(key))]
        if lost:  # Or over: of an end that was committed here this process knows before another answer comes.
            owned = await self._owned()
        for key in lost:
            running = claimed[key]
            if self._running.get(key) is running and running.claimed and not _is_held(running, owned.get(key)):
                _log.warning("workflow_taken_over", workflow_id=key[1], epoch=running.epoch)
                self._lose(key, running)
        for key, one in owned.items():
            await self._look_at(key, one)

    async def _look_at(self, key: Key, owned: Owned) -> None:
        running = self._running.get(key)
        if running is None:
            if not self.draining:
                await self._recover(key, owned.epoch, self._owner)
        elif owned.cancel_requested and _is_held(running, owned):
            self._stop(key)

    async def _owned(self) -> dict[Key, Owned]:
        mine = await self._store.owned(self._membership.member.member_id)
        return {(one.project, one.workflow_id): one for one in mine}

    def _on_loss(self) -> None:
        self._spawn(_as_far_as_the_store_lets(self._sweep.sow_all()))

    async def _take_back(self, owned: Owned) -> None:
        await self._recover((owned.project, owned.workflow_id), owned.epoch)

    async def _end_late(self, late: Unfinished) -> None:
        await self._expire((late.project, late.workflow_id))

    def _sow(self, queued: Unfinished) -> bool:
        key = (queued.project, queued.workflow_id)
        return key in self._offers or self._hint(queued)


def _name_of(workflow: Workflow | Unfinished) -> str:
    """A workflow's name in a queue: with the epoch that it will run under, so that each stay is another one."""
    return f"{workflow.project}/{workflow.workflow_id}/{workflow.epoch + 1}"


def _as_it_is(_: Workflow, __: tuple[Interrupt, ...]) -> tuple[Change, ...]:
    """Change nothing."""
    return ()


def _deadline_of(workflow: Workflow) -> str:
    return f"{workflow.project}/{workflow.workflow_id}/deadline"


def _is_held(running: Running, owned: Owned | None) -> bool:
    return owned is not None and owned.epoch == running.epoch


def _settle(offer: asyncio.Future[None]) -> None:
    if not offer.done():
        offer.set_result(None)


async def _as_far_as_the_store_lets(work: Awaitable[None]) -> None:
    """Do something that is done again later anyway."""
    try:
        await work
    except (StoreUnavailable, Overloaded):
        return
