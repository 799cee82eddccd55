"""Group commit: one thread writes all that arrived since its last commit in one transaction."""

import asyncio
import queue
import threading
from collections.abc import Callable

import apsw

from stretto.server.domain.errors import Overloaded
from stretto.server.domain.session import Encoders
from stretto.server.store._cache import Caches
from stretto.server.store._delivery import Listeners, Outcome, Published, Ticket, settle, unavailable
from stretto.server.store._operations import Create, Operation
from stretto.server.store.sqlite._batch import Batch
from stretto.server.store.sqlite._connection import is_storage_error

BATCH_MAX = 256
"""Operations in one transaction; more would make the first one wait for the last one."""

PENDING_MAX = 4_096
"""Operations that wait for the writer; further ones are refused."""

CREATES_PENDING_MAX = 2_048
"""From so many on new workflows are refused, so that those accepted before can go on, and be cancelled."""

_Ticket = Ticket[Batch]


class Writer:
    """The only writer of a file: a thread with a queue."""

    def __init__(self, connect: Callable[[], apsw.Connection], encoders: Encoders) -> None:
        self._connect = connect
        self._encoders = encoders
        self._caches = Caches()
        self._connection: apsw.Connection | None = None
        self._queue: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._listeners = Listeners()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="stretto-store-writer", daemon=True)

    def start(self, connection: apsw.Connection, listeners: Listeners) -> None:
        """Begin to write; listeners that are added later are called too."""
        self._connection = connection
        self._listeners = listeners
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, and end; nothing may be submitted from now on. Blocks."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, operation: Operation[Batch]) -> asyncio.Future[object]:
        """Queue an operation; to be called on the loop that opened the store."""
        limit = CREATES_PENDING_MAX if isinstance(operation, Create) else PENDING_MAX
        if self._queue.qsize() >= limit:
            raise Overloaded("The store has too many writes waiting; come back later.")
        future: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(Ticket(operation, future))
        return future

    def _run(self) -> None:
        going = True
        while going:
            tickets, going = self._take()
            if tickets:
                self._commit(tickets)
        self._close_connection()

    def _take(self) -> tuple[list[_Ticket], bool]:
        """Wait for an operation and take all that are there; the second value says whether there will be more."""
        ticket = self._queue.get()
        tickets: list[_Ticket] = []
        while ticket is not None:
            tickets.append(ticket)
            if len(tickets) == BATCH_MAX or self._queue.empty():
                return tickets, True
            ticket = self._queue.get()
        return tickets, False

    def _commit(self, tickets: list[_Ticket]) -> None:
        try:
            published, outcomes = self._attempt(tickets)
        except Exception as error:  # noqa: BLE001  # Every caller gets it, none may be left waiting.
            self._give_up(tickets, error)
        else:
            self._deliver(published, outcomes)

    def _attempt(self, tickets: list[_Ticket]) -> tuple[Published, list[Outcome]]:
        """Write all operations in one transaction."""
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute("BEGIN IMMEDIATE")
        batch = Batch(self._connection, self._encoders, self._caches)
        batch.load(
            [key for ticket in tickets for key in ticket.operation.workflows()],
            [key for ticket in tickets for key in ticket.operation.requests()],
            [key for ticket in tickets for key in ticket.operation.sessions()],
        )
        outcomes = [ticket.run(batch) for ticket in tickets]
        batch.flush()
        self._connection.execute("COMMIT")
        batch.committed()
        return Published(batch.sessions.publications, batch.publications), outcomes

    def _give_up(self, tickets: list[_Ticket], error: Exception) -> None:
        """Nothing was written. Only the storage's failure is everybody's; otherwise let each one try alone."""
        self._close_connection()
        if is_storage_error(error):
            self._deliver(Published(), [Outcome(ticket.future, error=unavailable(error)) for ticket in tickets])
        elif len(tickets) == 1:
            self._deliver(Published(), [Outcome(tickets[0].future, error=error)])
        else:
            for ticket in tickets:
                self._commit([ticket])

    def _close_connection(self) -> None:
        """Roll back what is open, whatever state it is in, and forget all rows; the next batch connects again."""
        self._caches.clear()
        if self._connection is not None:
            self._connection.close(True)  # noqa: FBT003  # apsw takes `force` by position only.
            self._connection = None

    def _deliver(self, published: Published, outcomes: list[Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(settle, self._listeners, published, outcomes)
        except RuntimeError:
            # The loop is closed, so nobody waits; what is written is written.
            assert self._loop.is_closed()
