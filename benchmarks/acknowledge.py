"""How fast a durable start is acknowledged."""

import asyncio
from functools import partial

from benchmarks._bench import Bench
from benchmarks._client import Client, latencies, start_request
from benchmarks._stats import Figure, at_most, median, percentile

CONCURRENCIES = (1, 64)


async def measure(bench: Bench) -> list[Figure]:
    """Against an echo with nothing to execute, and with the executor saturated by other workflows."""
    async with (
        bench.echo() as echo,
        bench.stretto() as stretto,
        Client(echo.address) as bare,
        Client(stretto.address) as client,
    ):
        figures = [
            figure for concurrency in CONCURRENCIES for figure in await _against_echo(bench, bare, client, concurrency)
        ]
    return figures + await _saturated(bench)


async def _against_echo(bench: Bench, bare: Client, client: Client, concurrency: int) -> list[Figure]:
    """Echo and start in turns. The started type runs one at a time, so that nothing but starting happens."""
    samples = bench.scaled(500 if concurrency == 1 else 2_000)
    echo = partial(bare.echo, start_request("parked"))
    start = partial(client.start, "parked")
    echoes, starts = [], []
    for _ in range(bench.rounds):
        echoes.append(percentile(await latencies(echo, concurrency, samples), 0.5))
        starts.append(percentile(await latencies(start, concurrency, samples), 0.5))
    ratio = median([start / echo for start, echo in zip(starts, echoes, strict=True)])
    return [
        Figure(f"echo_p50_at_{concurrency}", median(echoes), "ms"),
        Figure(f"ack_p50_at_{concurrency}", median(starts), "ms"),
        Figure(f"ack_over_echo_at_{concurrency}", ratio, "x", at_most(2)),
    ]


async def _saturated(bench: Bench) -> list[Figure]:
    """Another process keeps 64 chain3 in flight; this one starts more."""
    figures = []
    async with bench.stretto() as stretto, Client(stretto.address) as client:
        with bench.load(stretto.address, "chain3", 64):
            await asyncio.sleep(3)
            for concurrency, target in ((1, at_most(10)), (8, None)):
                took = await latencies(partial(client.start, "parked"), concurrency, bench.scaled(500))
                figures += [
                    Figure(f"ack_p50_saturated_at_{concurrency}", percentile(took, 0.5), "ms", target),
                    Figure(f"ack_p99_saturated_at_{concurrency}", percentile(took, 0.99), "ms"),
                ]
    return figures
