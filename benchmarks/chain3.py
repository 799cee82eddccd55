"""Three trivial steps, durable after each, started and watched to the result over gRPC: what Stretto itself costs."""

from benchmarks._bare import SAVERS
from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_least, at_most, median
from benchmarks._watched import own_cpu_seconds, warm_up, watched


async def measure(bench: Bench) -> list[Figure]:
    """In turns with bare ainvoke on three savers."""
    runs = bench.scaled(1_500)
    rounds: list[dict[str, float]] = []
    with bench.bare() as bare:
        async with bench.stretto() as stretto, Client(stretto.address) as client:
            meters = {"server": stretto.cpu_seconds, "api": stretto.own_cpu_seconds, "client": own_cpu_seconds}
            await warm_up(client)
            for _ in range(bench.rounds):
                found = {f"bare_{saver}": bare.runs_per_second(saver, runs) for saver in SAVERS}
                found |= await watched(client, runs, meters)
                unbatched = await watched(client, runs, meters, batch=0)
                rounds.append(found | {f"{name}_unbatched": value for name, value in unbatched.items()})
    return _figures(rounds)


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
        Figure("chain3_server_cpu_per_run", middle("server"), "ms", at_most(5)),
        Figure("chain3_api_process_cpu_per_run", middle("api"), "ms"),
        Figure("chain3_client_cpu_per_run", middle("client"), "ms"),
        Figure("chain3_ack_p50_at_64_in_flight", middle("ack"), "ms", at_most(10)),
        Figure("chain3_unbatched_runs_per_second", middle("runs_unbatched"), "runs/s"),
        Figure("chain3_unbatched_server_cpu_per_run", middle("server_unbatched"), "ms"),
    ]
