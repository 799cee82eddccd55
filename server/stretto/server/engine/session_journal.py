"""Following a session's journal."""

from collections.abc import AsyncIterator, Sequence

from stretto.server.domain.errors import SessionNotFound
from stretto.server.domain.session import Session, SessionPublication, StoredSessionEvent
from stretto.server.engine.follower import Follower, Key
from stretto.server.engine.news import SessionNews
from stretto.server.engine.tail import Head
from stretto.server.store.port import Position, Store


class SessionJournal:
    """Hands committed entries to everybody who follows their session.

    Of a shared store it learns what others committed from news, and from the store's word on how far journals are.
    """

    def __init__(self, store: Store, *, bookmark_seconds: float = 10.0, shared: bool = False) -> None:
        self._store = store
        self._follower: Follower[StoredSessionEvent] = Follower(
            self._head, self._read, bookmark_seconds=bookmark_seconds, shared=shared
        )
        store.on_session_publication(self._publish)

    @property
    def watcher_count(self) -> int:
        """How many follow a journal now."""
        return self._follower.follower_count

    def close(self) -> None:
        """End all streams, each with StreamEnded, and refuse new ones."""
        self._follower.close()

    def follow(
        self, project: str, session_id: str, after: int, limit: int, *, allow_missing: bool = False
    ) -> AsyncIterator[tuple[StoredSessionEvent, ...]]:
        """Yield the entries after a sequence, at most `limit` at once, until the session's deletion.

        An empty batch means that nothing happened for a while. Raises SessionNotFound, unless a session that is not
        there is to be waited for; SequenceOutOfRange when the journal is shorter than `after`; and StreamEnded with
        `last_sequence` when the server shuts down. Who is behind when the session is deleted gets its last entries
        only: the others are gone.
        """
        missing = SessionNotFound if allow_missing else ()
        return self._follower.follow((project, session_id), after, limit, missing=missing)

    def hear(self, news: Sequence[SessionNews]) -> None:
        """Take in what another process says that it committed.

        Who waits for a session that is not there waits for the next one of its id, not for late word of a deletion.
        """
        for one in news:
            key = (one.project, one.session_id)
            if self._follower.is_followed(key) and not (one.deleted and self._follower.is_awaited(key)):
                self._take(key, Head(one.last_sequence, one.deleted), one.events)

    def watched(self) -> tuple[Key, ...]:
        """The sessions that are followed and were not deleted, as far as is known."""
        return self._follower.watched()

    def learn(self, positions: Sequence[Position], missing: Sequence[Key] = ()) -> None:
        """Take in how far the store says that journals are, and which sessions it does not have.

        Who follows a deleted one finds nothing to read and asks for its row, but leaves a moment to the word of it,
        which has the last entry.
        """
        for position in positions:
            self._follower.learn((position.project, position.name), Head(position.last_sequence, position.ended))
        for key in missing:
            self._follower.doubt(key)

    async def _head(self, key: Key) -> Head:
        return _head_of(await self._store.session(*key))

    async def _read(self, key: Key, after: int, limit: int) -> tuple[StoredSessionEvent, ...]:
        return await self._store.session_events(*key, after, limit)

    def _publish(self, publications: Sequence[SessionPublication]) -> None:
        for publication in publications:
            session = publication.session
            self._take((session.project, session.session_id), _head_of(session), publication.events)

    def _take(self, key: Key, head: Head, events: Sequence[StoredSessionEvent]) -> None:
        self._follower.publish(key, head, events)
        if head.ended:
            self._follower.delete(key)


def _head_of(session: Session) -> Head:
    return Head(session.last_sequence, session.deleted_at != 0)
