"""What the sources said of a query, put together."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.fan_out import by_item
from stretto.workflows.troubleshooting.knowledge import KnowledgeHit
from stretto.workflows.troubleshooting.logs import LogFinding
from stretto.workflows.troubleshooting.machines import host_of, is_one_of, machines_in, names_host
from stretto.workflows.troubleshooting.metrics import MetricReading
from stretto.workflows.troubleshooting.routing import QueryKind
from stretto.workflows.troubleshooting.scheduler import JobRun

SCHEDULER: Final = "scheduler"
KNOWLEDGE: Final = "knowledge"
LOGS: Final = "logs"
METRICS: Final = "metrics"
SOURCES: Final = (SCHEDULER, KNOWLEDGE, LOGS, METRICS)
"""The sources by the names of their branches; the contract's are these in capitals, after a prefix."""

CONTRACT_PREFIX: Final = "EVIDENCE_SOURCE_"
ALL_JOBS: Final = "all jobs"
"""What a search in the logs that is about no job is called; no job can have such a name."""


class Evidence(BaseModel):
    """What the sources said, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    runs: tuple[JobRun, ...] = ()
    knowledge: tuple[KnowledgeHit, ...] = ()
    logs: tuple[LogFinding, ...] = ()
    metrics: tuple[MetricReading, ...] = ()

    def run_of(self, job: str) -> JobRun | None:
        """How a job's last run went, where the scheduler said so."""
        return next((run for run in self.runs if run.job_name == job), None)

    def logs_of(self, job: str) -> tuple[LogFinding, ...]:
        """What the logs say of a job."""
        return tuple(found for found in self.logs if found.job_name == job)


class Case(BaseModel):
    """A query with all that is known of it."""

    model_config = ConfigDict(frozen=True)

    kind: QueryKind
    jobs: tuple[str, ...] = ()
    evidence: Evidence = Evidence()
    answered: frozenset[str] = frozenset()
    """The branches that answered, each a source, or `source/job`."""
    looked_for_failures: bool = False
    """Whether the jobs are those that the scheduler says have failed."""
    instance: str = ""
    """The instance that it is about; empty for all of them."""
    message: str = ""
    unconfigured: frozenset[str] = frozenset()
    """The sources that would be of use and are not switched on."""

    def sources_about(self, job: str) -> tuple[str, ...]:
        """The sources that answered when this job was asked about."""
        return tuple(name for name in SOURCES if name in self.answered or f"{name}/{job}" in self.answered)

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines that it names; none where it is about all of them."""
        if self.instance:
            return (host_of(self.instance),)
        known = (host_of(reading.instance) for reading in self.evidence.metrics)
        named = [host for host in known if names_host(self.message, host)]
        return tuple(dict.fromkeys([*named, *machines_in(self.message)]))

    @property
    def readings(self) -> tuple[MetricReading, ...]:
        """What was measured of these machines, or of the whole."""
        machines = self.machines
        return tuple(
            reading
            for reading in self.evidence.metrics
            if not (machines and reading.instance) or is_one_of(host_of(reading.instance), machines)
        )

    @property
    def lines(self) -> tuple[LogFinding, ...]:
        """What the logs say, but for what was found without a job and is about other machines."""
        machines = self.machines
        return tuple(line for line in self.evidence.logs if line.job_name or not _is_elsewhere(line, machines))

    @property
    def silence(self) -> str:
        """What cannot be known of a query that names no job, because nobody told: a clause, or nothing."""
        if self.jobs:
            return ""
        if self.kind is QueryKind.JOB_FAILURE and not self.looked_for_failures:
            why = ", as the scheduler is not configured" if SCHEDULER in self.unconfigured else ""
            return f"Which jobs have failed is not known{why}"
        if self.kind is QueryKind.PERFORMANCE and not self.readings:
            return self._without_metrics
        return ""

    @property
    def _without_metrics(self) -> str:
        if LOGS not in self.sources_about(ALL_JOBS):
            return f"Nothing could be looked into, as {self.untold_by(METRICS, LOGS, 'anything')}"
        where = f" of {' or '.join(self.machines)}" if self.machines else ""
        return "" if self.lines else f"The logs show no trouble{where}, and {self.told_nothing(METRICS)}"

    def untold_by(self, one: str, other: str, what: str) -> str:
        """Why neither of two sources told something: a clause."""
        off = [name for name in (one, other) if name in self.unconfigured]
        if len(off) == 1:
            return f"{self.told_nothing(one)}, and {self.told_nothing(other)}"
        return f"neither the {one} nor the {other} {'are configured' if off else f'told {what}'}"

    def told_nothing(self, source: str, what: str = "") -> str:
        """Why one source told nothing: a clause."""
        if source not in self.unconfigured:
            return f"the {source} told nothing{what}"
        return f"the {source} {'is' if source == SCHEDULER else 'are'} not configured"


def _is_elsewhere(line: LogFinding, machines: Collection[str]) -> bool:
    """Whether a line names machines, but none of these."""
    text = f"{line.file} {line.line}"
    named = machines_in(text) if machines else ()
    return bool(named) and not any(names_host(text, machine) or is_one_of(machine, named) for machine in machines)


def case_of(
    kind: QueryKind,
    jobs: tuple[str, ...],
    results: Mapping[str, Any],
    *,
    looked_for_failures: bool = False,
    instance: str = "",
    message: str = "",
    unconfigured: Collection[str] = (),
) -> Case:
    """The case that the answers make, by branch."""
    evidence = Evidence(
        runs=tuple(by_item(results, SCHEDULER).values()),
        knowledge=results.get(KNOWLEDGE, ()),
        logs=tuple(_all_logs(results)),
        metrics=results.get(METRICS, ()),
    )
    return Case(
        kind=kind,
        jobs=jobs,
        evidence=evidence,
        answered=frozenset(results),
        looked_for_failures=looked_for_failures,
        instance=instance,
        message=message,
        unconfigured=frozenset(unconfigured),
    )


def _all_logs(results: Mapping[str, Any]) -> Iterator[LogFinding]:
    for found in by_item(results, LOGS).values():
        yield from found
