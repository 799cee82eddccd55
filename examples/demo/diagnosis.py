"""What is printed when the third act is over: what was found, by whom, and how much time was saved."""

from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from examples.demo.trouble import Findings
from stretto.cli._tables import table
from stretto.fanout.v1.fanout_pb2 import FanOutFigures
from stretto.troubleshooting.v1.troubleshooting_pb2 import Cause, JobDiagnosis

STEPS_SHOWN: Final = 2


def closing_diagnosis(found: Findings) -> Group:
    """The reports in short."""
    report, how_to = found.report, found.how_to
    runbooks = dict.fromkeys(job.runbook for job in report.diagnosis.jobs if job.runbook)
    return Group(
        _jobs(list(report.diagnosis.jobs)),
        Text(),
        *(Text(f"! {warning}", "yellow") for warning in report.warnings),
        Text(f"{len(found.partials)} pieces of evidence were streamed before the report was there."),
        *_took(report.figures),
        Text(f"What to do stands in {' and '.join(runbooks)}. First:"),
        *_steps(list(report.diagnosis.actions)),
        Text(),
        Text(f"The other question needed {_asked(how_to.figures)} only. {how_to.summary}"),
        *_steps(list(how_to.diagnosis.actions)),
    )


def _steps(actions: list[str]) -> list[Text]:
    """The first of them, and how many more there are."""
    shown = [Text(f"  {number}. {action}") for number, action in enumerate(actions[:STEPS_SHOWN], 1)]
    more = len(actions) - len(shown)
    return [*shown, Text(f"  … and {more} more", "dim")] if more > 0 else shown


def _jobs(jobs: list[JobDiagnosis]) -> Table:
    """A line for each job."""
    made = table("job", "cause", "sure", "because", gives_way="because")
    for job in jobs:
        cause = Cause.Name(job.cause).removeprefix("CAUSE_").replace("_", " ").lower()
        made.add_row(job.job_name, cause, f"{job.confidence:.0%}", "; ".join(job.evidence))
    return made


def _took(figures: FanOutFigures) -> list[Text]:
    parallel = figures.parallel_latency.ToTimedelta().total_seconds()
    sequential = figures.sequential_latency.ToTimedelta().total_seconds()
    return [
        Text(f"{figures.sources_available} sources answered, {figures.sources_failed} did not."),
        Text(f"{len(figures.branches)} branches took {parallel:.2f} s side by side; one by one: {sequential:.2f} s."),
    ]


def _asked(figures: FanOutFigures) -> str:
    return ", ".join(dict.fromkeys(branch.source for branch in figures.branches))
