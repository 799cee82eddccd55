"""PostgreSQL under one server, and under an API server with workers that get their work through docket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks._bare import POSTGRES
from benchmarks._bench import Bare, Bench
from benchmarks._client import Client, in_flight
from benchmarks._processes import Service
from benchmarks._services import SharedService, service
from benchmarks._stats import Figure, at_least, at_most, median, percentile
from benchmarks._watched import Meters, own_cpu_seconds, warm_up, watched
from benchmarks.first_event import journeys
from benchmarks.graphs import AGENT_STEPS, PATIENT_SECONDS

AT_ONCE = 1_000
"""Workflows in flight over two workers."""

HASTY_RUNS = 2
"""Workflows that each caller has one after the other, where steps are so short that processors decide."""


async def measure(bench: Bench) -> list[Figure]:
    """One worker for what is compared with bare LangGraph and with one server; then a second one, and many at once."""
    with service("postgres") as postgres, service("redis_hints") as redis:
        async with _alone(bench, postgres) as alone, _shared(bench, postgres, redis) as shared:
            figures = await _against_bare(bench, postgres, alone, shared)
            figures += await _first_event(bench, alone.client, shared.client)
            async with bench.worker(_store(postgres), redis.url):
                return figures + await _many(bench, shared.client)


@dataclass(frozen=True, slots=True)
class _Side:
    """A way to run workflows on PostgreSQL, and the processes that pay for it."""

    name: str
    client: Client
    meters: Meters


def _store(postgres: SharedService) -> str:
    return f"{postgres.url}?schema=shared"


@asynccontextmanager
async def _alone(bench: Bench, postgres: SharedService) -> AsyncIterator[_Side]:
    """One server that runs workflows itself and has its schema to itself."""
    async with (
        bench.stretto(f"{postgres.url}?schema=alone") as server,
        Client(server.address) as client,
    ):
        meters: Meters = {
            "api_process": server.own_cpu_seconds,
            "executor": partial(_children_cpu_seconds, server),
            "postgres": postgres.cpu_seconds,
            "client": own_cpu_seconds,
        }
        yield _Side("alone", client, meters)


@asynccontextmanager
async def _shared(bench: Bench, postgres: SharedService, redis: SharedService) -> AsyncIterator[_Side]:
    """A server that only takes calls, and one worker."""
    async with (
        bench.stretto(_store(postgres), flags=("--redis", redis.url, "--no-run-workflows")) as server,
        bench.worker(_store(postgres), redis.url) as worker,
        Client(server.address) as client,
    ):
        meters: Meters = {
            "api_process": server.cpu_seconds,
            "worker_process": worker.own_cpu_seconds,
            "executor": partial(_children_cpu_seconds, worker),
            "postgres": postgres.cpu_seconds,
            "redis": redis.cpu_seconds,
            "client": own_cpu_seconds,
        }
        yield _Side("shared", client, meters)


def _children_cpu_seconds(service: Service) -> float:
    return service.cpu_seconds() - service.own_cpu_seconds()


async def _against_bare(bench: Bench, postgres: SharedService, *sides: _Side) -> list[Figure]:
    """In turns with bare ainvoke and AsyncPostgresSaver."""
    rounds: dict[str, list[dict[str, float]]] = {"bare": [], **{side.name: [] for side in sides}}
    with bench.bare(postgres.url) as bare:
        for side in sides:
            await warm_up(side.client)
        for _ in range(bench.rounds):
            rounds["bare"].append(_bare(bare, postgres, bench.scaled(250)))
            for side in sides:
                rounds[side.name].append(await watched(side.client, bench.scaled(750), side.meters))
    return [figure for name, found in rounds.items() for figure in _of_side(name, found, rounds["bare"])]


def _bare(bare: Bare, postgres: SharedService, runs: int) -> dict[str, float]:
    before = postgres.cpu_seconds()
    measured = bare.measured(POSTGRES, runs)
    return {
        "runs": measured["runs_per_second"],
        "process": measured["cpu_ms_per_run"],
        "postgres": (postgres.cpu_seconds() - before) / runs * 1e3,
    }


def _of_side(name: str, rounds: list[dict[str, float]], bare: list[dict[str, float]]) -> list[Figure]:
    middle = {key: median([found[key] for found in rounds]) for key in rounds[0]}
    figures = [Figure(f"{name}_runs_per_second", middle.pop("runs"), "runs/s")]
    if rounds is not bare:
        ratio = median([found["runs"] / other["runs"] for found, other in zip(rounds, bare, strict=True)])
        figures.append(Figure(f"{name}_over_bare_postgres", ratio, "x", at_least(2.5)))
        figures.append(Figure(f"{name}_ack_p50_at_64_in_flight", middle.pop("ack"), "ms"))
    return figures + [Figure(f"{name}_{key}_cpu_per_run", value, "ms") for key, value in middle.items()]


async def _first_event(bench: Bench, alone: Client, shared: Client) -> list[Figure]:
    """In turns, with nothing else to do: what the way through docket to another process adds.

    The very first event is committed with the start, by the server that took it, so it says nothing of docket. The
    first step's is the first one that comes from whoever runs the workflow.
    """
    found: dict[str, list[list[float]]] = {"alone": [[], []], "shared": [[], []]}
    for _ in range(bench.rounds):
        for name, client in (("alone", alone), ("shared", shared)):
            first, step, _result = await journeys(client, bench.scaled(200) // bench.rounds)
            found[name][0] += first
            found[name][1] += step
    first_p50 = {name: percentile(first, 0.5) for name, (first, _) in found.items()}
    step_p50 = {name: percentile(step, 0.5) for name, (_, step) in found.items()}
    return [
        *(Figure(f"{name}_first_event_p50", value, "ms") for name, value in first_p50.items()),
        *(Figure(f"{name}_first_step_event_p50", value, "ms") for name, value in step_p50.items()),
        Figure("docket_adds_to_first_step_event_p50", step_p50["shared"] - step_p50["alone"], "ms", at_most(15)),
    ]


async def _many(bench: Bench, client: Client) -> list[Figure]:
    """A thousand watched workflows at once whose steps mostly wait; then steps too short for the processors."""
    at_once = AT_ONCE // 10 if bench.quick else AT_ONCE
    await _seconds(client, "agent_hasty", at_once // 10, 1)  # The second worker runs it for the first time.
    patient = await _seconds(client, "agent", at_once, 1)
    hasty = await _seconds(client, "agent_hasty", at_once, HASTY_RUNS)
    return [
        Figure("sleeping_workflows_at_once", at_once, ""),
        Figure("sleeping_over_ideal", patient / (AGENT_STEPS * PATIENT_SECONDS), "x", at_most(1.2)),
        Figure("sleeping_steps_per_minute", at_once * AGENT_STEPS / patient * 60, "/min", at_least(1_000)),
        Figure("hasty_steps_per_minute", at_once * HASTY_RUNS * AGENT_STEPS / hasty * 60, "/min", at_least(1_000)),
    ]


async def _seconds(client: Client, workflow_type: str, at_once: int, each: int) -> float:
    """How long it takes to start them, run them and watch each to its result; raises unless all of them succeed."""

    async def run() -> None:
        await client.finish(await client.start(workflow_type))

    return await in_flight(run, at_once, at_once * each)
