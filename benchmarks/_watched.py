"""Watched runs of chain3, 64 at once: how many a second, and what each process pays for one of them."""

import resource
import time
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks._client import BATCH, Client, in_flight
from benchmarks._stats import percentile

IN_FLIGHT = 64
WARM_UP = 192
"""Runs before the first one that counts."""

Meters = Mapping[str, Callable[[], float]]
"""CPU seconds that processes have used, by the name of their figure."""


async def watched(client: Client, runs: int, meters: Meters, batch: int = BATCH) -> dict[str, float]:
    """Runs a second, the acknowledgement's p50 in milliseconds, and milliseconds of each meter for a run."""
    acknowledged: list[float] = []
    before = {name: read() for name, read in meters.items()}
    took = await in_flight(partial(_run, client, batch, acknowledged), IN_FLIGHT, runs)
    done = len(acknowledged)
    cpu = {name: (read() - before[name]) / done * 1e3 for name, read in meters.items()}
    return {"runs": done / took, "ack": percentile(acknowledged, 0.5), **cpu}


async def warm_up(client: Client) -> None:
    """Let a server run what it runs for the first time."""
    await watched(client, WARM_UP, {})


def own_cpu_seconds() -> float:
    """CPU time of this process, which is the client."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _run(client: Client, batch: int, acknowledged: list[float]) -> None:
    """Start one and watch it to its end."""
    began = time.perf_counter()
    workflow_id = await client.start("chain3")
    acknowledged.append((time.perf_counter() - began) * 1e3)
    await client.finish(workflow_id, batch=batch)
