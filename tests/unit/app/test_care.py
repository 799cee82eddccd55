import asyncio
from collections import namedtuple

import pytest
from structlog.testing import capture_logs

from stretto.server.app import care as care_module
from stretto.server.app.care import Care
from stretto.server.domain.clock import SECOND, SystemClock
from stretto.server.domain.errors import Overloaded, StoreUnavailable
from stretto.server.domain.settings import Settings
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import open_store

Usage = namedtuple("Usage", "free")  # noqa: PYI024 - what shutil.disk_usage gives, as far as it is looked at.


class Kept:
    """A Care that looks all the time, with a store that does as it is told."""

    def __init__(self, monkeypatch, url="memory:"):
        monkeypatch.setattr(care_module, "LOOK_SECONDS", 0)
        monkeypatch.setattr(care_module, "PROBE_SECONDS_MAX", 0.05)
        self.store = open_store("memory:", ENCODERS)
        self.told = asyncio.Queue()
        self.care = Care(self.store, url, Settings(), SystemClock(), lambda: self.told.put_nowait(self.care.healthy))

    async def __aenter__(self):
        await self.store.open()
        self.task = asyncio.create_task(self.care.keep())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.wait([self.task])
        assert self.task.cancelled()
        await self.store.close()


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), Overloaded("full"), OSError("no disk"), KeyError("odd")])
async def test_whatever_a_probe_raises_is_a_fault_and_the_end_of_it_is_seen(monkeypatch, error):
    async def fails():
        await asyncio.sleep(0)
        raise error

    async with Kept(monkeypatch) as kept:
        well = kept.store.probe
        with capture_logs() as logs:
            kept.store.probe = fails
            assert not await kept.told.get()
            for _ in range(50):
                await asyncio.sleep(0)
            kept.store.probe = well
            assert await kept.told.get()
        assert [line["event"] for line in logs] == ["store_unhealthy", "store_healthy"]


async def test_a_disk_that_cannot_be_asked_for_its_space_is_a_fault(monkeypatch, tmp_path):
    def fails(_):
        raise OSError("stale file handle")

    async with Kept(monkeypatch, f"sqlite:{tmp_path}/x.db") as kept:
        monkeypatch.setattr(care_module.shutil, "disk_usage", fails)
        assert not await kept.told.get()
        monkeypatch.setattr(care_module.shutil, "disk_usage", lambda _: Usage(10**12))
        assert await kept.told.get()


async def test_a_store_that_stalls_is_a_fault_and_probes_do_not_pile_up(monkeypatch):
    goes_on, probes = asyncio.Event(), []

    async def stalls():
        probes.append(1)
        await goes_on.wait()

    async with Kept(monkeypatch) as kept:
        kept.store.probe = stalls
        assert not await kept.told.get()
        await asyncio.sleep(0.12)
        assert len(probes) == 1
        goes_on.set()
        assert await kept.told.get()


@pytest.mark.parametrize(
    ("verb", "trouble"),
    [
        ("forget_requests", "request_ids_not_forgotten"),
        ("forget_sessions", "request_ids_not_forgotten"),
        ("purge", "deleted_sessions_not_purged"),
    ],
)
async def test_a_store_that_cannot_forget_does_not_end_the_looking(monkeypatch, verb, trouble):
    async def fails(*_):
        raise Overloaded

    async with Kept(monkeypatch) as kept:
        setattr(kept.store, verb, fails)
        with capture_logs() as logs:
            while not logs:
                await asyncio.sleep(0)
        assert logs[0]["event"] == trouble
        assert not kept.task.done()


async def test_what_was_deleted_is_removed_until_nothing_is_left_and_old_sessions_are_forgotten(monkeypatch):
    left, purged, forgotten = [5, 3, 0, 2, 0], [], asyncio.Event()

    async def purge():
        purged.append(left.pop(0) if left else 0)
        return purged[-1]

    async def forget(before):
        forgotten.before = before
        forgotten.set()
        return 0

    async with Kept(monkeypatch) as kept:
        kept.store.purge, kept.store.forget_sessions = purge, forget
        await forgotten.wait()
        assert purged[:3] == [5, 3, 0]
        while left:
            await asyncio.sleep(0)
        age = SystemClock().now() - forgotten.before
        assert age >= Settings().request_days_min * care_module.DAY_SECONDS * SECOND


async def test_much_that_was_deleted_does_not_keep_from_looking(monkeypatch):
    monkeypatch.setattr(care_module, "PURGE_SECONDS_MAX", 0)

    async def purge():
        return 1

    async with Kept(monkeypatch) as kept:
        kept.store.purge = purge
        while not kept.care.checked_at:
            await asyncio.sleep(0)
        first = kept.care.checked_at
        while kept.care.checked_at == first:
            await asyncio.sleep(0)
