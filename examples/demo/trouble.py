"""The third act: jobs have failed, and one of the sources that could say why is down. Nothing in it is pretended."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from benchmarks._processes import Service, free_address, stretto_argv
from stretto.cli._live import Picture, Show, Watching, WorkflowView, show_for
from stretto.cli._live._words import clean
from stretto.cli._output import Output
from stretto.client import Client, WorkflowHandle
from stretto.troubleshooting.v1.troubleshooting_pb2 import (
    CAUSE_DEPENDENCY_UNAVAILABLE,
    CAUSE_OUT_OF_MEMORY,
    TroubleshootingProgress,
    TroubleshootingReport,
    TroubleshootingRequest,
)
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from tests.simulators.processes import SchedulerApi, scheduler_process
from tests.simulators.scheduler.jobs import failed, succeeded

LOGS: Final = Path(__file__).parents[1] / "troubleshooting" / "logs"
ANSWER_SECONDS: Final = 0.15
"""The simulated scheduler takes so long for each answer."""

FAILURES: Final = "Why did the jobs of last night fail?"
HOW_TO: Final = "How do I rerun a job?"
CAUSES: Final = {"nightly-etl": CAUSE_OUT_OF_MEMORY, "report-mailer": CAUSE_DEPENDENCY_UNAVAILABLE}
PARTIALS_MIN: Final = 4
"""Two jobs at the scheduler, two in the logs."""


@dataclass(slots=True)
class Findings:
    """What came of it."""

    partials: list[str] = field(default_factory=list)
    """What was told of the evidence before the report, a line each."""
    report: TroubleshootingReport = field(default_factory=TroubleshootingReport)
    how_to: TroubleshootingReport = field(default_factory=TroubleshootingReport)
    moment: RenderableType = field(default_factory=Text)
    """What there was to see while the sources were asked; nothing where lines were printed."""

    @property
    def good(self) -> bool:
        """Whether the sources that were there sufficed, each job had its branch, and only what is of use was asked."""
        causes = {job.job_name: job.cause for job in self.report.diagnosis.jobs}
        asked = {(branch.source, branch.item) for branch in self.report.figures.branches}
        return (
            causes == CAUSES
            and {("scheduler", job) for job in CAUSES} <= asked
            and self.report.figures.sources_failed == 1
            and bool(self.report.warnings)
            and len(self.partials) >= PARTIALS_MIN
            and {branch.source for branch in self.how_to.figures.branches} == {"knowledge"}
            and bool(self.how_to.diagnosis.actions)
        )


class Trouble:
    """Two questions to a server of its own, beside a scheduler that is simulated by another process."""

    def __init__(self, out: Output, folder: Path) -> None:
        self._out = out
        self._folder = folder
        self._found = Findings()

    async def perform(self) -> Findings:
        """Ask, watch, and read the reports."""
        with scheduler_process(delay_seconds=ANSWER_SECONDS) as scheduler:
            _schedule(scheduler)
            address = free_address()
            server = Service(
                [*stretto_argv(address, self._folder / "trouble.db", "stretto.workflows:app"), "--no-orchestrator"],
                address,
                self._folder / "trouble.log",
                environment=_sources(scheduler),
            )
            try:
                await server.ready()
                async with Client(address) as client:
                    await self._ask(client)
            finally:
                # Its store is thrown away: there is nothing to drain, least of all after Ctrl-C.
                server.kill()
        return self._found

    async def _ask(self, client: Client) -> None:
        self._out.show(
            "Jobs have failed. A simulated scheduler, logs and runbooks are there; the metrics are down on purpose.",
            f"Two questions at once: {FAILURES} {HOW_TO}",
            "",
        )
        handles = await asyncio.gather(*(_start(client, message) for message in (FAILURES, HOW_TO)))
        views = [WorkflowView(handle.id) for handle in handles]
        caption: list[Text] = []
        picture = show_for(self._out, client, views, caption=caption) if self._out.live else None
        show = _Evidence(self._out, picture, handles[0].id, caption, self._found)
        await Watching(client, show).watch(handles, views)
        self._found.report, self._found.how_to = await asyncio.gather(
            *(handle.result(TroubleshootingReport) for handle in handles)
        )


class _Evidence:
    """Tells of each piece of evidence when it comes: below the picture, or as a line where there is none."""

    def __init__(
        self, out: Output, picture: Show | None, workflow_id: str, caption: list[Text], found: Findings
    ) -> None:
        self._out = out
        self._picture = picture
        self._workflow_id = workflow_id
        self._caption = caption
        self._found = found
        self._began = time.monotonic()

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Around all that is shown."""
        return self._picture.running() if self._picture is not None else contextlib.nullcontext()

    async def event(self, view: WorkflowView, event: ProgressEvent) -> None:
        """Show an event, and what its detail found."""
        if self._picture is not None and not view.ended:  # The report follows in short.
            await self._picture.event(view, event)
        told = TroubleshootingProgress()
        if event.workflow_id != self._workflow_id or not event.step_progress.detail.Unpack(told):
            return
        for line in _lines(told):
            self._found.partials.append(line)
            self._say(f"{time.monotonic() - self._began:5.2f} s  {clean(line)}", "green")
        if told.branch.HasField("failed"):
            self._say(f"{time.monotonic() - self._began:5.2f} s  {clean(event.step_progress.message)}", "red")
        if told.evidence.ByteSize() and isinstance(self._picture, Picture):
            self._found.moment = self._picture.frame()

    async def ended(self, view: WorkflowView) -> None:
        """An end that no event told of."""

    def broke(self, view: WorkflowView, seconds: float) -> None:
        """A connection was lost."""
        if self._picture is not None:
            self._picture.broke(view, seconds)

    def _say(self, text: str, style: str) -> None:
        line = Text(text, style, no_wrap=True, overflow="ellipsis")
        self._caption.append(line)
        if self._picture is None:
            self._out.show(line)


def _lines(told: TroubleshootingProgress) -> list[str]:
    """What a piece of evidence says, in short."""
    evidence, item = told.evidence, told.branch.item
    runs = [f"scheduler, {run.job_name}: {run.error}" for run in evidence.runs if run.error]
    logs = [f"logs, {item}: {evidence.logs[0].line}"] if evidence.logs else []
    runbooks = [f"runbooks: {', '.join(hit.title for hit in evidence.knowledge)}"] if evidence.knowledge else []
    return [*runs, *logs, *runbooks]


async def _start(client: Client, message: str) -> WorkflowHandle[TroubleshootingReport]:
    request = TroubleshootingRequest(message=message)
    return await client.start("troubleshooting", request, result=TroubleshootingReport)


def _schedule(scheduler: SchedulerApi) -> None:
    """What was scheduled last night, and how it went."""
    scheduler.jobs(
        failed(
            "nightly-etl",
            "Traceback (most recent call last):",
            "MemoryError: Unable to allocate 3.2 GiB for an array",
            "Task exited with return code 1",
            hostname="worker-3",
            times=3,
        ),
        failed(
            "report-mailer",
            "ConnectionRefusedError: [Errno 111] Connection refused: mail-1:587",
            "Task exited with return code 1",
            hostname="worker-1",
        ),
        succeeded("ledger-sync"),
    )


def _sources(scheduler: SchedulerApi) -> Mapping[str, str]:
    """Where the sources are. On the address of the metrics nobody listens."""
    return {
        **scheduler.environment,
        "STRETTO_TROUBLESHOOTING_LOGS": str(LOGS),
        "STRETTO_TROUBLESHOOTING_METRICS_URL": f"http://{free_address()}",
        "STRETTO_TROUBLESHOOTING_SECONDS_MAX": "5",
        "STRETTO_MODEL": "",
    }
