"""Before the sources are asked: what they are asked, and whether there is any. After that: which ones failed."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog
from pydantic import BaseModel, ConfigDict

from stretto.workflows._words import count
from stretto.workflows.fan_out import Failure
from stretto.workflows.troubleshooting.diagnosis import sentence
from stretto.workflows.troubleshooting.errors import NothingToAsk, SourceUnavailable
from stretto.workflows.troubleshooting.evidence import CONTRACT_PREFIX, KNOWLEDGE, LOGS, METRICS, SCHEDULER
from stretto.workflows.troubleshooting.machines import machines_in
from stretto.workflows.troubleshooting.routing import QueryKind, route
from stretto.workflows.troubleshooting.sources import (
    FAILED_JOBS_MAX,
    KINDS,
    RETRY_AFTER_SECONDS,
    SETTINGS,
    Query,
    Sources,
    may_pass,
)
from stretto.workflows.troubleshooting.unnamed import unnamed

_NAMES: Final = {SCHEDULER: "The scheduler", KNOWLEDGE: "The runbooks", LOGS: "The logs", METRICS: "The metrics"}
_NAME_IT: Final = (
    "name one in `job_names`, or in the message, such as `nightly-etl`; "
    'a name that looks like any other word is to be quoted: `"payroll"`.'
)
_NEEDS_A_JOB: Final = f"A query about how jobs are doing needs a job: {_NAME_IT}"

_log = structlog.get_logger(__name__)


class Plan(BaseModel):
    """What is asked about a query, and of whom."""

    model_config = ConfigDict(frozen=True)

    kind: QueryKind
    jobs: tuple[str, ...]
    terms: tuple[str, ...]
    asked: tuple[str, ...]
    """The sources that are asked."""
    looked_for_failures: bool = False
    """Whether the jobs are those that the scheduler says have failed."""
    unconfigured: tuple[str, ...] = ()
    """The sources that would be of use and are not switched on."""
    warnings: tuple[str, ...] = ()

    def query(self, request: Mapping[str, Any]) -> Query:
        """What the sources are asked."""
        instance = request.get("instance") or ""
        return Query(
            kind=self.kind.value,
            message=request["message"],
            jobs=[*self.jobs],
            terms=[*self.terms],
            instance=instance,
            machines=[*(machines_in(request["message"]) if not (self.jobs or instance) else ())],
        )


async def plan_of(request: Mapping[str, Any], sources: Sources, seconds_max: float) -> Plan:
    """What to ask about a request. Without a job that it names, a query about failures is about those that failed."""
    found = route(request)
    without = left_out(request)
    plan = Plan(kind=found.kind, jobs=found.jobs, terms=found.terms, asked=())
    if plan.kind is QueryKind.JOB_FAILURE and not plan.jobs and sources.failed_jobs and SCHEDULER not in without:
        plan = await _with_failed_jobs(plan, sources, seconds_max)
    off = tuple(name for name in _useful(found.kind, found.jobs, without) if getattr(sources, name) is None)
    names_none = plan.kind is QueryKind.JOB_FAILURE and not found.jobs
    not_taken = _not_taken(plan, request["message"]) if names_none else ()
    warnings = (*plan.warnings, *_not_configured(off), *not_taken)
    asked = _asked(plan, sources, without)
    plan = plan.model_copy(update={"asked": asked, "unconfigured": off, "warnings": warnings})
    if not plan.asked and not plan.looked_for_failures:
        raise NothingToAsk(_why_nobody(plan, without))
    return plan


def left_out(request: Mapping[str, Any]) -> list[str]:
    """The sources that a request does not want to be asked, as branches are called."""
    return [name.removeprefix(CONTRACT_PREFIX).lower() for name in request.get("without") or ()]


async def _with_failed_jobs(plan: Plan, sources: Sources, seconds_max: float) -> Plan:
    try:
        async with asyncio.timeout(seconds_max):
            jobs = await _failed_jobs(sources)
    except TimeoutError:
        why = f"no answer within {seconds_max:g} s"
    except Exception as error:  # noqa: BLE001 - The edge to a source, which may be anybody's: others can answer.
        why = str(error) if isinstance(error, SourceUnavailable) else type(error).__name__
    else:
        return plan.model_copy(update={"jobs": jobs, "looked_for_failures": True})
    _log.warning("failed_jobs_unknown", reason=why)
    warning = sentence(f"{_NAMES[SCHEDULER]} could not be asked which jobs have failed: {why}")
    return plan.model_copy(update={"warnings": (*plan.warnings, warning)})


async def _failed_jobs(sources: Sources) -> tuple[str, ...]:
    """The jobs that failed, asked for once more where that may help."""
    assert sources.failed_jobs is not None
    try:
        jobs = await sources.failed_jobs(FAILED_JOBS_MAX)
    except SourceUnavailable as error:
        if not may_pass(error):
            raise
        await asyncio.sleep(RETRY_AFTER_SECONDS)
        jobs = await sources.failed_jobs(FAILED_JOBS_MAX)
    return tuple(jobs)[:FAILED_JOBS_MAX]


def _asked(plan: Plan, sources: Sources, without: Collection[str]) -> tuple[str, ...]:
    """The sources that serve this kind of query, are switched on, and have something to be asked about."""
    return tuple(
        name
        for name, kinds in KINDS.items()
        if plan.kind in kinds and getattr(sources, name) is not None and name not in without
        if name != SCHEDULER or plan.jobs
    )


def _useful(kind: QueryKind, jobs: Collection[str], without: Collection[str]) -> list[str]:
    """The sources that could say something of this kind of query, switched on or not.

    The scheduler can where jobs are named, and where those are wanted that have failed.
    """
    wanted = [name for name, kinds in KINDS.items() if kind in kinds and name not in without]
    return [name for name in wanted if name != SCHEDULER or jobs or kind is QueryKind.JOB_FAILURE]


def _not_configured(off: Collection[str]) -> Iterator[str]:
    """The sources that would be of use, and what switches them on."""
    names = [name for name in off if name in SETTINGS]
    if names:
        variables = ", ".join(SETTINGS[name] for name in names)
        yield f"{_listed([_NAMES[name] for name in names])} not configured ({variables})."


def _not_taken(plan: Plan, message: str) -> Iterator[str]:
    """What a message may have named, where the failed jobs were looked for instead."""
    names = unnamed(message)
    if names:
        told = " and ".join(f'"{name}"' for name in names)
        taken = "was not taken for a job" if len(names) == 1 else "were not taken for jobs"
        about = "all jobs that have failed of late" if plan.looked_for_failures else "no job in particular"
        yield f"{told} {taken}, so this is about {about}. To ask about one, {_NAME_IT}"


def _listed(names: Sequence[str]) -> str:
    """Sources as the beginning of a sentence: `The scheduler, the logs and the metrics are`."""
    *others, last = [names[0], *(name[0].lower() + name[1:] for name in names[1:])]
    if others:
        return f"{', '.join(others)} and {last} are"
    return f"{last} {'is' if last == _NAMES[SCHEDULER] else 'are'}"


def _why_nobody(plan: Plan, without: Collection[str]) -> str:
    if plan.kind is QueryKind.JOB_STATUS and not plan.jobs:
        return _NEEDS_A_JOB
    wanted = [name for name, kinds in KINDS.items() if plan.kind in kinds]
    variables = [SETTINGS[name] for name in _useful(plan.kind, plan.jobs, without) if name in SETTINGS]
    kind = plan.kind.name.lower()
    if not variables:
        return f"A query of kind {kind} is asked of {', '.join(wanted)}, and `without` leaves all of them out."
    return f"No source is switched on for a query of kind {kind}. Set {' or '.join(variables)} where the server runs."


def warnings_of(failures: Iterable[Failure]) -> tuple[str, ...]:
    """Sources that failed, in plain words; those that failed alike for several jobs in one sentence."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for failure in failures:
        alike[failure.source, failure.message].append(failure.item)
    return tuple(
        sentence(f"{_NAMES[source]} could not be asked{_about(items)}: {message}")
        for (source, message), items in alike.items()
    )


def _about(items: list[str]) -> str:
    jobs = [item for item in items if item]
    if not jobs:
        return ""
    return f" about {jobs[0] if len(jobs) == 1 else count(len(jobs), 'job')}"
