"""The paths of the simulated scheduler: those of Airflow's REST API v2 that read jobs, runs, tasks and logs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from tests.simulators.http import Request, Response
from tests.simulators.scheduler import forms
from tests.simulators.scheduler.jobs import Job, Task
from tests.simulators.source import Query, Source

_PAGE_MAX = 100
_RUN_STATES = {"queued", "running", "success", "failed"}

Form = dict[str, Any]
Orders = Mapping[str, Callable[[Form], Any]]

_DAG_ORDERS: Orders = {"dag_id": lambda dag: dag["dag_id"], "last_run_start_date": lambda dag: dag["_last_started"]}
_RUN_ORDERS: Orders = {"run_after": lambda run: run["run_after"], "id": lambda run: run["run_after"]}
_TASK_ORDERS: Orders = {
    "map_index": lambda task: task["map_index"],
    "start_date": lambda task: task["start_date"],
    "end_date": lambda task: task["end_date"] or "",
}


class Refused(Exception):
    """A request is refused: the status, and the detail of the body."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail


class Api(Source):
    """Answers requests out of the jobs that it was told."""

    def __init__(self, delay_seconds: float = 0) -> None:
        super().__init__(delay_seconds)
        self._jobs: dict[str, Job] = {}
        self._token = ""

    def told(self, what: str, value: bytes) -> bool:
        if what == "jobs":
            self._jobs = {job.name: job for job in TypeAdapter(list[Job]).validate_json(value)}
        elif what == "token":
            self._token = TypeAdapter(str).validate_json(value)
        else:
            return False
        return True

    def forget(self) -> None:
        self._jobs, self._token = {}, ""

    async def answer(self, request: Request, path: list[str], query: Query, response: Response) -> None:
        try:
            self._admit(request)
            if path[-2:-1] == ["logs"]:
                await self._send_log(self._log(path, query), request, response)
            else:
                await response.send(200, self._found(path, query))
        except Refused as refused:
            await response.send(refused.status, {"detail": refused.detail})

    def _admit(self, request: Request) -> None:
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            raise Refused(401, "Not authenticated" if "authorization" not in request.headers else "Invalid JWT token")

    def _found(self, path: list[str], query: Query) -> Form:
        match path:
            case ["api", "v2", "dags"]:
                return self._dags(query)
            case ["api", "v2", "dags", dag_id, "dagRuns"]:
                return self._runs(dag_id, query)
            case ["api", "v2", "dags", dag_id, "dagRuns", run_id, "taskInstances"]:
                return self._tasks(dag_id, run_id, query)
        raise Refused(404, "Not Found")

    def _dags(self, query: Query) -> Form:
        states = set(query.get("last_dag_run_state", _RUN_STATES))
        found = [forms.dag(job) for job in self._jobs.values() if job.runs and job.runs[0].state in states]
        listed = _page(found, query, _DAG_ORDERS, "dag_id")
        shown = [{name: value for name, value in dag.items() if not name.startswith("_")} for dag in listed]
        return {"dags": shown, "total_entries": len(found)}

    def _runs(self, dag_id: str, query: Query) -> Form:
        jobs = list(self._jobs.values()) if dag_id == "~" else [self._job(dag_id)]
        states = set(query.get("state", _RUN_STATES))
        if wrong := states - _RUN_STATES:
            raise Refused(422, f"Invalid value for state: {sorted(wrong)}")
        found = [forms.run(job, number) for job in jobs for number in range(len(job.runs))]
        found = [run for run in found if run["state"] in states]
        return {"dag_runs": _page(found, query, _RUN_ORDERS, "id"), "total_entries": len(found)}

    def _tasks(self, dag_id: str, run_id: str, query: Query) -> Form:
        job, number = self._run(dag_id, run_id)
        states = query.get("state")
        tasks = [task for task in job.runs[number].tasks if states is None or task.state in states]
        found = [forms.task(job, number, task) for task in tasks]
        return {"task_instances": _page(found, query, _TASK_ORDERS, "map_index"), "total_entries": len(found)}

    def _log(self, path: list[str], query: Query) -> Task:
        match path:
            case ["api", "v2", "dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "logs", attempt]:
                job, number = self._run(dag_id, run_id)
            case _:
                raise Refused(404, "Not Found")
        wanted = (task_id, attempt, query.get("map_index", ["-1"])[0])
        for task in job.runs[number].tasks:
            if (task.task_id, str(task.try_number), str(task.map_index)) == wanted:
                return task
        raise Refused(404, "TaskInstance not found")

    async def _send_log(self, task: Task, request: Request, response: Response) -> None:
        messages = forms.log(task)
        accepted = request.headers.get("accept", "*/*")
        if accepted.startswith("application/x-ndjson"):
            lines = "".join(f"{json.dumps(message)}\n" for message in messages)
            await response.send_text(200, lines, "application/x-ndjson")
        elif accepted.startswith(("*/*", "application/json")):
            await response.send(200, {"content": messages, "continuation_token": None})
        else:
            raise Refused(406, "Only application/json or application/x-ndjson is supported")

    def _job(self, dag_id: str) -> Job:
        if dag_id not in self._jobs:
            raise Refused(404, f"The Dag with ID: `{dag_id}` was not found")
        return self._jobs[dag_id]

    def _run(self, dag_id: str, run_id: str) -> tuple[Job, int]:
        job = self._job(dag_id)
        for number in range(len(job.runs)):
            if job.run_id(number) == run_id:
                return job, number
        raise Refused(404, f"The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found")


def _page(found: Sequence[Form], query: Query, orders: Orders, default: str) -> list[Form]:
    """As many as are wanted, in the order that is wanted."""
    order = query.get("order_by", [default])[0]
    key = orders.get(order.removeprefix("-"))
    if key is None:
        raise Refused(400, f"Ordering with '{order}' is disallowed or the attribute does not exist on the model")
    limit = query.get("limit", ["50"])[0]
    if not limit.isdecimal():
        raise Refused(
            422, [{"type": "int_parsing", "loc": ["query", "limit"], "msg": "Input should be a valid integer"}]
        )
    ordered = sorted(found, key=key, reverse=order.startswith("-"))
    return ordered[: min(int(limit), _PAGE_MAX)]
