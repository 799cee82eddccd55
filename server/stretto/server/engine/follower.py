"""Following a journal: first what is stored, then what is committed, with no gap in between."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, Protocol, TypeVar

from stretto.server.domain.errors import Draining, SequenceOutOfRange, StreamEnded, StrettoError

PAGE = 500
"""Events read from the store at once."""

TAIL_EVENTS_MAX = 256
"""Newest events of one journal that are kept in memory; a watcher that is further behind reads the store."""

TAIL_BYTES_MAX = 1024 * 1024
"""Bytes of those events: a result of megabytes is read from the store by each watcher."""

TAILS_MAX = 2_000
"""Journals that changed last and whose newest events are kept in memory, though nobody may watch them."""

TAILS_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of all events that are kept, watched or not; what changed longest ago is given up first."""

EVENT_BYTES = 128
"""What an event takes in memory besides its body."""

Key = tuple[str, str]
"""Project, and id of a workflow or session."""


class Numbered(Protocol):
    """One entry of a journal."""

    @property
    def sequence(self) -> int:
        """Its number."""
        ...

    @property
    def body(self) -> bytes:
        """Its public form."""
        ...


E = TypeVar("E", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a journal is, whether that was its last event, and the session it belongs to."""

    last_sequence: int
    ended: bool
    session_id: str = ""


class _Tail(Generic[E]):
    """The newest events of one journal, without a gap, and those who wait for more."""

    def __init__(self) -> None:
        self.events: deque[E] = deque()
        self.size = 0
        self.head = Head(-1, ended=False)
        self.followers = 0
        self.deleted = False
        self._waiting: set[asyncio.Future[bool]] = set()

    @property
    def is_met(self) -> bool:
        """Whether it is known how far the journal is."""
        return self.head.last_sequence >= 0

    def learn(self, head: Head) -> None:
        """Take over how far the journal is, unless more is known."""
        if head.last_sequence >= self.head.last_sequence:
            self.head = head

    def add(self, events: Sequence[E]) -> None:
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

    def after(self, cursor: int) -> tuple[E, ...] | None:
        """The events after a cursor, or None when the next one is not here: too old, or not published yet.

        Of a journal that was deleted, the events that are left: there is no other place to read.
        """
        if not self.events or cursor >= self.events[-1].sequence:
            return None
        skipped = cursor + 1 - self.events[0].sequence
        if skipped < 0 and not self.deleted:
            return None
        return tuple(islice(self.events, max(0, skipped), None))

    def wake(self) -> None:
        """Let everybody who waits look again."""
        for future in self._waiting:
            _resolve(future, woken=True)
        self._waiting.clear()

    async def wait(self, seconds: float) -> bool:
        """Return True when there is something to look at, or False after that time."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting.add(future)
        timer = loop.call_later(seconds, partial(_resolve, future, woken=False))
        try:
            return await future
        finally:
            timer.cancel()
            self._waiting.discard(future)


class Follower(Generic[E]):
    """Hands committed events to everybody who follows their journal.

    `head` tells how far a journal is or refuses, `read` gives events after a sequence; both read the store.
    """

    def __init__(
        self,
        head: Callable[[Key], Awaitable[Head]],
        read: Callable[[Key, int, int], Awaitable[tuple[E, ...]]],
        *,
        bookmark_seconds: float,
    ) -> None:
        self._head = head
        self._read_stored = read
        self._bookmark_seconds = bookmark_seconds
        self._tails: OrderedDict[Key, _Tail[E]] = OrderedDict()
        self._bytes = 0
        self._followed: dict[Key, _Tail[E]] = {}
        self._follower_count = 0
        self._closing = False

    @property
    def follower_count(self) -> int:
        """How many follow a journal now."""
        return self._follower_count

    def close(self) -> None:
        """End all streams, each with StreamEnded, and refuse new ones."""
        self._closing = True
        for tail in self._followed.values():
            tail.wake()

    def publish(self, key: Key, head: Head, events: Sequence[E]) -> None:
        """Take in what was committed: where the journal is now, and its new events."""
        tail = self._followed.get(key) or self._tails.get(key) or _Tail[E]()
        tail.learn(head)
        self._keep(key, tail, events)
        tail.wake()

    def delete(self, key: Key) -> None:
        """Keep a journal no more that was deleted from the store; who follows it gets what is left of it, and ends."""
        tail = self._followed.pop(key, None) or self._tails.get(key)
        if self._tails.pop(key, None) is not None and tail is not None:
            self._bytes -= tail.size
        if tail is not None:
            tail.deleted = True
            tail.wake()

    def delete_session(self, project: str, session_id: str) -> None:
        """Keep no more what belongs to a session that was deleted from the store."""
        tails = (self._tails | self._followed).items()
        for key in [key for key, tail in tails if key[0] == project and tail.head.session_id == session_id]:
            self.delete(key)

    async def follow(
        self, key: Key, after: int, limit: int, *, missing: type[StrettoError] | tuple[()] = ()
    ) -> AsyncIterator[tuple[E, ...]]:
        """Yield the events after a sequence, at most `limit` at once, until the last one.

        An empty batch means that nothing happened for a while. Raises what `head` raises, but for `missing`: such a
        journal is waited for. Raises SequenceOutOfRange when the journal is shorter than `after`, and StreamEnded with
        `last_sequence` when the server shuts down.
        """
        tail = self._enter(key)
        try:
            await self._meet(key, tail, after, missing)
            if after > max(0, tail.head.last_sequence):
                raise SequenceOutOfRange(last_sequence=str(max(0, tail.head.last_sequence)))
            cursor = after
            while True:
                events = await self._read(key, tail, cursor) if cursor < tail.head.last_sequence else ()
                if events:
                    for batch in _cut(events, limit):
                        cursor = batch[-1].sequence
                        yield batch
                elif tail.head.ended and cursor >= tail.head.last_sequence:
                    return
                elif self._closing:
                    raise StreamEnded(last_sequence=str(cursor))
                elif await self._waits_in_vain(tail, cursor):
                    await self._head(key)  # What is missing was deleted, and then this says so; or it is late.
                elif cursor >= tail.head.last_sequence and not self._closing:
                    yield ()
        finally:
            self._leave(key, tail)

    async def _waits_in_vain(self, tail: _Tail[E], cursor: int) -> bool:
        """Wait for something to look at; says whether nothing came for events that are missing."""
        if tail.deleted:
            return True
        woken = await tail.wait(self._bookmark_seconds)
        return not woken and cursor < tail.head.last_sequence

    async def wait_for(self, key: Key, sequence: int, seconds: float) -> None:
        """Return once the journal has reached a sequence; raise SequenceOutOfRange when it does not in that time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        tail = self._enter(key)
        try:
            await self._meet(key, tail)
            while tail.head.last_sequence < sequence:
                left = deadline - loop.time()
                if self._closing:
                    raise Draining
                if tail.head.ended or left <= 0:
                    raise SequenceOutOfRange(last_sequence=str(tail.head.last_sequence))
                await tail.wait(left)
        finally:
            self._leave(key, tail)

    def _enter(self, key: Key) -> _Tail[E]:
        """Be told of the journal's events from now on."""
        tail = self._followed.get(key) or self._tails.get(key) or _Tail[E]()
        self._followed[key] = tail
        tail.followers += 1
        self._follower_count += 1
        return tail

    def _leave(self, key: Key, tail: _Tail[E]) -> None:
        tail.followers -= 1
        self._follower_count -= 1
        if not tail.followers and not tail.deleted:
            del self._followed[key]
            self._keep(key, tail, ())

    def _keep(self, key: Key, tail: _Tail[E], events: Sequence[E]) -> None:
        """Add events to a tail that was met, and give up those of the tails that were used longest ago."""
        if not tail.is_met:
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

    async def _meet(
        self, key: Key, tail: _Tail[E], sequence: int = 0, missing: type[StrettoError] | tuple[()] = ()
    ) -> None:
        """Learn how far the journal is, now that no event can be missed, if it is not known to have come that far."""
        if tail.head.last_sequence >= sequence:
            return
        try:
            tail.learn(await self._head(key))
        except missing:
            return

    async def _read(self, key: Key, tail: _Tail[E], cursor: int) -> tuple[E, ...]:
        """Some events after a cursor: out of memory if they are there; none when even the store has none yet."""
        kept = tail.after(cursor)
        if kept is not None:
            return kept
        return await self._read_stored(key, cursor, PAGE) or tail.after(cursor) or ()


def _size(event: Numbered) -> int:
    return len(event.body) + EVENT_BYTES


def _cut(events: tuple[E, ...], limit: int) -> Sequence[tuple[E, ...]]:
    """The events in pieces of at most `limit`."""
    if len(events) <= limit:
        return (events,)
    return [events[start : start + limit] for start in range(0, len(events), limit)]


def _resolve(future: asyncio.Future[bool], *, woken: bool) -> None:
    if not future.done():
        future.set_result(woken)
