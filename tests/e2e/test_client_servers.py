"""The client over two real servers that share PostgreSQL and Redis: one is killed, then the other one drains."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks._processes import Service, free_address
from stretto.client import Client, WorkflowHandle
from tools.services.postgres import postgres_service
from tools.services.redis import redis_service

SECONDS_MAX = 180
"""Who waits for so long hangs; it is for processes that start on a busy machine."""
COUNT = 12


class Pair:
    """Two servers over one store."""

    def __init__(self, folder: Path, postgres: str, redis: str) -> None:
        self.addresses = [free_address(), free_address()]
        self.servers: dict[str, Service] = {}
        self._folder = folder
        self._stores = ("--store", postgres, "--redis", redis)

    async def up(self, address: str) -> None:
        """Start one of them."""
        serve = ("-c", "from stretto.cli import main; main()", "serve", "--listen", address, "--no-orchestrator")
        argv = [*serve, *self._stores, "--lease-seconds", "2", "tests.e2e.graphs:app"]
        self.servers[address] = Service(argv, address, self._folder / f"log-{len(self.servers)}")
        await self.servers[address].ready()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    with postgres_service() as postgres, redis_service() as redis:
        pair = Pair(tmp_path, postgres.url, redis.url)
        try:
            async with asyncio.timeout(SECONDS_MAX):
                for address in pair.addresses:
                    await pair.up(address)
                yield pair
        finally:
            for server in pair.servers.values():
                server.kill()


class Watcher:
    """Follows one workflow in a task of its own."""

    def __init__(self, handle: WorkflowHandle[Any]) -> None:
        self.running = asyncio.Event()
        self.watch = handle.watch()
        self.all = asyncio.create_task(self._follow())

    async def _follow(self) -> list[int]:
        seen = []
        async for event in self.watch:
            seen.append(event.sequence)
            if event.HasField("step_started"):
                self.running.set()
        assert event.HasField("completed"), event
        return seen


async def started(client: Client, release: Path) -> list[Watcher]:
    """Workflows that run until a file is there, all of them in their step."""
    handles = [client.start("waits_for_file", {"path": str(release)}) for _ in range(COUNT)]
    watchers = [Watcher(handle) for handle in await asyncio.gather(*handles)]
    await asyncio.gather(*(watcher.running.wait() for watcher in watchers))
    return watchers


async def test_no_call_fails_and_no_watch_misses_an_event_while_servers_go(pair: Pair, tmp_path: Path) -> None:
    release, (first, second) = tmp_path / "release", pair.addresses
    async with Client(pair.addresses, timeout=SECONDS_MAX) as client:
        watchers = await started(client, release)
        pair.servers[first].kill()
        watchers += await started(client, release)
        assert len({workflow.workflow_id async for workflow in client.workflows()}) == 2 * COUNT
        await pair.up(first)
        draining = asyncio.ensure_future(asyncio.to_thread(pair.servers[second].stop))
        release.touch()
        for seen in await asyncio.gather(*(watcher.all for watcher in watchers)):
            assert seen == list(range(1, len(seen) + 1))
        assert await draining == 0
        assert sum(watcher.watch.breaks for watcher in watchers) >= COUNT // 2  # Those that the killed one had.
        assert len({workflow.workflow_id async for workflow in client.workflows(statuses=["SUCCEEDED"])}) == 2 * COUNT
