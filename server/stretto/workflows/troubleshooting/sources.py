"""The sources that are asked, as the settings have them, or as somebody else wants them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from langgraph.types import RetryPolicy
from typing_extensions import TypedDict

from stretto.workflows.fan_out import Source
from stretto.workflows.troubleshooting._http import Refused
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.evidence import ALL_JOBS, KNOWLEDGE, LOGS, METRICS, SCHEDULER
from stretto.workflows.troubleshooting.knowledge import Knowledge, KnowledgeHit
from stretto.workflows.troubleshooting.logs import LogFinding, Logs
from stretto.workflows.troubleshooting.metrics import MetricReading, Metrics
from stretto.workflows.troubleshooting.routing import QueryKind
from stretto.workflows.troubleshooting.scheduler import JobRun, Scheduler
from stretto.workflows.troubleshooting.settings import TroubleshootingSettings

FAILED_JOBS_MAX: Final = 50
KNOWLEDGE_HITS_MAX: Final = 5
RETRY_AFTER_SECONDS: Final = 0.2
_PASSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def may_pass(error: Exception) -> bool:
    """Whether another attempt may have an answer: what a source refuses of ours it refuses again."""
    if isinstance(error, Refused):
        return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status in _PASSES
    return isinstance(error, SourceUnavailable)


RETRY: Final = RetryPolicy(max_attempts=2, initial_interval=RETRY_AFTER_SECONDS, jitter=False, retry_on=may_pass)
"""For what is asked over HTTP: a service that is just being restarted is there again for the second attempt."""

FAILURE, STATUS, PERFORMANCE, HOW_TO = (
    QueryKind.JOB_FAILURE,
    QueryKind.JOB_STATUS,
    QueryKind.PERFORMANCE,
    QueryKind.HOW_TO,
)
KINDS: Final = {
    SCHEDULER: (FAILURE, STATUS, PERFORMANCE),
    KNOWLEDGE: (FAILURE, PERFORMANCE, HOW_TO),
    LOGS: (FAILURE, PERFORMANCE),
    METRICS: (FAILURE, PERFORMANCE),
}
"""The kinds of query for which a source is asked."""

SETTINGS: Final = {
    SCHEDULER: TroubleshootingSettings.variable("scheduler_url"),
    LOGS: TroubleshootingSettings.variable("logs"),
    METRICS: TroubleshootingSettings.variable("metrics_url"),
}
"""What switches a source on; knowledge always is."""


class Query(TypedDict):
    """What the sources are asked."""

    kind: str
    message: str
    jobs: list[str]
    terms: list[str]
    instance: str
    """Empty for all of them."""
    machines: list[str]
    """Those that the message names, where it names neither a job nor an instance."""


Answer: TypeAlias = "Sequence[Any] | Awaitable[Sequence[Any]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Whom to ask; None is switched off. Each may be a coroutine function, or a plain one, which runs in a thread."""

    scheduler: Callable[[Query, str], JobRun | Awaitable[JobRun]] | None = None
    """How the last run of a job went."""
    knowledge: Callable[[Query], Answer] | None = None
    """The runbooks that fit."""
    logs: Callable[[Query, str], Answer] | None = None
    """What stands in the logs of a job, or of all where its name is empty."""
    metrics: Callable[[Query], Answer] | None = None
    """What was measured."""
    failed_jobs: Callable[[int], Awaitable[Sequence[str]]] | None = None
    """Names of at most so many jobs whose last run failed: what a query about failures that names none is about."""
    runbooks: Callable[[str], Sequence[KnowledgeHit]] | None = None
    """Another look at the runbooks, in a thread, once it is known why a job failed."""
    left_out: Mapping[str, Callable[[], Sequence[str]]] = field(default_factory=dict)
    """What a source, by its name, left out when it was last asked, a sentence each; called without waiting."""

    def branches(self, seconds_max: float) -> list[Source]:
        """The sources of a fan-out, each with so much time for one job."""
        return [
            Source(
                SCHEDULER,
                self.scheduler or _off,
                enabled=self.scheduler is not None,
                kinds=KINDS[SCHEDULER],
                items=lambda query: query["jobs"],
                returns=JobRun,
                retry=RETRY,
                seconds_max=seconds_max,
                partial=lambda run: _found("runs", [run]),
            ),
            Source(
                KNOWLEDGE,
                self.knowledge or _off,
                enabled=self.knowledge is not None,
                kinds=KINDS[KNOWLEDGE],
                returns=tuple[KnowledgeHit, ...],
                seconds_max=seconds_max,
                partial=lambda hits: _found("knowledge", hits),
            ),
            Source(
                LOGS,
                self.logs or _off,
                enabled=self.logs is not None,
                kinds=KINDS[LOGS],
                items=lambda query: query["jobs"] or [""],
                label=lambda job: job or ALL_JOBS,
                returns=tuple[LogFinding, ...],
                seconds_max=seconds_max,
                partial=lambda lines: _found("logs", lines),
            ),
            Source(
                METRICS,
                self.metrics or _off,
                enabled=self.metrics is not None,
                kinds=KINDS[METRICS],
                returns=tuple[MetricReading, ...],
                retry=RETRY,
                seconds_max=seconds_max,
                partial=lambda readings: _found("metrics", readings),
            ),
        ]


def configured(settings: TroubleshootingSettings) -> Sources:
    """The sources of these settings. Nothing is connected to or read before it is asked."""
    patience = 2 * settings.source_seconds_max  # A branch has its own time, and says itself when that is over.
    token = settings.scheduler_token.get_secret_value()
    return sources_of(
        scheduler=Scheduler(settings.scheduler_url, token, seconds_max=patience) if settings.scheduler_url else None,
        knowledge=Knowledge(settings.runbooks_folder),
        logs=Logs(settings.logs, settings.log_cache_seconds) if settings.logs else None,
        metrics=Metrics(settings.metrics_url, seconds_max=patience) if settings.metrics_url else None,
    )


def sources_of(
    *,
    scheduler: Scheduler | None = None,
    knowledge: Knowledge | None = None,
    logs: Logs | None = None,
    metrics: Metrics | None = None,
) -> Sources:
    """These as sources; None is switched off."""
    return Sources(
        scheduler=_scheduler(scheduler) if scheduler else None,
        knowledge=_knowledge(knowledge) if knowledge else None,
        logs=_logs(logs) if logs else None,
        metrics=_metrics(metrics) if metrics else None,
        failed_jobs=scheduler.failed_jobs if scheduler else None,
        runbooks=knowledge.search if knowledge else None,
        left_out=_left_out(knowledge, logs),
    )


def _left_out(knowledge: Knowledge | None, logs: Logs | None) -> dict[str, Callable[[], Sequence[str]]]:
    told: dict[str, Callable[[], Sequence[str]]] = {}
    if knowledge is not None:
        told[KNOWLEDGE] = lambda: knowledge.skipped
    if logs is not None:
        told[LOGS] = lambda: logs.left_out
    return told


def _scheduler(scheduler: Scheduler) -> Callable[[Query, str], Awaitable[JobRun]]:
    async def ask(_query: Query, job: str) -> JobRun:
        return await scheduler.job_run(job)

    return ask


def _knowledge(knowledge: Knowledge) -> Callable[[Query], Answer]:
    def ask(query: Query) -> Sequence[KnowledgeHit]:
        return knowledge.search(" ".join(query["terms"]), KNOWLEDGE_HITS_MAX)

    return ask


def _logs(logs: Logs) -> Callable[[Query, str], Answer]:
    def ask(query: Query, job: str) -> Sequence[LogFinding]:
        if job or not query["machines"]:
            return logs.search(job or None, query["terms"], query["instance"] or None)
        # The words of such a question, as in `why is worker-3 so slow`, are not what its lines would say.
        found = (line for machine in query["machines"] for line in logs.search(instance=machine))
        return tuple(dict.fromkeys(found))

    return ask


def _metrics(metrics: Metrics) -> Callable[[Query], Answer]:
    async def ask(query: Query) -> Sequence[MetricReading]:
        return await metrics.readings(query["instance"] or None)

    return ask


def _found(field: str, values: Sequence[Any]) -> dict[str, Any]:
    """Evidence of one source, as progress tells it."""
    return {"evidence": {field: [value.model_dump(mode="json") for value in values]}}


def _off(*_: object) -> None:
    """Stands for a source that is switched off, and so is never asked."""
    raise AssertionError("a source that is switched off was asked")
