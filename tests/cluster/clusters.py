"""Servers and workers that share a real store and a real Redis, all on the loop of one test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from stretto.client import Client
from stretto.orchestrator.understanding.offline import Offline
from stretto.server import App
from stretto.server.app.declare import declared
from stretto.server.app.host import Host
from stretto.server.app.orchestrator import orchestrator
from stretto.server.app.server import Server
from stretto.server.app.worker import Worker
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.member import Presence
from stretto.server.domain.settings import Settings
from stretto.testing._executor import LocalExecutors

LEASE_SECONDS = 3.0
PATIENCE_SECONDS = 60
STOP_SECONDS_MAX = 20


class Node:
    """One server or worker."""

    def __init__(self, process: Server | Worker) -> None:
        self.process = process

    @property
    def host(self) -> Host:
        return self.process.host

    @property
    def member_id(self) -> str:
        return self.host.member_id

    @property
    def address(self) -> str:
        assert isinstance(self.process, Server)
        return self.process.address

    async def vanish(self) -> None:
        """End as a killed process does: nothing is written, nobody is told."""
        self.fall_silent()
        cluster: Any = self.host.cluster
        cluster.dispatcher.draining = True  # Else it would take back what its own executor lets go of.
        for serving in cluster._queues._serving.values():
            serving._stopping.set()  # docket takes a cancel for the end of a round; this makes it the last one.
            await _cancel(serving._task)
        await self.host.executors.close()
        await self.host._background.close()
        await self.host.store.close()

    def fall_silent(self) -> None:
        """Renew no lease any more, as a process does that hangs; all else goes on."""
        cluster: Any = self.host.cluster
        cluster._membership._task.cancel()
        cluster.dispatcher._watching.cancel()


async def _cancel(task: asyncio.Task[Any]) -> None:
    while not task.done():  # A command of Redis that has just been answered may swallow a cancel.
        task.cancel()
        await asyncio.wait([task], timeout=0.1)


class Cluster:
    """Starts members, and says how they are."""

    def __init__(self, store: str, redis: str) -> None:
        self._store = store
        self._redis = redis
        self.nodes: list[Node] = []
        self.clients: list[Client] = []

    async def server(self, *apps: App, **settings: Any) -> Client:
        """A client of a new server."""
        given = self._settings(settings)
        declarations = declared((*apps, orchestrator(Offline())) if given.orchestrator else apps)
        executors = partial(_Executors, declarations, runs=given.run_workflows)
        server = Server(given, executors)
        await server.start()
        self.nodes.append(Node(server))
        client = Client(server.address)
        self.clients.append(client)
        return client

    async def worker(self, *apps: App, **settings: Any) -> Node:
        """A new worker."""
        given = self._settings(settings)
        worker = Worker(given, partial(_Executors, declared(apps), runs=True), lambda: None)
        await worker.start()
        self.nodes.append(Node(worker))
        return self.nodes[-1]

    async def stop(self, node: Node) -> None:
        """End a member in peace."""
        self.nodes.remove(node)
        await node.process.stop()

    async def kill(self, node: Node) -> None:
        """End a member as kill -9 does."""
        self.nodes.remove(node)
        await node.vanish()

    async def members(self) -> tuple[Presence, ...]:
        return await self.nodes[0].host.store.members()

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        for node in self.nodes:
            # A process is cut off when its stop hangs (tests/unit/app/test_process.py); so is a test's.
            await asyncio.wait([asyncio.ensure_future(node.process.stop())], timeout=STOP_SECONDS_MAX)

    def _settings(self, given: dict[str, Any]) -> Settings:
        settings = {
            "listen": "127.0.0.1:0",
            "store": self._store,
            "redis": self._redis,
            "lease_seconds": LEASE_SECONDS,
            "drain_seconds_max": 5,
            "free_bytes_min": 0,
            "orchestrator": False,
        }
        return Settings(**{**settings, **given})


class _Executors(LocalExecutors):
    """One local executor; or none, for a server that leaves the work to others."""

    def __init__(self, declarations: Any, ledger: Any, changed: Any, desk: Any, *, runs: bool) -> None:
        super().__init__(declarations, SystemClock(), ledger, changed, desk, instant_retries=True)
        self._runs = runs

    async def start(self) -> Any:
        types = await super().start()
        if not self._runs:
            self.type_names = frozenset()
        return types

    def give_to(self, dispatcher: Any) -> None:
        if self._runs:
            super().give_to(dispatcher)


@asynccontextmanager
async def cluster_of(store: str, redis: str) -> AsyncIterator[Cluster]:
    cluster = Cluster(store, redis)
    try:
        yield cluster
    finally:
        await cluster.close()


async def until(holds: Callable[[], Any], what: str = "") -> Any:
    """Wait until something holds; what it gives back."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await _value(holds)):
            await asyncio.sleep(0.02)
    return found


async def _value(holds: Callable[[], Any]) -> Any:
    value = holds()
    return await value if asyncio.iscoroutine(value) else value
