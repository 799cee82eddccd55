"""Following a session's journal."""

from collections.abc import AsyncIterator, Sequence

from stretto.server.domain.errors import SessionNotFound
from stretto.server.domain.session import Session, SessionPublication, StoredSessionEvent
from stretto.server.engine.follower import Follower, Head, Key
from stretto.server.store.port import Store


class SessionJournal:
    """Hands committed entries to everybody who follows their session."""

    def __init__(self, store: Store, *, bookmark_seconds: float = 10.0) -> None:
        self._store = store
        self._follower: Follower[StoredSessionEvent] = Follower(
            self._head, self._read, bookmark_seconds=bookmark_seconds
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

    async def _head(self, key: Key) -> Head:
        return _head_of(await self._store.session(*key))

    async def _read(self, key: Key, after: int, limit: int) -> tuple[StoredSessionEvent, ...]:
        return await self._store.session_events(*key, after, limit)

    def _publish(self, publications: Sequence[SessionPublication]) -> None:
        for publication in publications:
            session = publication.session
            key = (session.project, session.session_id)
            self._follower.publish(key, _head_of(session), publication.events)
            if session.deleted_at:
                self._follower.delete(key)


def _head_of(session: Session) -> Head:
    return Head(session.last_sequence, session.deleted_at != 0)
