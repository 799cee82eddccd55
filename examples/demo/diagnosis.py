"""What is printed when the third act is over: what was found, by whom, and how much time was saved."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from examples.demo.trouble import Findings
from stretto.cli._tables import table
from stretto.fanout.v1.fanout_pb2 import FanOutFigures
from stretto.troubleshooting.v1.troubleshooting_pb2 import Cause, JobDiagnosis


def closing_diagnosis(found: Findings) -> Group:
    """The reports in short."""
    report, how_to = found.report, found.how_to
    return Group(
        _jobs(list(report.diagnosis.jobs)),
        Text(),
        *(Text(f"! {warning}", "yellow") for warning in report.warnings),
        Text(f"To do first: {next(iter(report.diagnosis.actions), 'nothing')}"),
        Text(f"{len(found.partials)} pieces of evidence were streamed before the report was there."),
        *_took(report.figures),
        Text(f"The other question needed {_asked(how_to.figures)} only: {how_to.summary}"),
    )


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
