"""The scheduler: how the last run of a job went, asked of Airflow's REST API v2."""

import datetime as dt
import re
from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from itertools import dropwhile, takewhile
from typing import Final
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict

from stretto.workflows.troubleshooting._http import HttpSource, Parameters, Refused
from stretto.workflows.troubleshooting._task_log import LOG_ENDS, Told, told_by
from stretto.workflows.troubleshooting.errors import SourceUnavailable

RUNS_MAX: Final = 10
"""Runs of a job that are looked at, to count those that failed in a row."""
LOG_SECONDS_MAX: Final = 2.0
"""Time for a log. How a run went is worth telling without it."""

_JOB_NAME: Final = re.compile(r"(?!\.+$)[\w.-]{1,250}")
"""Airflow allows no other names, so what others ask for is not there. Some, such as `~`, would ask for all jobs."""


class RunStatus(StrEnum):
    """How a run of a job went, as the contract names it."""

    UNSPECIFIED = "RUN_STATUS_UNSPECIFIED"
    WAITING = "RUN_STATUS_WAITING"
    RUNNING = "RUN_STATUS_RUNNING"
    SUCCEEDED = "RUN_STATUS_SUCCEEDED"
    FAILED = "RUN_STATUS_FAILED"
    UNKNOWN_JOB = "RUN_STATUS_UNKNOWN_JOB"


class JobRun(BaseModel):
    """How the last run of a job went, in the contract's words."""

    # Contracts take durations in seconds.
    model_config = ConfigDict(frozen=True, ser_json_timedelta="float")

    job_name: str
    run_id: str = ""
    status: RunStatus = RunStatus.UNSPECIFIED
    started_at: dt.datetime | None = None
    duration: dt.timedelta | None = None
    exit_code: int = 0
    error: str = ""
    instance: str = ""
    failures_in_a_row: int = 0

    @property
    def reason(self) -> str:
        """What of the error speaks for a cause: all but the last lines of a log that has no error."""
        return self.error.partition(LOG_ENDS)[0].rstrip()


class _Run(BaseModel):
    dag_run_id: str
    state: str
    start_date: AwareDatetime | None = None
    end_date: AwareDatetime | None = None


class _Runs(BaseModel):
    dag_runs: list[_Run]


class _Task(BaseModel):
    task_id: str
    map_index: int
    try_number: int
    hostname: str | None = None


class _Tasks(BaseModel):
    task_instances: list[_Task]


class _Job(BaseModel):
    dag_id: str


class _Jobs(BaseModel):
    dags: list[_Job]


_STATUSES: Final = {
    "queued": RunStatus.WAITING,
    "running": RunStatus.RUNNING,
    "success": RunStatus.SUCCEEDED,
    "failed": RunStatus.FAILED,
}
_ENDED: Final = frozenset({"success", "failed"})


class Scheduler:
    """An Airflow. `seconds_max` is for each request, of which the answer about a job takes up to three."""

    def __init__(
        self, url: str, token: str = "", *, seconds_max: float = 5.0, log_seconds_max: float = LOG_SECONDS_MAX
    ) -> None:
        self._source = HttpSource("scheduler", url, token=token, seconds_max=seconds_max)
        self._log_seconds_max = log_seconds_max

    async def job_run(self, job_name: str) -> JobRun:
        """How the last run of a job went, and why it failed where it did."""
        runs = await self._last_runs(job_name)
        if runs is None:
            return JobRun(job_name=job_name, status=RunStatus.UNKNOWN_JOB)
        if not runs:
            return JobRun(job_name=job_name, status=RunStatus.WAITING)
        task = await self._decisive_task(job_name, runs[0])
        told = await self._told(job_name, runs[0], task)
        return _job_run(job_name, runs, task, told)

    async def failed_jobs(self, limit: int) -> list[str]:
        """Names of jobs whose last run failed, the latest first."""
        wanted: Parameters = {"last_dag_run_state": "failed", "order_by": "-last_run_start_date", "limit": limit}
        found = await self._source.get(_Jobs, "/api/v2/dags", wanted)
        return [job.dag_id for job in found.dags]

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        await self._source.aclose()

    async def _last_runs(self, job_name: str) -> list[_Run] | None:
        """The last runs of a job, the newest first; None where there is no such job."""
        if not _JOB_NAME.fullmatch(job_name):
            return None
        try:
            newest: Parameters = {"order_by": "-run_after", "limit": RUNS_MAX}
            found = await self._source.get(_Runs, f"{_job_path(job_name)}/dagRuns", newest)
        except Refused as refused:
            # Any server says 404. Only the scheduler says it of this job.
            if refused.status == HTTPStatus.NOT_FOUND and job_name in refused.detail:
                return None
            raise
        return found.dag_runs

    async def _decisive_task(self, job_name: str, run: _Run) -> _Task | None:
        """The task that failed first, or one that runs; of other runs no task says more than the run itself."""
        if run.state not in ("failed", "running"):
            return None
        order = "end_date" if run.state == "failed" else "start_date"
        first: Parameters = {"state": run.state, "order_by": order, "limit": 1}
        found = await self._source.get(_Tasks, f"{_run_path(job_name, run)}/taskInstances", first)
        return found.task_instances[0] if found.task_instances else None

    async def _told(self, job_name: str, run: _Run, task: _Task | None) -> Told:
        """Why a run failed."""
        if run.state != "failed":
            return Told()
        if task is None:
            return Told(error="The run failed, but none of its tasks did.")
        path = f"{_run_path(job_name, run)}/taskInstances/{quote(task.task_id, safe='')}/logs/{task.try_number}"
        try:
            log = await self._source.tail(
                path,
                {"map_index": task.map_index},
                accept="application/x-ndjson",
                seconds_max=self._log_seconds_max,
            )
        except SourceUnavailable:
            return Told(error=f"Task {task.task_id} failed; its log cannot be read.")
        return _with_error(told_by(log), task)


def _with_error(told: Told, task: _Task) -> Told:
    """What a log tells; where that is no error, how it ends."""
    if told.error:
        return told
    error = f"Task {task.task_id} failed."
    if told.ends:
        error = "\n".join((f"{error} {LOG_ENDS}", *told.ends))
    return told.model_copy(update={"error": error})


def _job_run(job_name: str, runs: Sequence[_Run], task: _Task | None, told: Told) -> JobRun:
    last = runs[0]
    ended = list(dropwhile(lambda run: run.state not in _ENDED, runs))
    return JobRun(
        job_name=job_name,
        run_id=last.dag_run_id,
        status=_STATUSES.get(last.state, RunStatus.UNSPECIFIED),
        started_at=last.start_date,
        duration=_duration(last),
        exit_code=told.exit_code,
        error=told.error,
        instance=(task.hostname or "") if task else "",
        failures_in_a_row=len(list(takewhile(lambda run: run.state == "failed", ended))),
    )


def _duration(run: _Run) -> dt.timedelta | None:
    """How long a run took, or has taken so far."""
    if run.start_date is None:
        return None
    return max(dt.timedelta(), (run.end_date or dt.datetime.now(dt.UTC)) - run.start_date)


def _job_path(job_name: str) -> str:
    return f"/api/v2/dags/{quote(job_name, safe='')}"


def _run_path(job_name: str, run: _Run) -> str:
    return f"{_job_path(job_name)}/dagRuns/{quote(run.dag_run_id, safe='')}"
