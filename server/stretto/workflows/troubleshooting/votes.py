"""What each source says of the cause of a job's failure.

Where they disagree, weight decides: what the scheduler saw of the failure itself weighs most, and the lines of a log
weigh by level and number. Metrics decide only where nothing else says anything. Runbooks never do: they support others.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows._words import count
from stretto.workflows.troubleshooting.evidence import KNOWLEDGE, LOGS, METRICS, SCHEDULER, Case
from stretto.workflows.troubleshooting.logs import LogFinding
from stretto.workflows.troubleshooting.machines import host_of
from stretto.workflows.troubleshooting.metrics import MetricReading
from stretto.workflows.troubleshooting.scheduler import JobRun
from stretto.workflows.troubleshooting.signatures import Cause, cause_of, cause_of_exit

ERROR_WEIGHT: Final = 3.0
EXIT_WEIGHT: Final = 2.0
LOGS_WEIGHT_MAX: Final = 3.0
"""However many lines there are, they are one source."""
SUPPORT_WEIGHT: Final = 0.5
LEVEL_WEIGHTS: Final = {"FATAL": 2.0, "CRITICAL": 2.0, "ERROR": 1.5, "WARNING": 0.5, "WARN": 0.5}
OTHER_LEVEL_WEIGHT: Final = 0.75

WITNESSES: Final = frozenset({SCHEDULER, LOGS})
"""Who can show why a job failed, as they keep what was then. Metrics are of now, when memory may be free again: what
they do not show any more speaks against nothing."""

SHOWN_BY: Final = {
    "memory": Cause.OUT_OF_MEMORY,
    "disk": Cause.DISK_FULL,
    "cpu": Cause.TIMEOUT,
    "load": Cause.TIMEOUT,
    "response": Cause.TIMEOUT,
    "error": Cause.DEPENDENCY_UNAVAILABLE,
}
"""The cause that a metric supports once it is too much, by the first word of its name."""


class Vote(BaseModel):
    """What one source says."""

    model_config = ConfigDict(frozen=True)

    source: str
    cause: Cause
    weight: float
    told: str
    """The same for people, after the source's name."""


def votes_about(case: Case, job: str) -> tuple[Vote, ...]:
    """What the sources say of the cause, those that saw most of the failure first."""
    run = case.evidence.run_of(job)
    votes = [*_of_run(run), *_of_logs(case.evidence.logs_of(job))]
    votes += _of_metrics(case.evidence.metrics, run)
    causes = {vote.cause for vote in votes}
    votes += [
        Vote(source=KNOWLEDGE, cause=Cause(hit.cause), weight=SUPPORT_WEIGHT, told=f"{hit.title} ({hit.runbook})")
        for hit in case.evidence.knowledge
        if hit.cause in causes
    ]
    return tuple(votes)


def best_of(votes: Iterable[Vote]) -> Cause:
    """The cause that weighs most; of two that weigh the same, the one that the contract names first."""
    weights: dict[Cause, float] = defaultdict(float)
    for vote in votes:
        weights[vote.cause] += vote.weight
    order = list(Cause)
    return max(weights, key=lambda cause: (weights[cause], -order.index(cause)), default=Cause.UNKNOWN)


def pointing_of(agreeing: Iterable[Vote]) -> frozenset[str]:
    """The sources that point to a cause. Runbooks are none of them: they have seen no failure."""
    return frozenset(vote.source for vote in agreeing) - {KNOWLEDGE}


def _of_run(run: JobRun | None) -> Iterator[Vote]:
    if run is None:
        return
    if (cause := cause_of(run.reason)) is not Cause.UNKNOWN:
        yield Vote(source=SCHEDULER, cause=cause, weight=ERROR_WEIGHT, told=run.reason)
    if (cause := cause_of_exit(run.exit_code)) is not Cause.UNKNOWN:
        yield Vote(source=SCHEDULER, cause=cause, weight=EXIT_WEIGHT, told=f"exit code {run.exit_code}")


def _of_logs(findings: Iterable[LogFinding]) -> Iterator[Vote]:
    """One vote for each cause that the lines tell of."""
    told: dict[Cause, list[LogFinding]] = defaultdict(list)
    for finding in findings:
        if (cause := cause_of(finding.line)) is not Cause.UNKNOWN:
            told[cause].append(finding)
    for cause, lines in told.items():
        weight = min(LOGS_WEIGHT_MAX, sum(map(_weight, lines)))
        number = count(sum(line.count for line in lines), "line")
        yield Vote(source=LOGS, cause=cause, weight=weight, told=f"{name_of(cause)} ({number})")


def _weight(finding: LogFinding) -> float:
    """A line that comes again and again says more, but not as many times more."""
    return LEVEL_WEIGHTS.get(finding.level.upper(), OTHER_LEVEL_WEIGHT) * (1 + math.log10(max(finding.count, 1)))


def _of_metrics(readings: Iterable[MetricReading], run: JobRun | None) -> Iterator[Vote]:
    for reading in readings:
        cause = SHOWN_BY.get(reading.name.partition("_")[0])
        if cause is not None and reading.exceeded and is_of(reading, run):
            yield Vote(source=METRICS, cause=cause, weight=SUPPORT_WEIGHT, told=told_of(reading))


def is_of(reading: MetricReading, run: JobRun | None) -> bool:
    """Whether a reading is of the instance where the job ran, as far as both say where they are from."""
    if run is None or not (run.instance and reading.instance):
        return True
    return host_of(reading.instance) == host_of(run.instance)


def name_of(cause: Cause) -> str:
    """A cause in the fewest words: `out of memory`."""
    return cause.name.lower().replace("_", " ")


def told_of(reading: MetricReading) -> str:
    """A reading in a few words: `memory_used of worker-3:9100 is 97.1 percent, above 90`."""
    where = f" of {reading.instance}" if reading.instance else ""
    unit = f" {reading.unit}" if reading.unit else ""
    above = f", above {reading.threshold:g}" if reading.exceeded and reading.threshold is not None else ""
    return f"{reading.name}{where} is {reading.value:.4g}{unit}{above}"
