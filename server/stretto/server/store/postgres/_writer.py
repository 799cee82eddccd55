"""Group commit: one task writes all that arrived since its last commit in one transaction."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import asyncpg

from stretto.server.domain.errors import Overloaded, StoreInUse, StoreUnavailable
from stretto.server.domain.session import Encoders
from stretto.server.store._cache import Cache, Entry, is_busy
from stretto.server.store._delivery import Listeners, Outcome, Published, Ticket, settle, unavailable
from stretto.server.store._operations import Create, Operation
from stretto.server.store.postgres._batch import Batch, Conflict, Missing, Wanted
from stretto.server.store.postgres._connection import ANSWER_SECONDS_MAX, Connection, is_lost, is_storage_error
from stretto.server.store.postgres._line import Line

BATCH_MAX = 256
"""Operations in one transaction; more would make the first one wait for the last one."""

PENDING_MAX = 4_096
"""Operations that wait for the writer; further ones are refused."""

CREATES_PENDING_MAX = 2_048
"""From so many on new workflows are refused, so that those accepted before can go on, and be cancelled."""

AT_ONCE = 32
"""Operations that run before others have their turn on the loop."""

ATTEMPTS_MAX = 5
"""How often a batch is repeated because other processes wrote the same rows; from the second time on it locks them."""

RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Pauses between attempts to ask what became of a commit; the last one is repeated."""

REPEATED = (Conflict, asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)
"""What other processes cause by writing at the same time; a new row that somebody else made is there the next time."""

_Ticket: TypeAlias = Ticket[Batch]


class Writer:
    """The only writer of a process: a task with a queue."""

    def __init__(self, line: Line, encoders: Encoders, listeners: Listeners, probed: int) -> None:
        self._line = line
        self._encoders = encoders
        self._listeners = listeners
        self._probed = probed
        self._cache: Cache[Entry] = Cache(is_busy)
        self._queue: deque[_Ticket] = deque()
        self._wake = asyncio.Event()
        self._is_open = True
        self._undecided = False
        self._task = asyncio.create_task(self._run(), name="stretto-store-writer")

    def submit(self, operation: Operation[Batch]) -> asyncio.Future[object]:
        """Queue an operation."""
        if self._undecided:
            raise StoreUnavailable
        limit = CREATES_PENDING_MAX if isinstance(operation, Create) else PENDING_MAX
        if len(self._queue) >= limit:
            raise Overloaded("The store has too many writes waiting; come back later.")
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._queue.append(Ticket(operation, future))
        self._wake.set()
        return future

    async def stop(self) -> None:
        """Write what is queued, and end; nothing may be submitted from now on."""
        self._is_open = False
        self._wake.set()
        await self._task
        await self._line.close()

    async def _run(self) -> None:
        while self._queue or self._is_open:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._commit([self._queue.popleft() for _ in range(min(BATCH_MAX, len(self._queue)))])

    async def _commit(self, tickets: list[_Ticket]) -> None:
        try:
            published, outcomes = await self._write(tickets)
        except Exception as error:  # noqa: BLE001  # Every caller gets it, none may be left waiting.
            await self._give_up(tickets, error)
        else:
            self._deliver(published, outcomes)

    async def _give_up(self, tickets: list[_Ticket], error: Exception) -> None:
        """Nothing was written. Only the storage's failure is everybody's; otherwise let each one try alone."""
        self._cache.clear()
        self._line.drop()
        if isinstance(error, (StoreUnavailable, StoreInUse)):
            self._fail(tickets, StoreUnavailable(str(error)))
        elif is_storage_error(error):
            self._fail(tickets, unavailable(error))
        elif len(tickets) == 1:
            self._fail(tickets, error)
        else:
            for ticket in tickets:
                await self._commit([ticket])

    def _fail(self, tickets: list[_Ticket], error: Exception) -> None:
        self._deliver(Published(), [Outcome(ticket.future, error=error) for ticket in tickets])

    def _deliver(self, published: Published, outcomes: list[Outcome]) -> None:
        # By the loop, which logs what a listener fails with: the writer goes on.
        asyncio.get_running_loop().call_soon(settle, self._listeners, published, outcomes)

    async def _write(self, tickets: list[_Ticket]) -> tuple[Published, list[Outcome]]:
        """Write all operations in one transaction, with what there is by the time that it ends."""
        wanted = Wanted()
        for ticket in tickets:
            wanted.of(ticket.operation)
        conflict: Exception = Conflict()
        for attempt in range(ATTEMPTS_MAX):
            connection = await self._line.get()
            batch = Batch(connection, self._encoders, self._cache, self._probed)
            try:
                outcomes = await self._attempt(
                    connection, batch, tickets, partial(batch.load, wanted, locked=attempt > 0)
                )
            except Missing as missing:
                wanted.add(missing)
            except REPEATED as error:
                conflict = error
                batch.forget()
            else:
                batch.committed()
                return Published(batch.sessions.publications, batch.publications), outcomes
            await connection.execute("ROLLBACK")
        if isinstance(conflict, asyncpg.UniqueViolationError):
            raise conflict
        raise Overloaded("Other processes keep writing the same rows; come back later.") from conflict

    async def _attempt(
        self, connection: Connection, batch: Batch, tickets: list[_Ticket], load: Callable[[], Awaitable[None]]
    ) -> list[Outcome]:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await connection.execute("BEGIN")
            await load()
            outcomes = []
            for number, ticket in enumerate(tickets, start=1):
                outcomes.append(ticket.run(batch))
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
            batch.check()
            await batch.write()
        await self._end(connection, batch)
        return outcomes

    async def _end(self, connection: Connection, batch: Batch) -> None:
        """Commit; when no answer comes, find out what became of it."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await connection.execute("COMMIT")
        except Exception as error:
            if not is_storage_error(error) or not is_lost(error):
                raise
            self._line.drop()
            if batch.transaction_id and not await self._was_committed(batch):
                raise unavailable(error) from error

    async def _was_committed(self, batch: Batch) -> bool:
        """Ask until the database answers; whoever comes meanwhile is told at once that it is away."""
        self._undecided = True
        waiting, self._queue = list(self._queue), deque()
        self._fail(waiting, StoreUnavailable())
        try:
            return await self._ask(batch)
        finally:
            self._undecided = False

    async def _ask(self, batch: Batch) -> bool:
        attempt = 0
        while self._is_open:
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    return await self._line.was_committed(batch.transaction_id, batch.trace)
            except Exception as error:
                if not is_storage_error(error):
                    raise
                self._line.drop()
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
        raise StoreUnavailable("The store was closed before it was known what became of this write.")
