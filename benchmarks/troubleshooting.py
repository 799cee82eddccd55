"""Troubleshooting by four sources that take 300, 500, 100 and 50 ms: what is added to the slowest of them."""

import asyncio
import time

from google.protobuf import any_pb2

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_most, median
from benchmarks.troubled import JOB, KNOWLEDGE_MS, LOGS_MS, METRICS_MS, SCHEDULER_MS, SLOWEST_MS, TIMEOUT_MS
from stretto.troubleshooting.v1.troubleshooting_pb2 import (
    QUERY_KIND_JOB_FAILURE,
    TroubleshootingReport,
    TroubleshootingRequest,
)
from stretto.workflow.v1.workflow_service_pb2 import StartWorkflowRequest

APP = "benchmarks.troubled:app"
WHOLE, FAILING = "troubleshooting_whole", "troubleshooting_failing"
SEQUENTIAL_MS = SCHEDULER_MS + KNOWLEDGE_MS + LOGS_MS + METRICS_MS
CROWD = 50


async def measure(bench: Bench) -> list[Figure]:
    """From the call of StartWorkflow to the report, watched: one at a time, fifty at once, and with failing sources."""
    async with bench.stretto(apps=(APP,)) as stretto, Client(stretto.address) as client:
        await _ask(client, WHOLE)
        await _ask(client, FAILING, failed=3)
        alone = [await _ask(client, WHOLE) for _ in range(bench.rounds * 4)]
        failing = [await _ask(client, FAILING, failed=3) for _ in range(bench.rounds * 2)]
        crowds = [await _crowd(client) for _ in range(bench.rounds)]
    return [
        Figure("troubleshooting_p50", median(alone), "ms"),
        Figure("troubleshooting_over_slowest", median(alone) / SLOWEST_MS, "x", at_most(1.05)),
        Figure("troubleshooting_speedup", SEQUENTIAL_MS / median(alone), "x"),
        Figure("troubleshooting_50_at_once", median(crowds), "ms"),
        Figure("troubleshooting_50_over_slowest", median(crowds) / SLOWEST_MS, "x", at_most(1.3)),
        Figure("troubleshooting_failing_max", max(failing), "ms"),
        Figure("troubleshooting_failing_over_timeout", median(failing) / TIMEOUT_MS, "x", at_most(1.05)),
    ]


async def _crowd(client: Client) -> float:
    """How long so many at once take until the last one has its report."""
    began = time.perf_counter()
    await asyncio.gather(*(_ask(client, WHOLE) for _ in range(CROWD)))
    return (time.perf_counter() - began) * 1e3


async def _ask(client: Client, name: str, failed: int = 0) -> float:
    packed = any_pb2.Any()
    packed.Pack(TroubleshootingRequest(message=f"Why did {JOB} fail?", job_names=[JOB], kind=QUERY_KIND_JOB_FAILURE))
    began = time.perf_counter()
    response = await client.stub.StartWorkflow(StartWorkflowRequest(workflow_type=name, input=packed))
    end = await client.finish(response.workflow.workflow_id)
    took = (time.perf_counter() - began) * 1e3
    report = TroubleshootingReport.FromString(end.completed.result.value)
    if report.figures.sources_failed != failed or not report.HasField("diagnosis"):
        raise RuntimeError(f"{name} reported {report}")
    return took
