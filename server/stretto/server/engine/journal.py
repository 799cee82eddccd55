"""Following a workflow's journal."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from stretto.server.domain.change import Publication
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import SessionPublication
from stretto.server.domain.workflow import Workflow
from stretto.server.engine.follower import Follower, Key
from stretto.server.engine.news import WorkflowNews
from stretto.server.engine.tail import Head
from stretto.server.store.port import Position, Store


class Journal:
    """Hands committed events to everybody who follows their workflow.

    Of a shared store it learns what others committed from news, and from the store's word on how far journals are.
    """

    def __init__(self, store: Store, *, bookmark_seconds: float = 10.0, shared: bool = False) -> None:
        self._store = store
        self._follower: Follower[StoredEvent] = Follower(
            self._head, self._read, bookmark_seconds=bookmark_seconds, shared=shared
        )
        store.on_session_publication(self._forget)
        store.on_publication(self._publish)

    @property
    def watcher_count(self) -> int:
        """How many follow a journal now."""
        return self._follower.follower_count

    def close(self) -> None:
        """End all streams, each with StreamEnded, and refuse new ones."""
        self._follower.close()

    def follow(self, project: str, workflow_id: str, after: int, limit: int) -> AsyncIterator[tuple[StoredEvent, ...]]:
        """Yield the events after a sequence, at most `limit` at once, until the terminal one.

        An empty batch means that nothing happened for a while. Raises WorkflowNotFound, SequenceOutOfRange when the
        journal is shorter than `after`, and StreamEnded with `last_sequence` when the server shuts down.
        """
        return self._follower.follow((project, workflow_id), after, limit)

    async def wait_for(self, project: str, workflow_id: str, sequence: int, seconds: float) -> None:
        """Return once the journal has reached a sequence; raise SequenceOutOfRange when it does not in that time."""
        await self._follower.wait_for((project, workflow_id), sequence, seconds)

    def hear(self, news: Sequence[WorkflowNews]) -> None:
        """Take in what another process says that it committed."""
        for one in news:
            key = (one.project, one.workflow_id)
            if self._follower.is_kept(key):
                head = Head(one.last_sequence, one.status.terminal, one.session_id)
                self._follower.publish(key, head, one.events)

    def watched(self) -> tuple[Key, ...]:
        """The workflows that are followed and have not ended, as far as is known."""
        return self._follower.watched()

    def learn(self, positions: Sequence[Position], missing: Sequence[Key] = ()) -> None:
        """Take in how far the store says that journals are, and which workflows it does not have."""
        for position in positions:
            self._follower.learn((position.project, position.name), _head_at(position))
        for key in missing:
            self._follower.doubt(key)

    async def _head(self, key: Key) -> Head:
        return _head_of(await self._store.get(*key))

    async def _read(self, key: Key, after: int, limit: int) -> tuple[StoredEvent, ...]:
        return await self._store.events(*key, after, limit)

    def _publish(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            workflow = publication.workflow
            key = (workflow.project, workflow.workflow_id)
            is_new = bool(publication.events) and publication.events[0].sequence == 1
            take_in = self._follower.begin if is_new else self._follower.publish
            take_in(key, _head_of(workflow), publication.events)

    def _forget(self, publications: Sequence[SessionPublication]) -> None:
        """Workflows go with their session: now, and once the rest is told that the same commit says of them."""
        loop = asyncio.get_running_loop()
        for session in (publication.session for publication in publications):
            if session.deleted_at:
                self._follower.delete_session(session.project, session.session_id)
                loop.call_soon(self._follower.delete_session, session.project, session.session_id)


def _head_of(workflow: Workflow) -> Head:
    return Head(workflow.last_sequence, workflow.status.terminal, workflow.session_id)


def _head_at(position: Position) -> Head:
    return Head(position.last_sequence, position.ended, position.session_id)
