"""The forms of Airflow's REST API v2: jobs, runs, tasks and log messages, with the fields that a caller may rely on."""

import datetime as dt
from typing import Any

from tests.simulators.scheduler.jobs import Job, Task


def dag(job: Job) -> dict[str, Any]:
    """A job; `_last_started` is for sorting only."""
    return {
        "dag_id": job.name,
        "dag_display_name": job.name,
        "is_paused": False,
        "is_stale": False,
        "description": None,
        "tags": [],
        "owners": ["tests"],
        "_last_started": job.run_after(0).isoformat(),
    }


def run(job: Job, number: int) -> dict[str, Any]:
    """One run of a job."""
    told, due = job.runs[number], job.run_after(number)
    ended = due + dt.timedelta(seconds=told.seconds)
    return {
        "dag_run_id": job.run_id(number),
        "dag_id": job.name,
        "logical_date": _time(due),
        "run_after": _time(due),
        "queued_at": _time(due),
        "start_date": None if told.state == "queued" else _time(due),
        "end_date": _time(ended) if told.state in ("success", "failed") else None,
        "duration": told.seconds if told.state in ("success", "failed") else None,
        "run_type": "scheduled",
        "state": told.state,
        "conf": {},
        "note": None,
    }


def task(job: Job, number: int, told: Task) -> dict[str, Any]:
    """One task of a run."""
    due = job.run_after(number)
    ended = due + dt.timedelta(seconds=told.ended_after_seconds)
    return {
        "id": f"{job.run_id(number)}.{told.task_id}.{told.map_index}",
        "task_id": told.task_id,
        "dag_id": job.name,
        "dag_run_id": job.run_id(number),
        "map_index": told.map_index,
        "start_date": _time(due),
        "end_date": None if told.state == "running" else _time(ended),
        "duration": told.ended_after_seconds,
        "state": told.state,
        "try_number": told.try_number,
        "max_tries": told.try_number - 1,
        "hostname": told.hostname,
        "operator": "PythonOperator",
    }


def log(told: Task) -> list[dict[str, Any]]:
    """The messages of a log, behind those that Airflow itself begins with."""
    head = [
        {"timestamp": None, "event": "::group::Log message source details", "sources": ["/logs/attempt=1.log"]},
        {"timestamp": None, "event": "::endgroup::"},
    ]
    lines = [{"event": line, "level": "info"} if isinstance(line, str) else line for line in told.log]
    return head + [{"timestamp": "2026-11-20T02:01:00Z", **line} for line in lines]


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
