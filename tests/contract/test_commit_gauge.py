"""Timing commits, on every store."""

import asyncio

import pytest

from stretto.server.app.gauge import CommitGauge
from stretto.server.domain.errors import Overloaded


async def test_each_timed_commit_is_one_write_that_the_store_has_answered(store):
    probe, written = store.probe, []

    async def counted():
        await probe()
        written.append(1)

    store.probe = counted
    published = []
    store.on_publication(published.extend)
    timed = await CommitGauge(store).measure(7)
    assert (len(timed.times), len(written), timed.fault) == (7, 7, "")
    assert all(took >= 0 for took in timed.times)
    assert published == []


async def test_commits_are_timed_for_one_caller_at_a_time(store):
    gauge = CommitGauge(store)
    first = asyncio.create_task(gauge.measure(3))
    await asyncio.sleep(0)
    while not first.done():  # Also between two of its commits.
        with pytest.raises(Overloaded):
            await gauge.measure(1)
        await asyncio.sleep(0)
    assert len((await first).times) == 3
    assert len((await gauge.measure(1)).times) == 1


async def test_a_store_that_is_closed_is_a_fault_and_no_error(store):
    await store.close()
    timed = await CommitGauge(store).measure(3)
    assert (timed.times, timed.fault) == ((), "The store cannot be written.")
    await store.open()
    assert len((await CommitGauge(store).measure(3)).times) == 3


async def test_a_store_says_what_it_is_and_what_a_write_survives(store, request):
    told = {
        "memory": ("MEMORY", "NONE"),
        "sqlite": ("SQLITE", "FULL"),
        "postgres": ("POSTGRESQL", "NONE"),
        "redis": ("REDIS", "NONE"),
    }
    assert (store.kind.name, store.durability.name) == told[request.node.callspec.params["store"]]
