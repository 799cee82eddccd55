"""The half of the bus that is subscribed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as Disconnected

from stretto.server.cluster._parcel import Unreadable, unpack
from stretto.server.cluster._redis import AWAY, connect
from stretto.server.engine.news import News

RETRY_SECONDS = 0.5

SILENCE_SECONDS_MAX = 0.75
"""After that much silence Redis is asked for a sign, and after that much more the connection is given up."""

_log = structlog.get_logger(__name__)


class Hearing:
    """Hears what others tell. A connection that is lost, or silently dead, is made anew."""

    def __init__(self, url: str, channel: str, sender: bytes) -> None:
        self.connected = False
        self.tried = asyncio.Event()
        self.listeners: list[Callable[[News], None]] = []
        self.gap_listeners: list[Callable[[], None]] = []
        self._url = url
        self._channel = channel
        self._sender = sender

    async def run(self) -> None:
        """Hear until it is cancelled: its connection is nobody else's, and goes with it."""
        while True:
            try:
                await self._listen()
            except AWAY as error:
                self._lost(error)
            except Exception as error:  # noqa: BLE001 - The edge of a loop that must go on.
                _log.exception("hearing_broke")
                self._lost(error)
            self.tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        async with connect(self._url) as client, client.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            await self._hear(subscription)

    async def _hear(self, subscription: PubSub) -> None:
        asked = False
        while True:
            message = await subscription.get_message(timeout=SILENCE_SECONDS_MAX)
            if message is not None:
                asked = False
                self._take(message)
            elif asked:
                raise Disconnected(f"Redis was silent for {2 * SILENCE_SECONDS_MAX} s.")
            else:
                await subscription.ping()
                asked = True

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "message":
            self._read(message["data"])
        elif message["type"] == "subscribe":
            self._subscribed()

    def _read(self, data: bytes) -> None:
        try:
            heard = unpack(data)
        except Unreadable as error:
            _log.warning("news_not_understood", reason=str(error))
            return
        if heard.sender == self._sender:
            return
        if heard.missed:
            self._gap()
        if heard.news.workflows or heard.news.sessions:
            self._tell(heard.news)

    def _subscribed(self) -> None:
        _log.info("news_heard", channel=self._channel)
        self.connected = True
        self.tried.set()
        self._gap()

    def _lost(self, error: Exception) -> None:
        if self.connected or not self.tried.is_set():
            _log.warning("news_not_heard", error=str(error))
        was, self.connected = self.connected, False
        if was:
            self._gap()

    def _tell(self, news: News) -> None:
        for listener in self.listeners:
            try:
                listener(news)
            except Exception:  # noqa: BLE001 - The edge to whoever listens: the others must still hear.
                _log.exception("news_listener_failed")

    def _gap(self) -> None:
        for listener in self.gap_listeners:
            try:
                listener()
            except Exception:  # noqa: BLE001 - The edge to whoever listens: the others must still hear.
                _log.exception("news_listener_failed")
