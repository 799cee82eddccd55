"""A lease is renewed over a connection of its own: neither slow reads nor one that died without a word cost it."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import asyncpg
import pytest

from stretto.server.domain.errors import StoreUnavailable
from stretto.server.store import Store, open_store
from stretto.server.store.postgres import _pool
from stretto.server.store.redis import _readers, _reads
from tests.contract.making import ENCODERS, PROJECT, a_member, accepted
from tests.services.proxy import Cut, Proxy

LEASE_SECONDS = 0.1
"""As short as none is; what is asked about members must be answered within half a second all the same."""

SLOW_SECONDS = 5
"""So long a read takes that nobody lets go on: what waits for it comes too late, and the test does not hang."""


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = open_store(url, ENCODERS, shared=True, lease_seconds=LEASE_SECONDS)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def a_member_comes_and_goes(store: Store) -> None:
    assert await store.renew(a_member()) is False
    assert (await store.ask_to_drain("worker_1")).member.draining
    assert [presence.member.member_id for presence in await store.members()] == ["worker_1"]
    await store.leave("worker_1")


async def test_reads_that_are_slow_in_postgresql_hold_up_no_renewal(postgres_url):
    schema = postgres_url.partition("schema=")[2]
    async with opened(postgres_url) as store:
        await store.create(accepted())
        holder = await asyncpg.connect(postgres_url.partition("?")[0])
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {schema}.event IN ACCESS EXCLUSIVE MODE")
            reads = [asyncio.create_task(store.events(PROJECT, "wf_1", 0, 9)) for _ in range(_pool.SIZE)]
            waiting = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{schema}.event'::regclass"
            while await holder.fetchval(waiting) < _pool.SIZE:
                await asyncio.sleep(0)
            await a_member_comes_and_goes(store)
            assert not any(read.done() for read in reads)
        assert {len(await read) for read in reads} == {1}
        await holder.close()


async def test_reads_that_are_slow_in_redis_hold_up_no_renewal(redis_url, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(_reads, "events", lambda *_: gate.wait(SLOW_SECONDS))
    async with opened(redis_url) as store:
        reads = [asyncio.create_task(store.events(PROJECT, "wf_1", 0, 9)) for _ in range(_readers.READERS)]
        await asyncio.sleep(0)
        try:
            await a_member_comes_and_goes(store)
            assert not any(read.done() for read in reads)
        finally:
            gate.set()
            await asyncio.gather(*reads)


async def test_a_renewal_gives_up_a_connection_to_postgresql_that_died_before_a_read_does(
    postgres_running, postgres_url
):
    async with Proxy(postgres_running.port) as proxy:
        there = postgres_url.replace(f":{postgres_running.port}", f":{proxy.port}")
        async with opened(there) as store:
            proxy.cut_at(b"FROM event", Cut.SILENCE)
            read = asyncio.create_task(store.events(PROJECT, "wf_1", 0, 9))
            await proxy.was_cut.wait()
            proxy.cut_at(b"member", Cut.SILENCE)
            with pytest.raises(StoreUnavailable):
                await store.renew(a_member())
            assert proxy.was_cut.is_set()
            await a_member_comes_and_goes(store)
            assert not read.done()
            read.cancel()


async def test_a_renewal_gives_up_a_silent_redis_before_a_read_does(redis):
    async with opened(redis.url) as store:
        redis.freeze()
        try:
            read = asyncio.create_task(store.unfinished())
            with pytest.raises(StoreUnavailable):
                await store.renew(a_member())
            assert not read.done()
        finally:
            redis.thaw()
        assert await read == ()
        await a_member_comes_and_goes(store)
