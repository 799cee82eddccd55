"""Four parallel branches, of which the longest takes 500 ms: what is added to that."""

import time

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_most, median

LONGEST_MS = 500


async def measure(bench: Bench) -> list[Figure]:
    """From the call of StartWorkflow to the result."""
    async with bench.stretto() as stretto, Client(stretto.address) as client:
        took = []
        for _ in range(bench.rounds * 2):
            began = time.perf_counter()
            await client.finish(await client.start("fan4"))
            took.append((time.perf_counter() - began) * 1e3)
    return [
        Figure("fan4_result_p50", median(took), "ms"),
        Figure("fan4_over_ideal", median(took) / LONGEST_MS, "x", at_most(1.05)),
    ]
