"""How fast a watcher that was away catches up."""

import time

from benchmarks._bench import Bench
from benchmarks._client import BATCH, Client
from benchmarks._stats import Figure, at_most, median
from stretto.workflow.v1.workflow_service_pb2 import GetStateRequest

MISSED = 1_000


async def measure(bench: Bench) -> list[Figure]:
    """From the call of WatchProgress to the end of the stream, one event to a message and many."""
    async with bench.stretto() as stretto, Client(stretto.address) as client:
        workflow_id = await client.start("chatty")
        await client.finish(workflow_id)
        state = await client.stub.GetState(GetStateRequest(workflow_id=workflow_id))
        after = state.as_of_sequence - MISSED
        singly, batched = [], []
        for _ in range(bench.scaled(100)):
            singly.append(await _replay(client, workflow_id, after, 0))
            batched.append(await _replay(client, workflow_id, after, BATCH))
    return [
        Figure("replay_1000_events_p50", median(singly), "ms", at_most(20)),
        Figure("replay_1000_events_batched_p50", median(batched), "ms", at_most(20)),
    ]


async def _replay(client: Client, workflow_id: str, after: int, batch: int) -> float:
    began = time.perf_counter()
    sequences = [event.sequence async for event in client.watch(workflow_id, after, batch)]
    took = (time.perf_counter() - began) * 1e3
    assert sequences == list(range(after + 1, after + MISSED + 1)), sequences[:3]
    return took
