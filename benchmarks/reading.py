"""How fast a state is read while a hundred workflows run, and while one of them blocks its loop."""

import asyncio
import time

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_most, percentile
from stretto.workflow.v1.workflow_pb2 import WORKFLOW_STATUS_RUNNING
from stretto.workflow.v1.workflow_service_pb2 import GetStateRequest

RUNNING = 100
BLOCKED_SECONDS = 4.5


async def measure(bench: Bench) -> list[Figure]:
    """GetState, one call after the other, of one of the running workflows."""
    async with bench.stretto() as stretto, Client(stretto.address) as client:
        running = [await client.start("ticker") for _ in range(RUNNING)]
        await asyncio.sleep(2)
        count = await client.count("ticker", WORKFLOW_STATUS_RUNNING)
        busy = await _read(client, running[0], 5)
        await client.start("blocker")
        await asyncio.sleep(0.3)
        blocked = await _read(client, running[0], BLOCKED_SECONDS)
    return [
        Figure("reading_workflows_running", count, ""),
        Figure("get_state_p50_100_running", percentile(busy, 0.5), "ms"),
        Figure("get_state_p99_100_running", percentile(busy, 0.99), "ms", at_most(50)),
        Figure("get_state_p99_loop_blocked", percentile(blocked, 0.99), "ms", at_most(50)),
        Figure("get_state_max_loop_blocked", max(blocked), "ms"),
    ]


async def _read(client: Client, workflow_id: str, seconds: float) -> list[float]:
    took = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await client.stub.GetState(GetStateRequest(workflow_id=workflow_id))
        took.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0.002)
    return took
