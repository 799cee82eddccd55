"""Waiting for the replies of turns."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from stretto.server.domain.errors import Draining
from stretto.server.domain.session import EntryKind, SessionPublication, StoredSessionEvent
from stretto.server.engine.news import SessionNews
from stretto.server.rpc.session_events import to_message
from stretto.server.store.port import Store
from stretto.session.v1.session_pb2 import MESSAGE_ROLE_ASSISTANT, Message

__all__ = ["Replies"]

RECENT_MAX: Final = 1_000
"""Replies that are remembered, for whoever asks a moment after they came."""

LOOK_SECONDS: Final = 1.0
"""How often the store is asked for a reply that another server may have written, without our hearing of it."""

Key = tuple[str, str]
"""Project and turn id."""


class Replies:
    """Hands each turn's reply to those who wait for it, out of what commits make public, here or elsewhere."""

    def __init__(self, store: Store, *, shared: bool = False) -> None:
        self._store = store
        self._shared = shared
        self._recent: OrderedDict[Key, Message] = OrderedDict()
        self._waiting: dict[Key, set[asyncio.Future[Message]]] = {}
        self._closing = False
        store.on_session_publication(self._publish)

    def close(self) -> None:
        """Let nobody wait any longer: the server shuts down, and the next one will give the replies."""
        self._closing = True
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(Draining())

    async def wait(self, project: str, session_id: str, turn_id: str, *, fresh: bool) -> Message:
        """The reply of a turn; of one that is not fresh, the store may have it already."""
        key = (project, turn_id)
        if (known := self._recent.get(key)) is not None:
            return known
        if self._closing:
            raise Draining
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(future)
        try:
            earlier = None if fresh else await self._stored(project, session_id, turn_id)
            while earlier is None and self._shared and not future.done():
                await asyncio.wait([future], timeout=LOOK_SECONDS)
                earlier = None if future.done() else await self._stored(project, session_id, turn_id)
            return earlier or await future
        finally:
            self._leave(key, future)

    def hear(self, news: Sequence[SessionNews]) -> None:
        """Take in what other servers have committed."""
        for session in news:
            self._take(session.project, session.events)

    async def _stored(self, project: str, session_id: str, turn_id: str) -> Message | None:
        stored = await self._store.turn_messages(project, session_id, turn_id)
        messages = [to_message(one) for one in stored]
        return next((message for message in messages if message.role == MESSAGE_ROLE_ASSISTANT), None)

    def _leave(self, key: Key, future: "asyncio.Future[Message]") -> None:
        if not future.cancel() and not future.cancelled():
            future.exception()  # It may have been told of a shutdown that nobody heard of.
        waiting = self._waiting.get(key, set())
        waiting.discard(future)
        if not waiting:
            self._waiting.pop(key, None)

    def _publish(self, publications: Sequence[SessionPublication]) -> None:
        for publication in publications:
            self._take(publication.session.project, publication.events)

    def _take(self, project: str, events: Sequence[StoredSessionEvent]) -> None:
        for event in events:
            if event.kind is EntryKind.MESSAGE:
                self._learn((project, event.workflow_id), to_message(event))

    def _learn(self, key: Key, message: Message) -> None:
        if message.role != MESSAGE_ROLE_ASSISTANT:
            return
        self._recent[key] = message
        while len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        for future in self._waiting.get(key, ()):
            if not future.done():
                future.set_result(message)
