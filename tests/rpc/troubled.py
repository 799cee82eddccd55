"""Troubleshooting with sources of all kinds, as the tests of it ask them and read what it tells."""

import asyncio

import pytest

from stretto.client import WorkflowFailed
from stretto.fanout.v1 import fanout_pb2 as fanout
from stretto.server import App
from stretto.testing import serving
from stretto.troubleshooting.v1 import troubleshooting_pb2 as contract
from stretto.workflows import troubleshooting
from stretto.workflows.troubleshooting import Sources, sources_of, troubleshooting_graph
from stretto.workflows.troubleshooting.knowledge import Knowledge, KnowledgeHit
from stretto.workflows.troubleshooting.logs import LogFinding, Logs
from stretto.workflows.troubleshooting.metrics import MetricReading, Metrics
from stretto.workflows.troubleshooting.scheduler import JobRun, RunStatus, Scheduler
from stretto.workflows.troubleshooting.settings import SHIPPED_RUNBOOKS

SETTING = "STRETTO_TROUBLESHOOTING_"
PATIENCE = 60
"""Seconds for sources that must not run out of time, however busy the machine is."""
IMPATIENT = 0.3
"""Seconds for a source that will not answer."""
QUESTION = "Why did nightly-etl fail?"
SOURCES = ("scheduler", "knowledge", "logs", "metrics")


class World:
    """The sources, and what tests do to them."""

    def __init__(self, scheduler_api, prometheus_api, logs):
        self.scheduler_api, self.prometheus_api, self.logs = scheduler_api, prometheus_api, logs
        self.scheduler = Scheduler(scheduler_api.url, seconds_max=PATIENCE, log_seconds_max=PATIENCE)
        self.metrics = Metrics(prometheus_api.url, seconds_max=PATIENCE)
        self.runbooks = SHIPPED_RUNBOOKS

    def app(self, source_seconds_max=PATIENCE):
        sources = sources_of(
            scheduler=self.scheduler,
            knowledge=Knowledge(self.runbooks),
            logs=Logs(self.logs),
            metrics=self.metrics,
        )
        return app_of(sources, source_seconds_max=source_seconds_max, seconds_max=2 * PATIENCE)

    def disable(self, source):
        """Make a source fail whenever it is asked."""
        if source == "scheduler":
            self.scheduler_api.faults({"status": 500, "repeat": 0})
        elif source == "metrics":
            self.prometheus_api.faults({"status": 500, "repeat": 0})
        elif source == "logs":
            self.logs = self.logs / "nowhere"
        else:
            self.runbooks = self.logs / "nowhere"


class Asked:
    """A source that answers with what it is given, or raises it, and counts how often it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.times = 0

    async def __call__(self, *_):
        self.times += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def never(*_):
    """A source that is asked in vain."""
    await asyncio.Event().wait()


def raising(error):
    """An aggregator that fails."""

    def fail(*_):
        raise error

    return fail


RUN = JobRun(job_name="nightly-etl", status=RunStatus.FAILED, error="MemoryError", failures_in_a_row=1)
HIT = KnowledgeHit(
    runbook="out-of-memory.md", title="Memory", excerpt="…", score=1, actions=("Add memory.",),
    cause="CAUSE_OUT_OF_MEMORY",
)  # fmt: skip
LINE = LogFinding(job_name="nightly-etl", file="nightly-etl.log", line="MemoryError", level="ERROR", count=2)
READING = MetricReading(name="memory_used", value=98, unit="percent", threshold=90, exceeded=True)
GOOD = Sources(scheduler=Asked(RUN), knowledge=Asked([HIT]), logs=Asked([LINE]), metrics=Asked([READING]))


def app_of(sources=GOOD, **options):
    """The type with these sources."""
    app = App()
    troubleshooting.register(app, troubleshooting_graph(sources, **options))
    return app


def asking(message=QUESTION, **fields):
    return contract.TroubleshootingRequest(message=message, **fields)


class Told:
    """What a workflow told on its way."""

    def __init__(self, events):
        self.events = events
        progress = [event for event in events if event.HasField("step_progress")]
        assert all(event.step_progress.detail.Is(contract.TroubleshootingProgress.DESCRIPTOR) for event in progress)
        self.details = [contract.TroubleshootingProgress.FromString(e.step_progress.detail.value) for e in progress]
        self.fractions = [e.step_progress.fraction for e in progress if e.step_progress.HasField("fraction")]
        self.branches = [each.branch for each in self.details if each.HasField("branch")]

    def ends(self):
        """How each branch ended: `answered`, or why not."""
        found = {}
        for branch in self.branches:
            key = "/".join(filter(None, (branch.source, branch.item)))
            if branch.WhichOneof("kind") == "succeeded":
                found[key] = "answered"
            elif branch.WhichOneof("kind") == "failed":
                reason = fanout.BranchFailureReason.Name(branch.failed.reason)
                found[key] = reason.removeprefix("BRANCH_FAILURE_REASON_")
        return found

    def steps(self):
        """The steps that were completed."""
        return [event.step for event in self.events if event.HasField("step_completed")]

    def evidence(self):
        """What was known before the end, source by source."""
        merged = contract.Evidence()
        for event in self.events:
            if event.step == "aggregating":
                return merged
            if event.HasField("step_progress"):
                detail = contract.TroubleshootingProgress.FromString(event.step_progress.detail.value)
                merged.MergeFrom(detail.evidence)
        return merged


async def reported(app, request=None):
    """The report, and what was told on the way to it."""
    async with serving(app) as server:
        handle = await server.client.start(
            "troubleshooting", request or asking(), result=contract.TroubleshootingReport
        )
        report = await handle.result()
        told = Told([event async for event in handle.watch()])
    assert told.events[-1].HasField("completed")
    assert told.fractions == sorted(told.fractions)
    assert told.fractions[-1] == 1
    started = {(branch.source, branch.item) for branch in told.branches if branch.HasField("started")}
    ended = {(branch.source, branch.item) for branch in told.branches if branch.WhichOneof("kind") != "started"}
    assert started == ended == {(branch.source, branch.item) for branch in report.figures.branches}
    return report, told


async def failing(app, request=None):
    """Why there is no report, and what was told on the way."""
    async with serving(app) as server:
        handle = await server.client.start("troubleshooting", request or asking())
        with pytest.raises(WorkflowFailed) as caught:
            await handle.result()
        told = Told([event async for event in handle.watch()])
    assert told.events[-1].HasField("failed")
    return caught.value.error.message, told
