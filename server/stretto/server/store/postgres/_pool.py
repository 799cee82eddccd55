"""Connections for everything but the writer's batches: made when they are asked for, and kept."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from stretto.server.domain.errors import StoreUnavailable
from stretto.server.store._delivery import unavailable
from stretto.server.store.postgres._connection import ANSWER_SECONDS_MAX, Connection, is_storage_error

SIZE = 4
"""Connections: one answered 220 reads of a state a second, 2 to 8 of them 700 to 820, for one process takes in the
rows of one at a time. A long read must not keep all others waiting."""

T = TypeVar("T")


class Pool:
    """Some connections, each of which one call at a time uses."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._free: list[Connection] = []
        self._places = asyncio.Semaphore(size)
        self._is_closed = False

    async def run(self, use: Callable[[Connection], Awaitable[T]]) -> T:
        """Use a connection for something that may be done twice."""
        async with self._places:
            while self._free:
                kept = self._free.pop()
                if not kept.is_closed():
                    try:
                        return await self._use(kept, use)
                    except StoreUnavailable as error:
                        if isinstance(error.__cause__, TimeoutError):
                            raise
                        # The database may have been restarted since this one was made, or any of them.
                        self._drop_free()
            return await self._use(await self._new(), use)

    async def close(self) -> None:
        """Let go of all connections; those in use end with what uses them."""
        self._is_closed = True
        while self._free:
            await _close(self._free.pop())

    async def _new(self) -> Connection:
        if self._is_closed:
            raise StoreUnavailable("The store is not open.")
        try:
            return await self._connect()
        except Exception as error:
            if is_storage_error(error):
                raise unavailable(error) from error
            raise

    async def _use(self, connection: Connection, use: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                result = await use(connection)
        except BaseException as error:
            if isinstance(error, Exception) and not is_storage_error(error) and not connection.is_in_transaction():
                self._keep(connection)
                raise
            connection.terminate()
            if isinstance(error, Exception) and is_storage_error(error):
                raise unavailable(error) from error
            raise
        self._keep(connection)
        return result

    def _keep(self, connection: Connection) -> None:
        if self._is_closed:
            connection.terminate()
        else:
            self._free.append(connection)

    def _drop_free(self) -> None:
        while self._free:
            self._free.pop().terminate()


async def _close(connection: Connection) -> None:
    """Say goodbye, for as long as somebody listens."""
    try:
        await connection.close(timeout=1)
    except Exception as error:
        connection.terminate()
        if not is_storage_error(error):
            raise
