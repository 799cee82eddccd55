"""The jobs of the simulated scheduler, as a test tells them, and a few ready-made ones."""

import datetime as dt
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_FROZEN = ConfigDict(frozen=True, extra="forbid")
_NEWEST = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)


class Task(BaseModel):
    """One task of a run."""

    model_config = _FROZEN

    task_id: str = "main"
    state: str = "failed"
    hostname: str | None = "worker-1"
    try_number: int = 1
    map_index: int = -1
    ended_after_seconds: float = 60
    log: list[str | dict[str, Any]] = Field(default=[], description="Its lines: texts, or whole log messages.")


class Run(BaseModel):
    """One run of a job. Each is a day older than the one before in the list, unless it says when it was."""

    model_config = _FROZEN

    state: Literal["queued", "running", "success", "failed"] = "success"
    run_id: str = ""
    started_at: AwareDatetime | None = None
    seconds: float = 60
    tasks: list[Task] = []


class Job(BaseModel):
    """A job with its runs, the newest first."""

    model_config = _FROZEN

    name: str
    runs: list[Run] = []

    def run_after(self, number: int) -> dt.datetime:
        """When the run of that number was due."""
        return self.runs[number].started_at or _NEWEST - dt.timedelta(days=number)

    def run_id(self, number: int) -> str:
        return self.runs[number].run_id or f"scheduled__{self.run_after(number).isoformat()}"


def failed(name: str, *log: str | dict[str, Any], hostname: str = "worker-1", times: int = 1) -> dict[str, Any]:
    """A job that failed so many times in a row, with the log of its failed task; before, it went well."""
    run = {"state": "failed", "tasks": [{"hostname": hostname, "log": list(log)}]}
    return {"name": name, "runs": [run] * times + [{"state": "success"}]}


def succeeded(name: str) -> dict[str, Any]:
    """A job whose last run went well."""
    return {"name": name, "runs": [{"state": "success"}]}


def exception(kind: str, text: str, *causes: tuple[str, str]) -> dict[str, Any]:
    """What Airflow logs when a task raises: the exception, and what caused it."""
    told = [(kind, text, False), *((cause, why, True) for cause, why in causes)]
    detail = [
        {"exc_type": name, "exc_value": value, "exc_notes": [], "is_cause": is_cause, "frames": []}
        for name, value, is_cause in told
    ]
    return {"event": "Task failed with exception", "level": "error", "logger": "task", "error_detail": detail}
