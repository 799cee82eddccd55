"""What is found beside the jobs, and how bad it all is."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows._words import count
from stretto.workflows.troubleshooting.diagnosis import Examined, cut, sentence
from stretto.workflows.troubleshooting.evidence import CONTRACT_PREFIX, LOGS, METRICS, Case
from stretto.workflows.troubleshooting.logs import LogFinding
from stretto.workflows.troubleshooting.metrics import MetricReading
from stretto.workflows.troubleshooting.routing import QueryKind
from stretto.workflows.troubleshooting.scheduler import RunStatus
from stretto.workflows.troubleshooting.signatures import Cause, cause_of
from stretto.workflows.troubleshooting.standing import LIGHT
from stretto.workflows.troubleshooting.votes import SHOWN_BY, is_of, told_of

FINDINGS_MAX: Final = 20
PERCENT_HIGH: Final = 97.0
"""From here on of a whole, it is a matter of minutes."""
TIMES_HIGH: Final = 2.0
"""From so many times its bound on, anything is grave."""
FAILURES_HIGH: Final = 3
"""So many failures in a row are no accident."""
GRAVE: Final = frozenset({"FATAL", "CRITICAL"})


class Severity(StrEnum):
    """How bad something is, as the contract names it."""

    UNKNOWN = "SEVERITY_UNSPECIFIED"
    NONE = "SEVERITY_NONE"
    LOW = "SEVERITY_LOW"
    MEDIUM = "SEVERITY_MEDIUM"
    HIGH = "SEVERITY_HIGH"


_ORDER: Final = tuple(Severity)


class Finding(BaseModel):
    """Something that was found, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    source: str
    explanation: str


def findings_of(case: Case, examined: Sequence[Examined]) -> tuple[Finding, ...]:
    """What metrics and logs say beyond the causes of the jobs, the worst first."""
    found = [*_of_metrics(_concerning(case, examined)), *_of_logs(case.lines, examined)]
    return tuple(sorted(found, key=lambda each: -_ORDER.index(each.severity)))[:FINDINGS_MAX]


def _concerning(case: Case, examined: Sequence[Examined]) -> Iterator[MetricReading]:
    """The readings that may have to do with what was asked: of jobs, those of the machines where they failed.

    A fleet has a slow machine somewhere at any time, which makes a job that ended well elsewhere no worse.
    """
    if case.instance or not case.jobs or case.kind is QueryKind.PERFORMANCE:
        yield from case.readings
        return
    troubled = [each.diagnosis for each in examined if each.diagnosis.is_bad or each.diagnosis.is_unknown]
    runs = [case.evidence.run_of(job.job_name) for job in troubled]
    yield from (reading for reading in case.evidence.metrics if any(is_of(reading, run) for run in runs))


def pointed_at(case: Case, examined: Sequence[Examined]) -> Iterator[tuple[Cause, str]]:
    """The causes of trouble that metrics and logs point at, each with what does."""
    for reading in _concerning(case, examined):
        if reading.exceeded and (shown := SHOWN_BY.get(reading.name.partition("_")[0])) is not None:
            yield shown, told_of(reading)
    for line in case.lines:
        if (cause := cause_of(line.line)) is not Cause.UNKNOWN:
            yield cause, line.line


def severity_of(case: Case, examined: Sequence[Examined], findings: Iterable[Finding]) -> Severity:
    """How bad it all is: as bad as the worst of it, and several failed jobs are worse than one.

    Where those who could tell were silent, it is not known, unless what is known is bad enough.
    """
    rated = [Severity.NONE, *(each.severity for each in findings), *map(_of_job, examined)]
    if sum(each.diagnosis.is_bad for each in examined) > 1:
        rated.append(Severity.HIGH)
    worst = max(rated, key=_ORDER.index)
    is_unknown = case.silence or any(each.diagnosis.is_unknown for each in examined)
    return Severity.UNKNOWN if is_unknown and worst in (Severity.NONE, Severity.LOW) else worst


def _of_job(job: Examined) -> Severity:
    if job.diagnosis.is_bad:
        return Severity.HIGH if job.failures_in_a_row >= FAILURES_HIGH else Severity.MEDIUM
    return Severity.LOW if job.diagnosis.status is RunStatus.UNKNOWN_JOB else Severity.NONE


def _of_metrics(readings: Iterable[MetricReading]) -> Iterator[Finding]:
    for reading in readings:
        if reading.exceeded:
            yield Finding(
                severity=Severity.HIGH if _is_extreme(reading) else Severity.MEDIUM,
                source=CONTRACT_PREFIX + METRICS.upper(),
                explanation=sentence(told_of(reading)),
            )


def _is_extreme(reading: MetricReading) -> bool:
    if reading.unit == "percent" and reading.value >= PERCENT_HIGH:
        return True
    return reading.threshold is not None and reading.value >= TIMES_HIGH * reading.threshold


def _of_logs(lines: Iterable[LogFinding], examined: Sequence[Examined]) -> Iterator[Finding]:
    """Lines that belong to no failure that is diagnosed, or tell of something else."""
    causes = {each.diagnosis.job_name: each.diagnosis.cause for each in examined if each.diagnosis.is_bad}
    for line in lines:
        cause = cause_of(line.line)
        if line.job_name in causes and cause in (Cause.UNKNOWN, causes[line.job_name]):
            continue
        times = f", {count(line.count, 'time')}" if line.count > 1 else ""
        yield Finding(
            severity=_of_line(line, cause),
            source=CONTRACT_PREFIX + LOGS.upper(),
            explanation=sentence(f"{line.file} says{times}: {cut(line.line)}"),
        )


def _of_line(line: LogFinding, cause: Cause) -> Severity:
    level = line.level.upper()
    if level in GRAVE:
        return Severity.HIGH
    if level in LIGHT:
        return Severity.LOW
    return Severity.MEDIUM if level or cause is not Cause.UNKNOWN else Severity.LOW
