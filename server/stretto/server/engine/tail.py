"""The newest events of one journal in memory, and those who wait for more."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, Protocol, TypeVar

TAIL_EVENTS_MAX = 256
"""Newest events of one journal that are kept in memory; a watcher that is further behind reads the store."""

TAIL_BYTES_MAX = 1024 * 1024
"""Bytes of those events: a result of megabytes is read from the store by each watcher."""

EVENT_BYTES = 128
"""What an event takes in memory besides its body."""


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


class Tail(Generic[E]):
    """The newest events of one journal, without a gap, and those who wait for more.

    What it is told may be missing, doubled, late or out of order. Its head never goes back, and may be ahead of its
    events.
    """

    def __init__(self) -> None:
        self.events: deque[E] = deque()
        self.size = 0
        self.head = Head(-1, ended=False)
        self.followers = 0
        self.deleted = False
        self.absent = False
        """The store had no such journal when it was asked."""
        self.doubted = False
        """The store seems to have it no more: who follows has to ask."""
        self._waiting: set[asyncio.Future[bool]] = set()

    @property
    def is_met(self) -> bool:
        """Whether it is known how far the journal is."""
        return self.head.last_sequence >= 0

    @property
    def is_awaited(self) -> bool:
        """Whether there was no such journal yet, as far as is known."""
        return self.absent and not self.is_met

    def learn(self, head: Head) -> bool:
        """Take over how far the journal is, unless as much is known; says whether that was news."""
        if head.last_sequence <= self.head.last_sequence:
            return False
        self.head = head
        return True

    def add(self, events: Sequence[E]) -> bool:
        """Keep new events, and as many older ones as there is room for; says whether there were any new ones.

        Between the newest event that is kept and these some may be missing: then the older ones are given up.
        """
        if self.events and events:
            missing = events[0].sequence - self.events[-1].sequence - 1
            if missing > 0:
                self.forget()
            elif missing < 0:
                events = events[-missing:]
        for event in events:
            self.events.append(event)
            self.size += size_of(event)
        while len(self.events) > TAIL_EVENTS_MAX or self.size > TAIL_BYTES_MAX:
            self.size -= size_of(self.events.popleft())
        return bool(events)

    def forget(self) -> None:
        """Give up the events; who follows reads the store, and later events are kept again."""
        self.events.clear()
        self.size = 0

    def after(self, cursor: int) -> tuple[E, ...] | None:
        """The events after a cursor, or None when the next one is not here: too old, or not told yet.

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


def size_of(event: Numbered) -> int:
    """What an event takes in memory."""
    return len(event.body) + EVENT_BYTES


def _resolve(future: asyncio.Future[bool], *, woken: bool) -> None:
    if not future.done():
        future.set_result(woken)
