"""What a workflow costs that waits for a decision: a row, and no memory."""

import asyncio
import time
from functools import partial
from pathlib import Path

from benchmarks._bench import Bench
from benchmarks._client import Client, in_flight
from benchmarks._stats import Figure, at_most
from stretto.workflow.v1.workflow_pb2 import WORKFLOW_STATUS_WAITING

WAITING = 10_000
CLIENTS = 32


async def measure(bench: Bench) -> list[Figure]:
    """Memory and start-up time of a server with 10,000 waiting workflows, against one with none."""
    count = bench.scaled(WAITING)
    empty_seconds, empty_bytes = await _start_up(bench, bench.new_store())
    store = bench.new_store()
    async with bench.stretto(store) as stretto:
        async with Client(stretto.address) as client:
            await in_flight(partial(client.start, "asker"), CLIENTS, count)
            waiting = await _all_wait(client, count // CLIENTS * CLIENTS)
        grown = stretto.resident_bytes() - empty_bytes
        stretto.stop()
    seconds, resident = await _start_up(bench, store)
    return [
        Figure("waiting_workflows", waiting, ""),
        Figure("waiting_memory_after_restart", (resident - empty_bytes) / waiting / 1e3, "KB"),
        Figure("waiting_memory_where_they_ran", grown / waiting / 1e3, "KB"),
        Figure("start_up_empty", empty_seconds, "s"),
        Figure("start_up_with_waiting", seconds, "s", at_most(5)),
    ]


async def _all_wait(client: Client, count: int) -> int:
    """Return once so many workflows wait; there is no event that tells it of all of them."""
    while (waiting := await client.count("asker", WORKFLOW_STATUS_WAITING)) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    return waiting


async def _start_up(bench: Bench, store: Path) -> tuple[float, int]:
    """Seconds until a server is ready, and the bytes it holds after a moment."""
    began = time.perf_counter()
    async with bench.stretto(store) as stretto:
        took = time.perf_counter() - began
        await asyncio.sleep(1)
        return took, stretto.resident_bytes()
