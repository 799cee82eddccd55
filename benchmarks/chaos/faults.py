"""What happens to a cluster, at random: each kind once before any comes again."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine

from benchmarks.chaos.database import Cut
from benchmarks.chaos.fleet import Fleet, Member
from benchmarks.chaos.ledgers import Pause

LEASES_OF_A_PAUSE = 3
AWAY_SECONDS_MAX = 2.0
"""How long a service is away at most before it is started again."""

CUTS_AT_ONCE = 3
RETRY_SECONDS = 0.05
"""Pause when a fault cannot happen now, because nobody is there whom it would meet."""

Inflict = Callable[[], Awaitable[bool]]


class Faults:
    """Inflicts faults, and knows which are still going on."""

    def __init__(self, fleet: Fleet, lease_seconds: float, dice: random.Random, kinds: Collection[str] = ()) -> None:
        self.count: Counter[str] = Counter()
        self.pauses: list[Pause] = []
        """Who stood still, and when."""
        self._fleet = fleet
        self._pause_seconds = LEASES_OF_A_PAUSE * lease_seconds
        self._dice = dice
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._kinds: dict[str, Inflict] = {
            "kill_server": lambda: self._kill(fleet.servers),
            "kill_worker": lambda: self._kill(fleet.workers),
            "kill_another_worker": lambda: self._kill(fleet.workers),
            "freeze_worker": lambda: self._freeze(fleet.workers),
            "freeze_server": lambda: self._freeze(fleet.servers),
            "part_from_database": self._part,
            "stop_database": lambda: self._restart_database(fleet.postgres.stop),
            "kill_database": lambda: self._restart_database(fleet.postgres.kill),
            "cut_in_commit": self._cut_commits,
            "cut_in_commit_again": self._cut_commits,
            "cut_connections": self._cut_connections,
            "flush_redis": self._flush,
            "restart_redis": lambda: self._restart_redis(fleet.redis.stop),
            "kill_redis": lambda: self._restart_redis(fleet.redis.kill),
        }
        self._chosen = list(kinds or self._kinds)
        self._deck = self._shuffled()

    async def inflict(self) -> None:
        """Let the next fault happen that can; those that last go on in the background."""
        while not (name := await self._happened()):  # noqa: ASYNC110 - Members come back when they do.
            await asyncio.sleep(RETRY_SECONDS)
        self._deck.remove(name)
        self._deck = self._deck or self._shuffled()

    async def freeze_worker(self) -> None:
        """Let a worker stand still for as long as others need to take over, and longer."""
        while not await self._freeze(self._fleet.workers):  # noqa: ASYNC110 - as above.
            await asyncio.sleep(RETRY_SECONDS)
        await self.over()

    async def _happened(self) -> str:
        """The kind of which one happened now; empty when none could: whoever it would meet was not there."""
        for name in self._deck:
            if await self._kinds[name]():
                self.count[name] += 1
                return name
        return ""

    async def over(self) -> None:
        """Wait until what lasts is over, and what is to happen has happened."""
        while self._fleet.due_cuts:  # noqa: ASYNC110 - Members commit when they do.
            await asyncio.sleep(RETRY_SECONDS)
        await asyncio.gather(*self._tasks.values())

    async def break_off(self) -> None:
        """Undo what lasts, at once."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _shuffled(self) -> list[str]:
        return self._dice.sample(self._chosen, len(self._chosen))

    def _last(self, name: str, going_on: Callable[[], Coroutine[None, None, None]]) -> bool:
        """Let something go on in the background, but not twice at once."""
        if name in self._tasks and not self._tasks[name].done():
            return False
        self._tasks[name] = asyncio.create_task(going_on())
        return True

    def _any_of(self, members: list[Member]) -> Member | None:
        """One that works. A frozen one may be chosen, too: a kill reaches it."""
        working = [member for member in members if member.is_ready]
        return self._dice.choice(working) if working else None

    async def _kill(self, members: list[Member]) -> bool:
        # Some while they still start.
        member = self._any_of(members) or self._dice.choice(members)
        member.kill()
        return True

    async def _freeze(self, members: list[Member]) -> bool:
        awake = [member for member in members if member.is_ready and not member.frozen]
        if not awake:
            return False
        member = self._dice.choice(awake)
        return self._last(f"freeze {member.name}", lambda: self._hold(member))

    async def _hold(self, member: Member) -> None:
        began, group = time.time(), member.freeze(whole=self._dice.random() < 0.7)
        try:
            await asyncio.sleep(self._pause_seconds)
        finally:
            self.pauses.append(Pause(group, began, time.time()))
            if member.group == group:
                member.thaw()

    async def _part(self) -> bool:
        member = self._any_of(self._fleet.members)
        return member is not None and self._last(f"part {member.name}", lambda: self._part_one(member))

    async def _part_one(self, member: Member) -> None:
        began, group = time.time(), member.group
        try:
            await member.proxy.part(self._pause_seconds)
        finally:
            self.pauses.append(Pause(group, began, time.time()))

    async def _restart_database(self, end: Callable[[], None]) -> bool:
        return self._last("database", lambda: self._away(end, self._fleet.postgres.start))

    async def _restart_redis(self, end: Callable[[], None]) -> bool:
        return self._last("redis", lambda: self._away(end, self._fleet.redis.start))

    async def _away(self, end: Callable[[], None], start: Callable[[], None]) -> None:
        await asyncio.to_thread(end)
        try:
            await asyncio.sleep(self._dice.uniform(0, AWAY_SECONDS_MAX))
        finally:
            await asyncio.to_thread(start)

    async def _cut_commits(self) -> bool:
        for _ in range(self._dice.randint(1, CUTS_AT_ONCE)):
            self._fleet.due_cuts.append(self._dice.choice(list(Cut)))
        return True

    async def _cut_connections(self) -> bool:
        return await self._dice.choice(self._fleet.proxies).reset() > 0

    async def _flush(self) -> bool:
        try:
            await asyncio.to_thread(self._fleet.redis.flush)
        except RuntimeError:  # It is away.
            return False
        return True
