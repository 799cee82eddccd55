"""Group commit: one thread writes all that arrived since its last commit in one transaction."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import apsw

from stretto.server.domain.change import Publication
from stretto.server.domain.errors import Overloaded, StoreUnavailable, StrettoError
from stretto.server.domain.session import Encoders, SessionPublication
from stretto.server.store.sqlite._batch import Batch
from stretto.server.store.sqlite._cache import Caches
from stretto.server.store.sqlite._connection import is_storage_error
from stretto.server.store.sqlite._operations import Create, Operation

BATCH_MAX = 256
"""Operations in one transaction; more would make the first one wait for the last one."""

PENDING_MAX = 4_096
"""Operations that wait for the writer; further ones are refused."""

CREATES_PENDING_MAX = 2_048
"""From so many on new workflows are refused, so that those accepted before can go on, and be cancelled."""

Listener = Callable[[Sequence[Publication]], None]
SessionListener = Callable[[Sequence[SessionPublication]], None]


@dataclass(slots=True)
class Listeners:
    """Whom to tell of commits; those of sessions first, so that whoever hears of a workflow finds its session told."""

    sessions: list[SessionListener] = field(default_factory=list)
    workflows: list[Listener] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ticket:
    """An operation and the future of its caller."""

    operation: Operation
    future: asyncio.Future[object]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What to tell a caller."""

    future: asyncio.Future[object]
    result: object = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Published:
    """What a transaction made public."""

    sessions: Sequence[SessionPublication] = ()
    workflows: Sequence[Publication] = ()


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

    def submit(self, operation: Operation) -> asyncio.Future[object]:
        """Queue an operation; to be called on the loop that opened the store."""
        limit = CREATES_PENDING_MAX if isinstance(operation, Create) else PENDING_MAX
        if self._queue.qsize() >= limit:
            raise Overloaded("The store has too many writes waiting; come back later.")
        future: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Ticket(operation, future))
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

    def _attempt(self, tickets: list[_Ticket]) -> tuple[_Published, list[_Outcome]]:
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
        outcomes = [_run(ticket, batch) for ticket in tickets]
        batch.flush()
        self._connection.execute("COMMIT")
        batch.committed()
        return _Published(batch.sessions.publications, batch.publications), outcomes

    def _give_up(self, tickets: list[_Ticket], error: Exception) -> None:
        """Nothing was written. Only the storage's failure is everybody's; otherwise let each one try alone."""
        self._close_connection()
        if is_storage_error(error):
            self._deliver(_Published(), [_Outcome(ticket.future, error=_unavailable(error)) for ticket in tickets])
        elif len(tickets) == 1:
            self._deliver(_Published(), [_Outcome(tickets[0].future, error=error)])
        else:
            for ticket in tickets:
                self._commit([ticket])

    def _close_connection(self) -> None:
        """Roll back what is open, whatever state it is in, and forget all rows; the next batch connects again."""
        self._caches.clear()
        if self._connection is not None:
            self._connection.close(True)  # noqa: FBT003  # apsw takes `force` by position only.
            self._connection = None

    def _deliver(self, published: _Published, outcomes: list[_Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, published, outcomes)
        except RuntimeError:
            # The loop is closed, so nobody waits; what is written is written.
            assert self._loop.is_closed()

    def _settle(self, published: _Published, outcomes: list[_Outcome]) -> None:
        """On the loop: first the listeners, so that whoever gets an answer finds everybody else told."""
        try:
            if published.sessions:
                for tell in self._listeners.sessions:
                    tell(published.sessions)
            if published.workflows:
                for listener in self._listeners.workflows:
                    listener(published.workflows)
        finally:
            for outcome in outcomes:
                _resolve(outcome)


def _run(ticket: _Ticket, batch: Batch) -> _Outcome:
    """A refusal is an outcome like others: it was raised before the operation's first effect."""
    try:
        return _Outcome(ticket.future, ticket.operation.run(batch))
    except StrettoError as error:
        return _Outcome(ticket.future, error=error)


def _unavailable(cause: Exception) -> StoreUnavailable:
    error = StoreUnavailable()
    error.__cause__ = cause
    return error


def _resolve(outcome: _Outcome) -> None:
    if outcome.future.done():
        return
    if outcome.error is None:
        outcome.future.set_result(outcome.result)
    else:
        outcome.future.set_exception(outcome.error)
