"""The parts that a process has only when it shares its store with others. Needs the extra `cluster`."""

from collections.abc import Callable
from importlib.metadata import version

from stretto.server.app.facts import Facts
from stretto.server.cluster.bus import Bus
from stretto.server.cluster.dispatcher import ClusterDispatcher
from stretto.server.cluster.membership import Membership
from stretto.server.cluster.queues import Queues
from stretto.server.domain.clock import SECOND, Clock, Micros
from stretto.server.domain.diagnosis import Sharing, WorkQueueHealth
from stretto.server.domain.member import Member, Presence
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.journal import Journal
from stretto.server.engine.listening import Listening
from stretto.server.engine.news import News
from stretto.server.engine.runner import DispatchLimits
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.store import Store


class Cluster:
    """Membership, queues and news of one process; and what operators ask of the members."""

    def __init__(self, facts: Facts, store: Store, catalog: Catalog, limits: DispatchLimits, member: Member) -> None:
        settings = facts.settings
        prefix = f"stretto:{store.identity}"  # Several clusters may use one Redis.
        self._store = store
        self._clock: Clock = facts.clock
        self._bus = Bus(settings.redis, f"{prefix}:news")
        self._queues = Queues(
            settings.redis, prefix=prefix, member_id=member.member_id, lease_seconds=settings.lease_seconds
        )
        self._membership = Membership(store, member)
        self._membership.on_drain = facts.stop
        self._listening: Listening | None = None
        self._connected_at: Micros = facts.clock.now()
        self.dispatcher = ClusterDispatcher(
            store,
            catalog,
            facts.clock,
            limits,
            membership=self._membership,
            queues=self._queues,
            bus=self._bus,
        )

    async def open(self) -> None:
        """Connect to Redis, or go on trying."""
        await self._bus.open()
        await self._queues.open()

    async def close(self) -> None:
        """Disconnect."""
        if self._listening is not None:
            await self._listening.stop()
        await self._queues.close()
        await self._bus.close()

    def listen(self, hear: Callable[[News], None], journal: Journal, sessions: SessionJournal) -> None:
        """Have what others commit told, and let journals ask the store when others cannot be heard."""
        listening = Listening(self._store, journal, sessions, lambda: self._bus.connected)
        self._bus.on_news(hear)
        self._bus.on_gap(listening.gap)
        listening.start()
        self._listening = listening

    def announce(self, address: str) -> None:
        """Tell the others where this process takes calls."""
        self._membership.announce(address)

    async def members(self) -> tuple[Presence, ...]:
        """All members, in the order of their ids."""
        return await self._store.members()

    async def drain(self, member_id: str) -> Presence:
        """Leave word for a member, or for this one, that it should drain."""
        return await self._membership.ask_to_drain(member_id or self._membership.member.member_id)

    def sharing(self) -> Sharing:
        """What this process shares, and how."""
        if connected := self.dispatcher.hints_connected:
            self._connected_at = self._clock.now()
        health = WorkQueueHealth(0 if connected else self._connected_at)
        return Sharing(self._membership.member.member_id, store_shared=True, work_queue=health)


def member_of(facts: Facts, member_id: str, types: tuple[tuple[str, str], ...], address: str) -> Member:
    """What this process tells the others of itself."""
    settings = facts.settings
    return Member(
        member_id=member_id,
        kind=facts.kind,
        lease=round(settings.lease_seconds * SECOND),
        version=version("stretto"),
        types=types,
        address=address,
        joined_at=facts.clock.now(),
        concurrency_max=settings.concurrency_max,
    )
