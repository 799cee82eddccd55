"""The half of the bus that publishes."""

import asyncio

import structlog

from stretto.server.cluster._parcel import Parcel
from stretto.server.cluster._redis import AWAY, connect
from stretto.server.engine.news import News

RETRY_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class Telling:
    """Publishes what it is told: what waits while a message is under way becomes the next one."""

    def __init__(self, url: str, channel: str, sender: bytes) -> None:
        self.connected = True
        self._channel = channel
        self._sender = sender
        self._client = connect(url)
        self._parcel = Parcel()
        self._waiting = asyncio.Event()
        self._closing = False

    def tell(self, news: News) -> None:
        """Tell it soon. Never waits and never fails; what is lost is told of as lost when Redis is back."""
        self._parcel.add(news)
        self._waiting.set()

    def close(self) -> None:
        """Take no more; what waits is still tried once."""
        self._closing = True
        self._waiting.set()

    async def run(self) -> None:
        """Publish until it is closed."""
        try:
            while await self._something():
                parcel, self._parcel = self._parcel, Parcel()
                if not await self._publish(parcel):
                    await self._pause()
        finally:
            await self._client.aclose()

    async def _something(self) -> bool:
        if self._parcel.empty and not self._closing:
            self._waiting.clear()
            await self._waiting.wait()
        return not self._parcel.empty

    async def _publish(self, parcel: Parcel) -> bool:
        try:
            await self._client.publish(self._channel, parcel.pack(self._sender))
        except AWAY as error:
            self._failed(error)
            return False
        except Exception:  # noqa: BLE001 - The edge of a loop that must go on; the store has what was not told.
            _log.exception("news_not_packed")
            return False
        self.connected = True
        return True

    def _failed(self, error: Exception) -> None:
        if self.connected:
            _log.warning("news_not_told", error=str(error))
        self.connected = False

    async def _pause(self) -> None:
        # What comes up to the end of the pause goes the way of what could not be told: the store has it, and one
        # message says to read there.
        if not self._closing:
            await asyncio.sleep(RETRY_SECONDS)
        self._parcel = Parcel(missed=not self._closing)
