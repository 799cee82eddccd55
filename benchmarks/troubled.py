"""Troubleshooting with sources that take as long as those of the system it comes from: 950 ms one after another."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from stretto.server import App
from stretto.troubleshooting.v1.troubleshooting_pb2 import (
    TroubleshootingProgress,
    TroubleshootingReport,
    TroubleshootingRequest,
)
from stretto.workflows.troubleshooting import Sources, report_of, troubleshooting_graph
from stretto.workflows.troubleshooting.knowledge import KnowledgeHit
from stretto.workflows.troubleshooting.logs import LogFinding
from stretto.workflows.troubleshooting.metrics import MetricReading
from stretto.workflows.troubleshooting.scheduler import JobRun
from stretto.workflows.troubleshooting.sources import Query

JOB = "nightly-etl"
SCHEDULER_MS, KNOWLEDGE_MS, LOGS_MS, METRICS_MS = 300, 500, 100, 50
SLOWEST_MS = max(SCHEDULER_MS, KNOWLEDGE_MS, LOGS_MS, METRICS_MS)
TIMEOUT_MS = 600
"""Time for each source, where some fail."""

RUN = JobRun(job_name=JOB, run_id="r1", status="RUN_STATUS_FAILED", exit_code=137, error="MemoryError: no more")
HIT = KnowledgeHit(
    runbook="out-of-memory.md",
    title="A job runs out of memory",
    excerpt="MemoryError and exit code 137 tell of it.",
    score=7.5,
    actions=("Run it again with twice the memory.",),
    cause="CAUSE_OUT_OF_MEMORY",
)
LINE = LogFinding(job_name=JOB, file="etl.log", line="ERROR MemoryError: no more", level="ERROR", count=3)
READING = MetricReading(name="memory_used", instance="worker-3", value=97, unit="percent", threshold=90, exceeded=True)


def _answer(milliseconds: int, value: Any) -> Callable[..., Awaitable[Any]]:
    async def ask(_query: Query, _job: str = "") -> Any:
        await asyncio.sleep(milliseconds / 1e3)
        return value

    return ask


async def _hang(_query: Query, _job: str = "") -> Any:
    await asyncio.sleep(3_600)


async def _break(_query: Query) -> Any:
    raise ConnectionError("the metrics are down")


def _register(name: str, sources: Sources, source_seconds_max: float) -> None:
    app.workflow(
        name,
        troubleshooting_graph(sources, source_seconds_max=source_seconds_max),
        description="Troubleshooting with sources that only wait.",
        input=TroubleshootingRequest,
        result=TroubleshootingReport,
        progress=TroubleshootingProgress,
        to_input=lambda request: {"request": request},
        to_result=report_of,
    )


app = App()
_register(
    "troubleshooting_whole",
    Sources(
        scheduler=_answer(SCHEDULER_MS, RUN),
        knowledge=_answer(KNOWLEDGE_MS, [HIT]),
        logs=_answer(LOGS_MS, [LINE]),
        metrics=_answer(METRICS_MS, [READING]),
    ),
    5.0,
)
_register(
    "troubleshooting_failing",
    Sources(scheduler=_hang, knowledge=_answer(KNOWLEDGE_MS, [HIT]), logs=_hang, metrics=_break),
    TIMEOUT_MS / 1e3,
)
