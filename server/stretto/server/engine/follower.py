"""Following a journal: first what is stored, then what is committed, with no gap in between."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Generic

from stretto.server.domain.errors import Draining, SequenceOutOfRange, StreamEnded, StrettoError
from stretto.server.engine.tail import E, Head, Tail

PAGE = 500
"""Events read from the store at once."""

TAILS_MAX = 2_000
"""Journals that changed last and whose newest events are kept in memory, though nobody may watch them."""

TAILS_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of all events that are kept, watched or not; what changed longest ago is given up first."""

FRESH_SECONDS = 5.0
"""How long a journal of a shared store is kept that began here and that nobody follows yet.

Who starts something most often watches it at once, and finds here what the store would have to be asked for. It is no
longer than this process might be wrong about it, should what others told of it have been lost.
"""

LATE_SECONDS_MAX = 0.5
"""Longest wait for events that should be there, before the store is asked again."""

Key = tuple[str, str]
"""Project, and id of a workflow or session."""


class Follower(Generic[E]):
    """Hands committed events to everybody who follows their journal.

    `head` tells how far a journal is or refuses, `read` gives events after a sequence; both read the store.

    Of a shared store, other processes' commits are told by whoever hears of them, and may be missing, doubled, late or
    out of order. So nothing is kept of journals that are not followed, but for those that have just begun here.
    """

    def __init__(
        self,
        head: Callable[[Key], Awaitable[Head]],
        read: Callable[[Key, int, int], Awaitable[tuple[E, ...]]],
        *,
        bookmark_seconds: float,
        shared: bool = False,
    ) -> None:
        self._head = head
        self._read_stored = read
        self._bookmark_seconds = bookmark_seconds
        self._shared = shared
        self._tails: OrderedDict[Key, Tail[E]] = OrderedDict()
        self._bytes = 0
        self._fresh: dict[Key, float] = {}
        """Journals that began here, and when, oldest first."""
        self._followed: dict[Key, Tail[E]] = {}
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

    def watched(self) -> tuple[Key, ...]:
        """The journals that are followed and, as far as is known, go on."""
        return tuple(key for key, tail in self._followed.items() if not tail.head.ended)

    def is_followed(self, key: Key) -> bool:
        """Whether somebody follows a journal."""
        return key in self._followed

    def is_kept(self, key: Key) -> bool:
        """Whether it matters what others tell of a journal."""
        return key in self._followed or key in self._fresh

    def is_awaited(self, key: Key) -> bool:
        """Whether those who follow a journal wait for it to be there."""
        tail = self._followed.get(key)
        return tail is not None and tail.is_awaited

    def publish(self, key: Key, head: Head, events: Sequence[E]) -> None:
        """Take in what was committed: where the journal is now, and its new events."""
        tail = self._followed.get(key) or self._tails.get(key)
        if tail is None:
            if self._shared:
                return
            tail = Tail[E]()
        is_further = tail.learn(head)
        if self._keep(key, tail, events) or is_further:
            tail.wake()
        if self._shared and head.ended and key not in self._followed:
            self._drop(key)  # Only what has ended can be deleted, and begun anew elsewhere.

    def begin(self, key: Key, head: Head, events: Sequence[E]) -> None:
        """Take in a journal that was begun by this process, and that nobody else has."""
        self._forget_the_stale()
        if self._shared and key not in self._followed:
            self._drop(key)  # Of an earlier one of that name, of whose end nobody told.
            self._fresh[key] = asyncio.get_running_loop().time()
            self._tails[key] = Tail[E]()
        self.publish(key, head, events)

    def _forget_the_stale(self) -> None:
        """Keep no more what began here a while ago and that nobody follows."""
        until = asyncio.get_running_loop().time() - FRESH_SECONDS
        while self._fresh:
            key = next(iter(self._fresh))
            if self._fresh[key] > until:
                return
            del self._fresh[key]
            if key not in self._followed:
                self._drop(key)

    def learn(self, key: Key, head: Head) -> None:
        """Take in how far the store says that a journal is; who is behind reads it there."""
        tail = self._followed.get(key)
        if tail is None or (head.ended and not tail.is_met):
            return  # What has ended before it was met is not what anybody waits for.
        if tail.learn(head):
            tail.wake()

    def doubt(self, key: Key) -> None:
        """Let those who follow a journal ask the store whether it is still there."""
        tail = self._followed.get(key)
        if tail is not None and tail.is_met:
            tail.doubted = True
            tail.wake()

    def delete(self, key: Key) -> None:
        """Keep a journal no more that was deleted from the store; who follows it gets what is left of it, and ends."""
        tail = self._followed.pop(key, None) or self._tails.get(key)
        self._drop(key)
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
                elif tail.deleted or tail.doubted:
                    await self._ask(key, tail, cursor)
                elif await tail.wait(self._patience(tail, cursor)):
                    continue
                elif cursor < tail.head.last_sequence:
                    await self._ask(key, tail, cursor)  # What is missing was deleted, and this says so; or it is late.
                else:
                    yield ()
        finally:
            self._leave(key, tail)

    def _patience(self, tail: Tail[E], cursor: int) -> float:
        """How long to wait for something to look at: not long for what should be there already."""
        is_late = cursor < tail.head.last_sequence
        return min(LATE_SECONDS_MAX, self._bookmark_seconds) if is_late else self._bookmark_seconds

    async def _ask(self, key: Key, tail: Tail[E], cursor: int) -> None:
        """Learn how far the journal is; raises when it is not there any more."""
        head = await self._head(key)
        if tail.deleted:  # By now there is another one of its name: who follows has to come again.
            raise StreamEnded(last_sequence=str(cursor))
        tail.doubted = False
        if tail.learn(head):
            tail.wake()

    async def wait_for(self, key: Key, sequence: int, seconds: float) -> None:
        """Return once the journal has reached a sequence; raise SequenceOutOfRange when it does not in that time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        tail = self._enter(key)
        try:
            await self._meet(key, tail, sequence)
            while tail.head.last_sequence < sequence:
                left = deadline - loop.time()
                if self._closing:
                    raise Draining
                if tail.head.ended or left <= 0:
                    raise SequenceOutOfRange(last_sequence=str(tail.head.last_sequence))
                await tail.wait(left)
        finally:
            self._leave(key, tail)

    def _enter(self, key: Key) -> Tail[E]:
        """Be told of the journal's events from now on."""
        self._forget_the_stale()
        tail = self._followed.get(key) or self._tails.get(key) or Tail[E]()
        self._followed[key] = tail
        tail.followers += 1
        self._follower_count += 1
        return tail

    def _leave(self, key: Key, tail: Tail[E]) -> None:
        tail.followers -= 1
        self._follower_count -= 1
        if tail.followers or tail.deleted:
            return
        del self._followed[key]
        if self._shared:
            self._drop(key)
        else:
            self._keep(key, tail, ())

    def _drop(self, key: Key) -> None:
        """Keep nothing of a journal."""
        self._fresh.pop(key, None)
        tail = self._tails.pop(key, None)
        if tail is not None:
            self._bytes -= tail.size

    def _keep(self, key: Key, tail: Tail[E], events: Sequence[E]) -> bool:
        """Add events to a tail that was met, and give up those of the tails that were used longest ago.

        Says whether there were new ones among them.
        """
        if not tail.is_met:
            return False
        before = tail.size
        is_more = tail.add(events)
        self._bytes += tail.size - before
        self._tails[key] = tail
        self._tails.move_to_end(key)
        while len(self._tails) > TAILS_MAX or self._bytes > TAILS_BYTES_MAX:
            _, oldest = self._tails.popitem(last=False)
            self._bytes -= oldest.size
            oldest.forget()
        return is_more

    async def _meet(
        self, key: Key, tail: Tail[E], sequence: int = 0, missing: type[StrettoError] | tuple[()] = ()
    ) -> None:
        """Learn how far the journal is, now that no event can be missed, unless it is known to have come that far.

        Of a shared store, what is known may be old, whoever else follows, unless the journal has just begun here.
        """
        if (not self._shared or key in self._fresh) and tail.head.last_sequence >= sequence:
            return
        was_met = tail.is_met
        try:
            head = await self._head(key)
        except missing:
            if was_met:  # It was deleted, and what is left of it is nothing for those who come now.
                self.doubt(key)
                raise StreamEnded(last_sequence=str(sequence)) from None
            tail.absent = True
            return
        if tail.learn(head):
            tail.wake()

    async def _read(self, key: Key, tail: Tail[E], cursor: int) -> tuple[E, ...]:
        """Some events after a cursor: out of memory if they are there; none when even the store has none yet."""
        kept = tail.after(cursor)
        if kept is not None:
            return kept
        return await self._read_stored(key, cursor, PAGE) or tail.after(cursor) or ()


def _cut(events: tuple[E, ...], limit: int) -> Sequence[tuple[E, ...]]:
    """The events in pieces of at most `limit`."""
    if len(events) <= limit:
        return (events,)
    return [events[start : start + limit] for start in range(0, len(events), limit)]
