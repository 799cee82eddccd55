"""What a watcher costs that waits for something to happen."""

import asyncio
from contextlib import AsyncExitStack

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._processes import Service
from benchmarks._stats import Figure, at_most
from stretto.workflow.v1.workflow_service_pb2 import WatchProgressRequest

WATCHERS = 1_000
PER_CONNECTION = 50


async def measure(bench: Bench) -> list[Figure]:
    """Memory of a thousand idle watchers, against as many idle streams of a bare grpc.aio server."""
    async with bench.echo() as echo:
        bare = await _memory(echo, "any")
    async with bench.stretto() as stretto:
        async with Client(stretto.address) as client:
            workflow_id = await client.start("asker")
            async for event in client.watch(workflow_id, batch=0):
                if event.HasField("interrupt_raised"):
                    break
        own = await _memory(stretto, workflow_id)
    return [
        Figure("bare_idle_stream_memory", bare, "KB"),
        Figure("idle_watcher_memory", own, "KB"),
        Figure("idle_watcher_over_bare", own / bare, "x", at_most(1.2)),
    ]


async def _memory(service: Service, workflow_id: str) -> float:
    """Kilobytes for each stream once all of them wait, their share of the connections included."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(service.address)) for _ in range(WATCHERS // PER_CONNECTION)]
        await _open(clients[0], workflow_id)  # What the first stream loads is no cost of each.
        before = service.resident_bytes()
        calls = [await _open(client, workflow_id) for client in clients for _ in range(PER_CONNECTION)]
        await asyncio.sleep(1)
        grown = service.resident_bytes() - before
        for call in calls:
            call.cancel()
    return grown / len(calls) / 1e3


async def _open(client: Client, workflow_id: str):  # noqa: ANN202 - grpc.aio's type for it is private
    call = client.stub.WatchProgress(WatchProgressRequest(workflow_id=workflow_id))
    await call.read()
    return call
