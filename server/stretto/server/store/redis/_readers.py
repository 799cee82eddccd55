"""The threads that read, and write what needs no transaction."""

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from redis.exceptions import RedisError

from stretto.server.domain.errors import StoreUnavailable
from stretto.server.store._delivery import unavailable
from stretto.server.store.redis._link import Link, Unanswered

READERS = 4
"""Threads that read at the same time: each mostly waits for the network."""

T = TypeVar("T")


class Readers:
    """Threads, and a connection for each of them that is at work."""

    def __init__(self, connect: Callable[[], Link], size: int) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="stretto-store-reader")
        self._free: queue.SimpleQueue[Link] = queue.SimpleQueue()

    async def run(self, work: Callable[[Link], T]) -> T:
        """Run something that may be done twice in one of the threads, which goes on even if nobody waits any more."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)
        except (RedisError, StoreUnavailable) as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """End the threads. Blocks."""
        self._pool.shutdown()
        while not self._free.empty():
            self._free.get().close()

    def _run(self, work: Callable[[Link], T]) -> T:
        link = self._take()
        try:
            return _twice(work, link)
        except (RedisError, StoreUnavailable):
            link.close()
            raise
        finally:
            self._free.put(link)

    def _take(self) -> Link:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            return self._connect()


def _twice(work: Callable[[Link], T], link: Link) -> T:
    """A connection that broke since it was used last says nothing about Redis: a new one does."""
    try:
        return work(link)
    except Unanswered:
        return work(link)
