"""Following a workflow's journal: first what is stored, then what is committed, with no gap in between."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from itertools import islice

from stretto.server.domain.change import Publication
from stretto.server.domain.errors import Draining, SequenceOutOfRange, StreamEnded
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.workflow import Workflow
from stretto.server.store.port import Store

PAGE = 500
"""Events read from the store at once."""

TAIL_EVENTS_MAX = 256
"""Newest events of one workflow that are kept in memory; a watcher that is further behind reads the store."""

TAIL_BYTES_MAX = 1024 * 1024
"""Bytes of those events: a result of megabytes is read from the store by each watcher."""

TAILS_MAX = 2_000
"""Workflows that changed last and whose newest events are kept in memory, though nobody may watch them."""

TAILS_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of all events that are kept, watched or not; what changed longest ago is given up first."""

EVENT_BYTES = 128
"""What an event takes in memory besides its body."""

Key = tuple[str, str]
"""Project and workflow id."""


class _Tail:
    """The newest events of one workflow, without a gap, and those who wait for more."""

    def __init__(self) -> None:
        self.events: deque[StoredEvent] = deque()
        self.size = 0
        self.last_sequence = -1
        self.ended = False
        self.followers = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def learn(self, workflow: Workflow) -> None:
        """Take over a row, unless a newer one is known."""
        if workflow.last_sequence >= self.last_sequence:
            self.last_sequence = workflow.last_sequence
            self.ended = workflow.status.terminal

    def add(self, events: Sequence[StoredEvent]) -> None:
        """Keep new events, and as many older ones as there is room for."""
        for event in events:
            self.events.append(event)
            self.size += _size(event)
        while len(self.events) > TAIL_EVENTS_MAX or self.size > TAIL_BYTES_MAX:
            self.size -= _size(self.events.popleft())

    def forget(self) -> None:
        """Give up the events; who follows reads the store, and later events are kept again."""
        self.events.clear()
        self.size = 0

    def after(self, cursor: int) -> tuple[StoredEvent, ...] | None:
        """The events after a cursor, or None when the next one is not here: too old, or not published yet."""
        if not self.events or not self.events[0].sequence <= cursor + 1 <= self.events[-1].sequence:
            return None
        return tuple(islice(self.events, cursor + 1 - self.events[0].sequence, None))

    def wake(self) -> None:
        """Let everybody who waits look again."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait(self, seconds: float) -> None:
        """Return when there is something to look at, or after that time."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.add(future)
        timer = loop.call_later(seconds, _resolve, future)
        try:
            await future
        finally:
            timer.cancel()
            self._waiting.discard(future)


class Journal:
    """Hands committed events to everybody who follows their workflow."""

    def __init__(self, store: Store, *, bookmark_seconds: float = 10.0) -> None:
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._tails: OrderedDict[Key, _Tail] = OrderedDict()
        self._bytes = 0
        self._followed: dict[Key, _Tail] = {}
        self._closing = False
        store.on_publication(self._publish)

    @property
    def watcher_count(self) -> int:
        """How many follow a journal now."""
        return sum(tail.followers for tail in self._followed.values())

    def close(self) -> None:
        """End all streams, each with StreamEnded, and refuse new ones."""
        self._closing = True
        for tail in self._followed.values():
            tail.wake()

    async def follow(
        self, project: str, workflow_id: str, after: int, limit: int
    ) -> AsyncIterator[tuple[StoredEvent, ...]]:
        """Yield the events after a sequence, at most `limit` at once, until the terminal one.

        An empty batch means that nothing happened for a while. Raises WorkflowNotFound, SequenceOutOfRange when the
        journal is shorter than `after`, and StreamEnded with `last_sequence` when the server shuts down.
        """
        key = (project, workflow_id)
        tail = self._enter(key)
        try:
            await self._meet(key, tail, after)
            if after > tail.last_sequence:
                raise SequenceOutOfRange(last_sequence=str(tail.last_sequence))
            cursor = after
            while True:
                events = await self._read(key, tail, cursor) if cursor < tail.last_sequence else ()
                if events:
                    for batch in _cut(events, limit):
                        cursor = batch[-1].sequence
                        yield batch
                elif tail.ended and cursor >= tail.last_sequence:
                    return
                elif self._closing:
                    raise StreamEnded(last_sequence=str(cursor))
                else:
                    await tail.wait(self._bookmark_seconds)
                    if cursor == tail.last_sequence and not self._closing:
                        yield ()
        finally:
            self._leave(key, tail)

    async def wait_for(self, project: str, workflow_id: str, sequence: int, seconds: float) -> None:
        """Return once the journal has reached a sequence; raise SequenceOutOfRange when it does not in that time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        key = (project, workflow_id)
        tail = self._enter(key)
        try:
            await self._meet(key, tail)
            while tail.last_sequence < sequence:
                left = deadline - loop.time()
                if self._closing:
                    raise Draining
                if tail.ended or left <= 0:
                    raise SequenceOutOfRange(last_sequence=str(tail.last_sequence))
                await tail.wait(left)
        finally:
            self._leave(key, tail)

    def _enter(self, key: Key) -> _Tail:
        """Be told of the workflow's events from now on."""
        tail = self._followed.get(key) or self._tails.get(key) or _Tail()
        self._followed[key] = tail
        tail.followers += 1
        return tail

    def _leave(self, key: Key, tail: _Tail) -> None:
        tail.followers -= 1
        if not tail.followers:
            del self._followed[key]
            self._keep(key, tail, ())

    def _keep(self, key: Key, tail: _Tail, events: Sequence[StoredEvent]) -> None:
        """Add events to a tail that was met, and give up those of the tails that were used longest ago."""
        if tail.last_sequence < 0:
            return
        before = tail.size
        tail.add(events)
        self._bytes += tail.size - before
        self._tails[key] = tail
        self._tails.move_to_end(key)
        while len(self._tails) > TAILS_MAX or self._bytes > TAILS_BYTES_MAX:
            _, oldest = self._tails.popitem(last=False)
            self._bytes -= oldest.size
            oldest.forget()

    async def _meet(self, key: Key, tail: _Tail, sequence: int = 0) -> None:
        """Learn how far the journal is, now that no event can be missed, if it is not known to have come that far."""
        if tail.last_sequence < sequence:
            tail.learn(await self._store.get(*key))

    async def _read(self, key: Key, tail: _Tail, cursor: int) -> tuple[StoredEvent, ...]:
        """Some events after a cursor: out of memory if they are there; none when even the store has none yet."""
        kept = tail.after(cursor)
        if kept is not None:
            return kept
        return await self._store.events(*key, cursor, PAGE) or tail.after(cursor) or ()

    def _publish(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            workflow = publication.workflow
            key = (workflow.project, workflow.workflow_id)
            tail = self._followed.get(key) or self._tails.get(key) or _Tail()
            tail.learn(workflow)
            self._keep(key, tail, publication.events)
            tail.wake()


def _size(event: StoredEvent) -> int:
    return len(event.body) + EVENT_BYTES


def _cut(events: tuple[StoredEvent, ...], limit: int) -> Sequence[tuple[StoredEvent, ...]]:
    """The events in pieces of at most `limit`."""
    if len(events) <= limit:
        return (events,)
    return [events[start : start + limit] for start in range(0, len(events), limit)]


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
