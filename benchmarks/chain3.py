"""Three trivial steps, durable after each, started and watched to the result over gRPC: what Stretto itself costs."""

import resource
from functools import partial

from benchmarks._bare import SAVERS
from benchmarks._bench import Bench
from benchmarks._client import BATCH, Client, in_flight, latencies
from benchmarks._processes import Service
from benchmarks._stats import Figure, at_least, at_most, median, percentile

IN_FLIGHT = 64


async def measure(bench: Bench) -> list[Figure]:
    """In turns with bare ainvoke on three savers."""
    runs = bench.scaled(1_500)
    rounds: list[dict[str, float]] = []
    with bench.bare() as bare:
        async with bench.stretto() as stretto, Client(stretto.address) as client:
            await in_flight(partial(_run, client, BATCH, []), IN_FLIGHT, 192)
            for _ in range(bench.rounds):
                found = {f"bare_{saver}": bare.runs_per_second(saver, runs) for saver in SAVERS}
                found |= await _round(stretto, client, runs, BATCH, "")
                found |= await _round(stretto, client, runs, 0, "_unbatched")
                rounds.append(found)
    return _figures(rounds)


async def _run(client: Client, batch: int, acknowledged: list[float]) -> None:
    """Start one and watch it to its end."""
    workflow_id: list[str] = []

    async def start() -> None:
        workflow_id.append(await client.start("chain3"))

    acknowledged += await latencies(start, 1, 1)
    await client.finish(workflow_id[0], batch=batch)


async def _round(stretto: Service, client: Client, runs: int, batch: int, suffix: str) -> dict[str, float]:
    acknowledged: list[float] = []
    before = stretto.cpu_seconds(), stretto.own_cpu_seconds(), _own_cpu_seconds()
    took = await in_flight(partial(_run, client, batch, acknowledged), IN_FLIGHT, runs)
    after = stretto.cpu_seconds(), stretto.own_cpu_seconds(), _own_cpu_seconds()
    done = len(acknowledged)
    server, api, client_cpu = ((new - old) / done * 1e3 for new, old in zip(after, before, strict=True))
    return {
        f"runs{suffix}": done / took,
        f"server_cpu{suffix}": server,
        f"api_cpu{suffix}": api,
        f"client_cpu{suffix}": client_cpu,
        f"ack{suffix}": percentile(acknowledged, 0.5),
    }


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _figures(rounds: list[dict[str, float]]) -> list[Figure]:
    def middle(name: str) -> float:
        return median([found[name] for found in rounds])

    def ratio(name: str) -> float:
        return median([found["runs"] / found[name] for found in rounds])

    return [
        *(Figure(f"bare_{saver}_runs_per_second", middle(f"bare_{saver}"), "runs/s") for saver in SAVERS),
        Figure("chain3_runs_per_second", middle("runs"), "runs/s"),
        Figure("chain3_over_bare_sqlite", ratio("bare_sqlite"), "x", at_least(2)),
        Figure("chain3_over_bare_memory", ratio("bare_memory"), "x", at_least(0.75)),
        Figure("chain3_server_cpu_per_run", middle("server_cpu"), "ms", at_most(5)),
        Figure("chain3_api_process_cpu_per_run", middle("api_cpu"), "ms"),
        Figure("chain3_client_cpu_per_run", middle("client_cpu"), "ms"),
        Figure("chain3_ack_p50_at_64_in_flight", middle("ack"), "ms", at_most(10)),
        Figure("chain3_unbatched_runs_per_second", middle("runs_unbatched"), "runs/s"),
        Figure("chain3_unbatched_server_cpu_per_run", middle("server_cpu_unbatched"), "ms"),
    ]
