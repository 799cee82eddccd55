"""The same server on each store, side by side: acknowledgements, chain3 with a watcher, and who pays for it."""

from collections import defaultdict
from contextlib import AsyncExitStack
from functools import partial

from benchmarks._bench import Bench
from benchmarks._client import Client, latencies
from benchmarks._processes import Service
from benchmarks._services import SharedService, service
from benchmarks._stats import Figure, median, percentile
from benchmarks._watched import warm_up, watched

STORES = ("sqlite", "postgres", "redis_always", "redis_everysec")
SAMPLES = {1: 250, 64: 1_280}
"""Starts for each acknowledgement figure of a round, by how many are under way at once."""


async def measure(bench: Bench) -> list[Figure]:
    """All stores are there all the time, and are measured in turns."""
    async with AsyncExitStack() as stack:
        sides = [await _side(bench, stack, store) for store in STORES]
        for side in sides:
            await warm_up(side.client)
        # All runs first: a queue of thousands of workflows, which starts leave behind, would cost them something.
        for measured in (_Side.run, _Side.start):
            for _ in range(bench.rounds):
                for side in sides:
                    await measured(side, bench)
        return [figure for side in sides for figure in side.figures()]


class _Side:
    """A server on one store, and what was measured of it."""

    def __init__(self, store: str, stretto: Service, backend: SharedService | None, client: Client) -> None:
        self.client = client
        self._store = store
        self._meters = {"server": stretto.cpu_seconds, "api": stretto.own_cpu_seconds}
        if backend is not None:
            self._meters["store"] = backend.cpu_seconds
        self._found: defaultdict[str, list[float]] = defaultdict(list)

    async def run(self, bench: Bench) -> None:
        """A round of watched runs."""
        for name, value in (await watched(self.client, bench.scaled(600), self._meters)).items():
            self._found[name].append(value)

    async def start(self, bench: Bench) -> None:
        """A round of starts. The started type runs one at a time, so that nothing but starting happens."""
        for at_once, samples in SAMPLES.items():
            took = await latencies(partial(self.client.start, "parked"), at_once, bench.scaled(samples))
            self._found[f"ack_{at_once}"].append(percentile(took, 0.5))

    def figures(self) -> list[Figure]:
        """The medians of all rounds. SQLite has no process of its own: its work is the server's."""
        middle = {name: median(found) for name, found in self._found.items()}
        rows = [
            ("ack_p50_at_1", "ack_1", "ms"),
            ("ack_p50_at_64", "ack_64", "ms"),
            ("runs_per_second", "runs", "runs/s"),
            ("server_cpu_per_run", "server", "ms"),
            ("api_process_cpu_per_run", "api", "ms"),
            ("store_cpu_per_run", "store", "ms"),
        ]
        return [
            Figure(f"{self._store}_{name}", middle[source], unit) for name, source, unit in rows if source in middle
        ]


async def _side(bench: Bench, stack: AsyncExitStack, store: str) -> _Side:
    backend = None if store == "sqlite" else stack.enter_context(service(store))
    stretto = await stack.enter_async_context(bench.stretto(backend.url if backend else None))
    client = await stack.enter_async_context(Client(stretto.address))
    return _Side(store, stretto, backend, client)
