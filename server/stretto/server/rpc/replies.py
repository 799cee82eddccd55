"""Waiting for the replies of turns."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from stretto.server.domain.errors import Draining
from stretto.server.domain.session import EntryKind, SessionPublication
from stretto.server.rpc.session_events import to_message
from stretto.server.store.port import Store
from stretto.session.v1.session_pb2 import MESSAGE_ROLE_ASSISTANT, Message

__all__ = ["Replies"]

RECENT_MAX: Final = 1_000
"""Replies that are remembered, for whoever asks a moment after they came."""

Key = tuple[str, str]
"""Project and turn id."""


class Replies:
    """Hands each turn's reply to those who wait for it, out of what commits make public."""

    def __init__(self, store: Store) -> None:
        self._store = store
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
            return earlier or await future
        finally:
            self._leave(key, future)

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
            for event in publication.events:
                if event.kind is EntryKind.MESSAGE:
                    self._learn((publication.session.project, event.workflow_id), to_message(event))

    def _learn(self, key: Key, message: Message) -> None:
        if message.role != MESSAGE_ROLE_ASSISTANT:
            return
        self._recent[key] = message
        while len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        for future in self._waiting.get(key, ()):
            if not future.done():
                future.set_result(message)
