"""Group commit: one thread sends all that arrived since its last call, in one script for each project."""

import asyncio
import queue
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from redis.exceptions import RedisError

from stretto.server.domain.errors import Overloaded, StoreUnavailable
from stretto.server.domain.session import Encoders
from stretto.server.store._cache import Key
from stretto.server.store._delivery import Listeners, Outcome, Published, Ticket, settle, unavailable
from stretto.server.store._operations import Create, Operation
from stretto.server.store.redis._batch import Batch, Transaction
from stretto.server.store.redis._keys import PROBE, PROJECTS, prefix_of
from stretto.server.store.redis._link import Call, Link, Packed, Unanswered, is_not_ready
from stretto.server.store.redis._view import Caches, View

BATCH_MAX = 256
"""Operations in one call; more would make the first one wait for the last one."""

BATCH_BYTES_MAX = 32 * 1024 * 1024
"""After so many bytes a call takes no further operation; Redis takes none above 512 MiB."""

PENDING_MAX = 4_096
"""Operations that wait for the writer; further ones are refused."""

CREATES_PENDING_MAX = 2_048
"""From so many on new workflows are refused, so that those accepted before can go on, and be cancelled."""

LOST_MAX = 100
"""How often an operation may find its rows changed by others before it is refused."""

PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAX = 1.0
"""Between two tries to learn what became of a call whose answer got lost."""

LAST_TRIES = 5
"""How often a store that is closed still tries to learn that."""

_WRITTEN = ord("1")


@dataclass(frozen=True, slots=True)
class _Try:
    """An operation that is to be run: again, if others changed what it looked at; then that is read anew."""

    ticket: Ticket[Batch]
    lost: int = 0
    workflows: tuple[Key, ...] = ()
    sessions: tuple[Key, ...] = ()


class Writer:
    """What one store writes: a thread with a queue and a connection. Others may write the same rows meanwhile."""

    def __init__(self, link: Link, encoders: Encoders, listeners: Listeners) -> None:
        self._link = link
        self._encoders = encoders
        self._listeners = listeners
        self._name = secrets.token_hex(6)
        self._number = 0
        self._revisions = 0
        self._projects: set[str] = set()
        self._caches = Caches()
        self._queue: queue.SimpleQueue[Ticket[Batch] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="stretto-store-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, and end; nothing may be submitted from now on. Blocks."""
        self._stopping.set()
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
            tries = [_Try(ticket) for ticket in tickets]
            while tries:
                tries = self._commit(tries)
        self._link.close()

    def _take(self) -> tuple[list[Ticket[Batch]], bool]:
        """Wait for an operation and take all that are there; the second value says whether there will be more."""
        ticket = self._queue.get()
        tickets: list[Ticket[Batch]] = []
        while ticket is not None:
            tickets.append(ticket)
            if len(tickets) == BATCH_MAX or self._queue.empty():
                return tickets, True
            ticket = self._queue.get()
        return tickets, False

    def _commit(self, tries: list[_Try]) -> list[_Try]:
        """Write operations; gives back those that are to be tried again."""
        try:
            return self._attempt(tries)
        except Exception as error:  # noqa: BLE001  # Every caller gets it, none may be left waiting.
            self._caches.clear()
            self._link.close()
            self._deliver(Published(), [Outcome(one.ticket.future, error=unavailable(error)) for one in tries])
            return []

    def _attempt(self, tries: list[_Try]) -> list[_Try]:
        view = View(self._link, self._caches)
        self._load(view, tries)
        transactions, rest = self._run_operations(view, tries)
        results = self._send(transactions)
        unwritten = [one for one, result in zip(transactions, results, strict=True) if result is not True]
        view.workflows.remember({key for one in unwritten for key in one.workflows})
        view.sessions.remember({key for one in unwritten for key in one.sessions})
        self._tell(transactions, results)
        lost = [one for one, result in zip(transactions, results, strict=True) if result is False]
        return [*self._again(lost, tries), *rest]

    def _load(self, view: View, tries: Iterable[_Try]) -> None:
        """Read ahead what the operations will ask for. One that creates takes its request id for new at first."""
        workflows = [key for one in tries for key in (*one.ticket.operation.workflows(), *one.workflows)]
        sessions = [key for one in tries for key in (*one.ticket.operation.sessions(), *one.sessions)]
        asked = [one.ticket.operation for one in tries if one.lost or not isinstance(one.ticket.operation, Create)]
        requests = [key for operation in asked for key in operation.requests()]
        view.load(view.workflows.unknown(workflows), view.sessions.unknown(sessions), requests)

    def _run_operations(self, view: View, tries: list[_Try]) -> tuple[list[Transaction], list[_Try]]:
        """Run operations one after another, up to a size; the rest waits for the next call."""
        transactions: list[Transaction] = []
        size = 0
        for place, one in enumerate(tries):
            if size > BATCH_BYTES_MAX:
                return transactions, tries[place:]
            self._revisions += 1
            revision = f"{self._name}.{self._revisions}"
            try:
                transactions.append(Batch(self._encoders, view, one.ticket, revision).run())
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001  # What a caller did wrong is told to that caller alone.
                self._deliver(Published(), [Outcome(one.ticket.future, error=error)])
            else:
                size += len(transactions[-1].words.text)
        return transactions, []

    def _send(self, transactions: list[Transaction]) -> list[bool | StoreUnavailable]:
        """For each transaction: whether it was written, or why it was refused. If not, it changed nothing."""
        groups: dict[str, list[int]] = {}
        for place, one in enumerate(transactions):
            groups.setdefault(one.project, []).append(place)
        results: list[bool | StoreUnavailable] = [False] * len(transactions)
        answers = self._decided(
            {project: [transactions[place].words for place in places] for project, places in groups.items()}
        )
        for places, answer in zip(groups.values(), answers, strict=True):
            if is_not_ready(answer):
                # It may be a primary no more; whoever is it now is found by a new connection.
                self._link.close()
            for index, place in enumerate(places):
                results[place] = unavailable(answer) if isinstance(answer, RedisError) else answer[index] == _WRITTEN
        return results

    def _decided(self, words: Mapping[str, list[Packed]]) -> list[bytes | RedisError]:
        """Send transactions, by their projects, and repeat that until it is known what became of them."""
        if not words:
            return []
        self._name_projects(words)
        self._number += 1
        calls = [
            Call("commit", prefix_of(project) if project else PROBE, (self._name, self._number), theirs)
            for project, theirs in words.items()
        ]
        try:
            return self._link.calls(calls)
        except Unanswered as error:
            return self._repeated(calls, error)

    def _repeated(self, calls: list[Call], error: Unanswered) -> list[bytes | RedisError]:
        """Ask again until Redis answers. It does what it has done already no second time."""
        self._caches.clear()
        pause, tries_left = min(PAUSE_SECONDS, PAUSE_SECONDS_MAX), LAST_TRIES
        while tries_left:
            self._refuse_waiting(error)
            tries_left -= self._stopping.is_set()
            time.sleep(pause)
            pause = min(PAUSE_SECONDS_MAX, pause * 2)
            try:
                answers = self._link.calls(calls)
            except StoreUnavailable:
                continue
            if not any(is_not_ready(answer) for answer in answers):
                return answers
        raise error

    def _name_projects(self, projects: Iterable[str]) -> None:
        """Write down that there may be something of projects, before there is."""
        new = [project for project in projects if project and project not in self._projects]
        if new:
            self._link.command("SADD", PROJECTS, *new)
            self._projects.update(new)

    def _again(self, lost: list[Transaction], tries: list[_Try]) -> list[_Try]:
        """The operations whose rows others changed, but for those to which that happened too often."""
        count = {id(one.ticket): one.lost + 1 for one in tries}
        again: list[_Try] = []
        for one in lost:
            if count[id(one.ticket)] < LOST_MAX:
                again.append(_Try(one.ticket, count[id(one.ticket)], one.workflows, one.sessions))
            else:
                busy = Overloaded("Too many others change the same; come back later.")
                self._deliver(Published(), [Outcome(one.ticket.future, error=busy)])
        return again

    def _tell(self, transactions: list[Transaction], results: list[bool | StoreUnavailable]) -> None:
        """Tell callers and listeners of what is decided."""
        written = [one for one, result in zip(transactions, results, strict=True) if result is True]
        outcomes = [one.outcome for one in written]
        for one, result in zip(transactions, results, strict=True):
            if isinstance(result, StoreUnavailable):
                outcomes.append(Outcome(one.ticket.future, error=result))
        published = Published(
            [told for one in written for told in one.session_publications],
            [told for one in written for told in one.publications],
        )
        self._deliver(published, outcomes)

    def _refuse_waiting(self, error: StoreUnavailable) -> None:
        """Nobody shall wait behind a Redis that does not answer, as long as nothing was sent."""
        while not self._queue.empty():
            ticket = self._queue.get()
            if ticket is None:
                self._queue.put(None)
                return
            self._deliver(Published(), [Outcome(ticket.future, error=unavailable(error))])

    def _deliver(self, published: Published, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        try:
            self._loop.call_soon_threadsafe(settle, self._listeners, published, outcomes)
        except RuntimeError:
            # The loop is closed, so nobody waits; what is written is written.
            assert self._loop.is_closed()
