"""Watches whether Redis is there, and whether it still has what it had."""

import asyncio
import os
from collections.abc import Callable

import structlog
from redis.asyncio import Redis

from stretto.server.cluster._redis import AWAY

LOOK_SECONDS = 0.5

Listener = Callable[[], None]

_MARKER_BYTES = 8

_log = structlog.get_logger(__name__)


class Watching:
    """Looks at a marker that all processes share. Another marker, or none, means that all hints are gone."""

    def __init__(self, client: Redis, key: str) -> None:
        self.connected = False
        self.lost = False
        """Set by whoever loses a hint; the next look that finds Redis there calls the listeners."""
        self.listeners: list[Listener] = []
        self._client = client
        self._key = key
        self._marker: bytes | str | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
            if self.connected and self.lost:
                self.lost = False
                self._call()

    async def look(self) -> None:
        """Look once."""
        try:
            marker = await self._read()
        except AWAY as error:
            self._away(error)
            return
        if not self.connected:
            _log.info("queues_connected")
        if marker != self._marker and self._marker is not None:
            _log.warning("queues_emptied", advice="Redis lost what it had; the queues are filled again from the store.")
            self.lost = True
        self._marker, self.connected = marker, True

    async def _read(self) -> bytes | str | None:
        if (marker := await self._client.get(self._key)) is None:
            # Others may do the same at this moment: the first one's stays.
            await self._client.set(self._key, os.urandom(_MARKER_BYTES), nx=True)
            marker = await self._client.get(self._key)
        return marker

    def _away(self, error: Exception) -> None:
        if self.connected or not self.lost:
            _log.warning("queues_away", error=str(error))
        self.connected, self.lost = False, True

    def _call(self) -> None:
        for listener in self.listeners:
            try:
                listener()
            except Exception:  # noqa: BLE001 - The edge to whoever listens: the others must still hear.
                _log.exception("queue_listener_failed")
