"""Queues over a real Redis, and who waits for them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import redis.asyncio

from stretto.server.cluster.queues import Queues
from stretto.server.domain.clock import SECOND
from tools.services.redis import RedisService

LEASE_SECONDS = 1.0
FAR = 4_000_000_000 * SECOND


class Handler:
    """Keeps the keys that it is given."""

    def __init__(self) -> None:
        self.keys: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, key: str) -> None:
        self.keys.put_nowait(key)

    async def key(self) -> str:
        async with asyncio.timeout(10):
            return await self.keys.get()


@asynccontextmanager
async def opened(url: str, member_id: str = "member", lease_seconds: float = LEASE_SECONDS) -> AsyncGenerator[Queues]:
    queues = Queues(url, prefix="test", member_id=member_id, lease_seconds=lease_seconds)
    await queues.open()
    try:
        yield queues
    finally:
        await queues.close()


def lots_of_room() -> int:
    return 100


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await met():
            await asyncio.sleep(0.01)


async def has_depth(queues: Queues, depth: int) -> None:
    async def met() -> bool:
        return await queues.depth("a") == depth

    await until(met)


async def is_connected(queues: Queues, *, wanted: bool = True) -> None:
    async def met() -> bool:
        return queues.connected is wanted

    await until(met)


@asynccontextmanager
async def intruder(service: RedisService) -> AsyncGenerator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(service.url)
    try:
        yield client
    finally:
        await client.aclose()
