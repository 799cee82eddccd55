"""Connections to Redis."""

import asyncio

import pytest

from stretto.server.cluster._redis import connect
from tools.services.redis import RedisService

TURNS_MAX = 40
"""After so many turns of the loop a command was sent and answered, several times over."""


@pytest.mark.parametrize("turns", range(1, TURNS_MAX))
async def test_a_cancel_ends_whoever_asks_on_and_on_at_any_moment(redis: RedisService, turns: int) -> None:
    async with connect(redis.url) as client:
        await client.ping()
        asking = asyncio.create_task(_ask(client))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        done, _ = await asyncio.wait([asking], timeout=5)
        assert done


@pytest.mark.parametrize("turns", range(1, 6))
async def test_after_a_cancel_nobody_reads_the_answer_to_anothers_command(redis: RedisService, turns: int) -> None:
    async with connect(redis.url) as client:
        await client.ping()
        waiting = asyncio.create_task(client.blpop(["nothing"], timeout=0.2))  # Its answer comes later.
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=5)
        assert await client.echo("mine") == b"mine"


async def test_a_socket_of_this_machine_and_tls_are_made_alike() -> None:
    for url in ("redis://127.0.0.1", "rediss://127.0.0.1", "unix:///tmp/redis.sock"):
        async with connect(url) as client:
            made = client.connection_pool.connection_class
            assert made.__name__.startswith("_Heeding")


async def _ask(client: object) -> None:
    while True:
        await client.ping()  # type: ignore[attr-defined]
