"""How soon a client sees something happen, on an idle server."""

import asyncio
import time

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_most, percentile


async def measure(bench: Bench) -> list[Figure]:
    """From the call of StartWorkflow to the first event, to the first step's, and to the result."""
    async with bench.stretto() as stretto, Client(stretto.address) as client:
        first, step, result = await journeys(client, bench.scaled(300))
    return [
        Figure("first_event_p50", percentile(first, 0.5), "ms", at_most(5)),
        Figure("first_event_p99", percentile(first, 0.99), "ms"),
        Figure("first_step_event_p50", percentile(step, 0.5), "ms", at_most(5)),
        Figure("chain3_result_p50", percentile(result, 0.5), "ms"),
    ]


async def journeys(client: Client, samples: int) -> list[list[float]]:
    """Milliseconds until the first event, the first step's and the result, of workflows one after the other."""
    await _journey(client)
    found = [await _journey(client) for _ in range(samples)]
    return [list(column) for column in zip(*found, strict=True)]


async def _journey(client: Client) -> tuple[float, float, float]:
    """One workflow of chain3 and when its news came, in milliseconds."""
    seen: dict[str, float] = {}
    began = time.perf_counter()
    workflow_id = await client.start("chain3")
    async for event in client.watch(workflow_id, batch=0):
        now = (time.perf_counter() - began) * 1e3
        seen.setdefault("first", now)
        seen.setdefault(event.WhichOneof("kind") or "", now)
    await asyncio.sleep(0.005)  # The next one finds an idle server.
    return seen["first"], seen["step_started"], seen["completed"]
