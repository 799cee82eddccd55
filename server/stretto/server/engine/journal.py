"""Following a workflow's journal: first what is stored, then what is committed, with no gap in between."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

from stretto.server.domain.change import Publication
from stretto.server.domain.errors import SequenceOutOfRange, StreamEnded
from stretto.server.domain.event import StoredEvent
from stretto.server.store.port import Store

PAGE = 500
"""Events read from the store at once."""

TAIL_MAX = 1_000
"""Events kept in memory for one watcher; one that falls further behind reads the store at its own pace."""


class _Watcher:
    """What one watcher has not taken yet, and whether it can still be told without the store."""

    def __init__(self) -> None:
        self.tail: deque[StoredEvent] = deque()
        self.overrun = False
        self.last_sequence = 0
        self.ended = False
        self._woken: asyncio.Future[None] | None = None

    def tell(self, publication: Publication) -> None:
        """Take a commit's events in; forget the tail when it grows too long."""
        self.last_sequence = publication.workflow.last_sequence
        self.ended = publication.workflow.status.terminal
        if not self.overrun:
            self.tail.extend(publication.events)
            if len(self.tail) > TAIL_MAX:
                self.overrun = True
                self.tail.clear()
        self.wake()

    def wake(self) -> None:
        """Let a waiting watcher look again."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Return when there is something to look at, or after that time."""
        self._woken = asyncio.get_running_loop().create_future()
        timer = self._woken.get_loop().call_later(seconds, self.wake)
        try:
            await self._woken
        finally:
            timer.cancel()
            self._woken = None


class Journal:
    """Hands committed events to everybody who follows their workflow."""

    def __init__(self, store: Store, *, bookmark_seconds: float = 10.0) -> None:
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._watchers: dict[tuple[str, str], set[_Watcher]] = {}
        self._closing = False
        store.on_publication(self._publish)

    @property
    def watcher_count(self) -> int:
        """How many follow a journal now."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def close(self) -> None:
        """End all streams, each with StreamEnded, and refuse new ones."""
        self._closing = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()

    async def follow(
        self, project: str, workflow_id: str, after: int, limit: int
    ) -> AsyncIterator[tuple[StoredEvent, ...]]:
        """Yield the events after a sequence, at most `limit` at once, until the terminal one.

        An empty batch means that nothing happened for a while. Raises WorkflowNotFound, SequenceOutOfRange when the
        journal is shorter than `after`, and StreamEnded with `last_sequence` when the server shuts down.
        """
        watcher = _Watcher()
        watchers = self._watchers.setdefault((project, workflow_id), set())
        watchers.add(watcher)
        try:
            async for batch in self._follow(watcher, project, workflow_id, after, limit):
                yield batch
        finally:
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop((project, workflow_id), None)

    async def wait_for(self, project: str, workflow_id: str, sequence: int, seconds: float) -> None:
        """Return once the journal has reached a sequence; raise SequenceOutOfRange when it does not in that time."""
        deadline = asyncio.get_running_loop().time() + seconds
        watcher = _Watcher()
        watchers = self._watchers.setdefault((project, workflow_id), set())
        watchers.add(watcher)
        try:
            workflow = await self._store.get(project, workflow_id)
            last, ended = workflow.last_sequence, workflow.status.terminal
            while last < sequence:
                left = deadline - asyncio.get_running_loop().time()
                if ended or left <= 0 or self._closing:
                    raise SequenceOutOfRange(last_sequence=str(last))
                await watcher.wait(left)
                last, ended = max(last, watcher.last_sequence), ended or watcher.ended
        finally:
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop((project, workflow_id), None)

    async def _follow(
        self, watcher: _Watcher, project: str, workflow_id: str, after: int, limit: int
    ) -> AsyncIterator[tuple[StoredEvent, ...]]:
        workflow = await self._store.get(project, workflow_id)
        watcher.last_sequence = max(watcher.last_sequence, workflow.last_sequence)
        watcher.ended = watcher.ended or workflow.status.terminal
        if after > watcher.last_sequence:
            raise SequenceOutOfRange(last_sequence=str(watcher.last_sequence))
        cursor, stored = after, workflow.last_sequence
        while True:
            if cursor < stored:
                page = await self._store.events(project, workflow_id, cursor, min(limit, PAGE) if limit > 1 else PAGE)
            else:
                page = _take(watcher.tail, cursor, PAGE)
            for start in range(0, len(page), limit):
                batch = page[start : start + limit]
                cursor = batch[-1].sequence
                yield batch
            if watcher.ended and cursor >= watcher.last_sequence:
                return
            if self._closing:
                raise StreamEnded(last_sequence=str(cursor))
            if watcher.overrun:
                watcher.overrun, stored = False, watcher.last_sequence
            elif not watcher.tail and cursor >= stored:
                await watcher.wait(self._bookmark_seconds)
                if not watcher.tail and not watcher.overrun and not watcher.ended and not self._closing:
                    yield ()

    def _publish(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            workflow = publication.workflow
            for watcher in self._watchers.get((workflow.project, workflow.workflow_id), ()):
                watcher.tell(publication)


def _take(tail: deque[StoredEvent], cursor: int, limit: int) -> tuple[StoredEvent, ...]:
    """Take events off the tail, without those that were sent already."""
    taken: list[StoredEvent] = []
    while tail and len(taken) < limit:
        event = tail.popleft()
        if event.sequence > cursor:
            taken.append(event)
    return tuple(taken)
