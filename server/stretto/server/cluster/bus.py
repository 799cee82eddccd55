"""Live wake-ups between the processes that share a store; never the only copy of anything."""

import asyncio
import os
from collections.abc import Callable

from stretto.server.cluster._hearing import Hearing
from stretto.server.cluster._redis import ANSWER_SECONDS_MAX
from stretto.server.cluster._telling import Telling
from stretto.server.engine.news import News

__all__ = ["Bus"]

_SENDER_BYTES = 8


class Bus:
    """Tells the other processes of commits, and hears of theirs, over one channel of Redis."""

    def __init__(self, url: str, channel: str) -> None:
        sender = os.urandom(_SENDER_BYTES)
        self._telling = Telling(url, channel, sender)
        self._hearing = Hearing(url, channel, sender)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        """Whether it is subscribed, and the last message went out."""
        return self._hearing.connected and self._telling.connected

    def on_news(self, listener: Callable[[News], None]) -> None:
        """Call it with what other processes tell, in the order in which each of them told it."""
        self._hearing.listeners.append(listener)

    def on_gap(self, listener: Callable[[], None]) -> None:
        """Call it when news may have been missed: a subscription began or ended, or another one could not tell all."""
        self._hearing.gap_listeners.append(listener)

    def tell(self, news: News) -> None:
        """Tell the others. Never waits and never fails; when Redis is away they are not told."""
        self._telling.tell(news)

    async def open(self) -> None:
        """Connect, or go on trying when Redis is away."""
        self._tasks = [asyncio.create_task(self._telling.run()), asyncio.create_task(self._hearing.run())]
        await self._hearing.tried.wait()

    async def close(self) -> None:
        """Let the last news out, if Redis answers, and leave."""
        self._telling.close()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=2 * ANSWER_SECONDS_MAX)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
