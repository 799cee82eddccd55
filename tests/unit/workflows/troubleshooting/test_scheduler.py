import asyncio
import datetime as dt
import json
import socket

import pytest

from stretto.server.engine._plain import to_plain
from stretto.server.rpc._write import write
from stretto.troubleshooting.v1 import troubleshooting_pb2 as pb
from stretto.workflows.troubleshooting import _http
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.scheduler import JobRun, RunStatus, Scheduler
from tests.simulators.scheduler.jobs import exception, failed, succeeded

PATIENCE = 60
"""Seconds for calls that must not run out of time, however busy the machine is."""
TOKEN = "eyJ-very-secret"


@pytest.fixture
async def scheduler(scheduler_api):
    made = Scheduler(scheduler_api.url, TOKEN, seconds_max=PATIENCE, log_seconds_max=PATIENCE)
    yield made
    await made.aclose()


@pytest.fixture
async def hasty(scheduler_api):
    """One with little patience."""
    made = Scheduler(scheduler_api.url, TOKEN, seconds_max=0.2, log_seconds_max=0.1)
    yield made
    await made.aclose()


async def why(asked):
    with pytest.raises(SourceUnavailable) as caught:
        await asked
    told = f"{caught.value}"
    assert TOKEN not in f"{told} {caught.value!r} {caught.value.__context__!r}"
    return told


# How runs went.


async def test_a_run_that_went_well_is_told_with_its_times(scheduler, scheduler_api):
    scheduler_api.jobs({"name": "etl", "runs": [{"run_id": "r1", "started_at": "2026-11-20T02:00:00Z", "seconds": 90}]})
    assert await scheduler.job_run("etl") == JobRun(
        job_name="etl",
        run_id="r1",
        status=RunStatus.SUCCEEDED,
        started_at=dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC),
        duration=dt.timedelta(seconds=90),
    )
    assert scheduler_api.count() == 1


async def test_a_failed_run_is_told_with_its_error_its_exit_code_and_where_it_was(scheduler, scheduler_api):
    lines = ["Loading 3,000,000 rows", "Command exited with return code 137", exception("MemoryError", "")]
    scheduler_api.jobs(failed("etl", *lines, hostname="worker-3", times=3))
    run = await scheduler.job_run("etl")
    assert (run.status, run.instance, run.failures_in_a_row) == (RunStatus.FAILED, "worker-3", 3)
    assert (run.error, run.exit_code) == ("MemoryError", 137)


@pytest.mark.parametrize(("state", "status"), [("queued", RunStatus.WAITING), ("running", RunStatus.RUNNING)])
async def test_a_run_that_has_not_ended_has_no_error(scheduler, scheduler_api, state, status):
    task = {"state": "running", "hostname": "worker-2"}
    scheduler_api.jobs({"name": "etl", "runs": [{"state": state, "tasks": [task]}]})
    run = await scheduler.job_run("etl")
    assert (run.status, run.error, run.exit_code) == (status, "", 0)
    assert run.instance == ("worker-2" if state == "running" else "")
    assert (run.started_at is None) == (run.duration is None) == (state == "queued")


async def test_the_duration_of_a_run_so_far_is_counted_from_its_start(scheduler, scheduler_api):
    started = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)
    scheduler_api.jobs({"name": "etl", "runs": [{"state": "running", "started_at": started.isoformat()}]})
    run = await scheduler.job_run("etl")
    assert run.duration >= dt.timedelta(hours=2)


@pytest.mark.parametrize("state", ["", "paused"])
async def test_a_state_that_is_not_known_is_not_guessed(scheduler, scheduler_api, state):
    run = f'{{"dag_run_id": "r", "state": "{state}"}}'
    scheduler_api.faults({"path": "dagRuns", "body": f'{{"dag_runs": [{run}]}}'})
    assert (await scheduler.job_run("etl")).status == RunStatus.UNSPECIFIED


async def test_a_job_that_never_ran_waits(scheduler, scheduler_api):
    scheduler_api.jobs({"name": "etl"})
    assert await scheduler.job_run("etl") == JobRun(job_name="etl", status=RunStatus.WAITING)


async def test_an_unknown_job_is_told_and_no_error(scheduler, scheduler_api):
    assert await scheduler.job_run("etl") == JobRun(job_name="etl", status=RunStatus.UNKNOWN_JOB)
    assert scheduler_api.count() == 1


async def test_an_unknown_job_is_told_whatever_the_form_of_the_refusal(scheduler, scheduler_api):
    detail = {"reason": "not_found", "message": "The Dag with ID: `etl` was not found"}
    scheduler_api.faults({"status": 404, "body": json.dumps({"detail": detail})})
    assert (await scheduler.job_run("etl")).status == RunStatus.UNKNOWN_JOB


async def test_failures_in_a_row_are_counted_below_a_run_that_has_not_ended(scheduler, scheduler_api):
    runs = [{"state": state} for state in ("running", "failed", "failed", "success", "failed")]
    scheduler_api.jobs({"name": "etl", "runs": runs})
    assert (await scheduler.job_run("etl")).failures_in_a_row == 2


async def test_no_more_than_ten_failures_are_counted(scheduler, scheduler_api):
    scheduler_api.jobs(failed("etl", "", times=12))
    assert (await scheduler.job_run("etl")).failures_in_a_row == 10


async def test_the_newest_run_counts_whatever_the_order_they_are_kept_in(scheduler, scheduler_api):
    runs = [{"run_id": name, "started_at": f"2026-11-{day}T00:00:00Z"} for name, day in (("old", 17), ("new", 19))]
    scheduler_api.jobs({"name": "etl", "runs": runs})
    assert (await scheduler.job_run("etl")).run_id == "new"


@pytest.mark.parametrize("mode", ["json", "python"])
async def test_a_run_fits_into_its_contract(scheduler, scheduler_api, mode):
    scheduler_api.jobs(failed("etl", "MemoryError", "exit code 137", times=2))
    run = await scheduler.job_run("etl")
    message = pb.JobRun()
    assert write(message, to_plain(run.model_dump(mode=mode))) == []
    assert (message.status, message.duration.seconds, message.exit_code) == (pb.RUN_STATUS_FAILED, 60, 137)
    assert message.started_at.ToDatetime(dt.UTC) == run.started_at


# Why runs failed.


async def error_of(scheduler, scheduler_api, *lines):
    scheduler_api.jobs(failed("etl", *lines))
    return (await scheduler.job_run("etl")).error


async def test_the_cause_of_an_exception_stands_before_it(scheduler, scheduler_api):
    raised = exception("AirflowException", "Load failed", ("psycopg.OperationalError", "connection refused"))
    expected = "psycopg.OperationalError: connection refused\nAirflowException: Load failed"
    assert await error_of(scheduler, scheduler_api, "Loading", raised) == expected


async def test_what_a_program_printed_is_told_beside_the_exception_of_its_task(scheduler, scheduler_api):
    printed = ["Traceback (most recent call last):", '  File "load.py", line 3, in <module>', "KeyError: 'amount'"]
    raised = exception("AirflowException", "Bash command failed. The command returned a non-zero exit code 1.")
    told = await error_of(scheduler, scheduler_api, *printed, raised)
    assert told.splitlines()[0] == "KeyError: 'amount'"
    assert told.splitlines()[1].startswith("AirflowException: Bash command failed.")


async def test_messages_of_level_error_are_told_without_an_exception(scheduler, scheduler_api):
    killed = {"event": "Process terminated by signal. Likely out of memory error (OOM).", "level": "critical"}
    assert await error_of(scheduler, scheduler_api, "ok", killed) == killed["event"]


async def test_a_traceback_in_one_message_is_told_by_its_last_line(scheduler, scheduler_api):
    traceback = "Traceback (most recent call last):\n  File 'a.py'\nbuiltins.TimeoutError: timed out"
    assert await error_of(scheduler, scheduler_api, {"event": traceback}) == "builtins.TimeoutError: timed out"


async def test_lines_that_only_mention_errors_are_told_as_the_end_of_the_log(scheduler, scheduler_api):
    quiet = ["Errors so far: 0", "No Error here", "Exception handling is on", "", "Retrying after TimeoutError\n "]
    scheduler_api.jobs(failed("etl", *quiet))
    run = await scheduler.job_run("etl")
    assert run.error.splitlines() == [
        "Task main failed. Its log ends with:", "No Error here", "Exception handling is on",
        "Retrying after TimeoutError",
    ]  # fmt: skip
    assert run.reason == "Task main failed."


async def test_a_log_that_is_empty_has_no_end(scheduler, scheduler_api):
    assert await error_of(scheduler, scheduler_api) == "Task main failed."


async def test_secrets_at_the_end_of_a_log_are_masked(scheduler, scheduler_api):
    assert "hunter2" not in await error_of(scheduler, scheduler_api, "Using password=hunter2")


async def test_secrets_in_an_error_are_masked(scheduler, scheduler_api):
    raised = exception("OperationalError", "postgresql://etl:hunter2@db/etl password=hunter2")
    told = await error_of(scheduler, scheduler_api, raised)
    assert "hunter2" not in told
    assert told.startswith("OperationalError: postgresql://")


async def test_an_error_is_told_once_and_shortened(scheduler, scheduler_api):
    line = f"ValueError: {'x' * 1_000}"
    told = await error_of(scheduler, scheduler_api, line, exception("ValueError", "x" * 1_000), "", "  ")
    assert told == f"{line[:299]}…"


async def test_only_the_last_telling_lines_are_told(scheduler, scheduler_api):
    told = await error_of(scheduler, scheduler_api, *(f"E{number}Error: no" for number in range(9)))
    assert told.splitlines() == ["E6Error: no", "E7Error: no", "E8Error: no"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Command exited with return code 3", 3),
        ("process exited with 9", 9),
        ("exit status 2", 2),
        ("exit code: -9", -9),
        ("returned a non-zero exit code 1.", 1),
        ({"event": "Task finished", "exit_code": 137}, 137),
        ({"event": "Task finished", "exit_code": True}, 0),
        ("exit code 0", 0),
        ("exit code 99999999999999999999", 0),
        ("the code returns 4", 0),
    ],
)
async def test_the_exit_code_is_what_the_log_says(scheduler, scheduler_api, line, code):
    scheduler_api.jobs(failed("etl", "exit code 0", line))
    assert (await scheduler.job_run("etl")).exit_code == code


async def test_the_log_is_that_of_the_task_and_the_attempt_that_failed_first(scheduler, scheduler_api):
    def task(name, ended, **more):
        return {"task_id": name, "ended_after_seconds": ended, "log": [f"{name}Error: no"], **more}

    later, first = task("b", 90), task("a", 30, try_number=3, map_index=7, hostname=None)
    skipped = task("c", 10, state="upstream_failed")
    scheduler_api.jobs({"name": "etl", "runs": [{"state": "failed", "tasks": [skipped, later, first]}]})
    run = await scheduler.job_run("etl")
    assert (run.error, run.instance) == ("aError: no", "")


async def test_a_run_that_failed_without_a_failed_task_says_so(scheduler, scheduler_api):
    scheduler_api.jobs({"name": "etl", "runs": [{"state": "failed"}]})
    assert (await scheduler.job_run("etl")).error == "The run failed, but none of its tasks did."


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403}, {"status": 404}, {"cut": True}])
async def test_how_a_run_went_is_told_also_where_its_log_cannot_be_read(scheduler, scheduler_api, fault):
    scheduler_api.jobs(failed("etl", "MemoryError"))
    scheduler_api.faults({"path": "/logs/", **fault})
    run = await scheduler.job_run("etl")
    assert (run.status, run.error) == (RunStatus.FAILED, "Task main failed; its log cannot be read.")


async def test_of_a_log_that_comes_too_slowly_what_came_in_time_is_told(hasty, scheduler_api):
    scheduler_api.jobs(failed("etl"))
    scheduler_api.faults({"path": "/logs/", "stall": '{"event": "MemoryError"}\n'})
    assert (await hasty.job_run("etl")).error == "MemoryError"


async def test_of_a_long_log_the_end_is_kept(scheduler, scheduler_api):
    filler = ["x" * 10_000] * (_http.TAIL_BYTES // 10_000 + 5)
    told = await error_of(scheduler, scheduler_api, "FirstError: no", *filler, "LastError: yes")
    assert told == "LastError: yes"


async def test_lines_of_a_log_that_are_no_messages_are_passed_over(scheduler, scheduler_api):
    scheduler_api.jobs(failed("etl"))
    body = (
        "[" * 100_000
        + '\ncut"}\n[1]\n3\n{"event": null}\n{"event": "MemoryError", "error_detail": [1, {}]}\n(Log stream stopped)\n'
    )
    scheduler_api.faults({"path": "/logs/", "body": body})
    assert "MemoryError" in (await scheduler.job_run("etl")).error


# Names.


@pytest.mark.parametrize(
    "name", ["~", "", ".", "..", "a/b", "../dags", "a b", "a?b", "a#b", "a%2Fb", "a\nb", "x" * 251]
)
async def test_a_name_that_no_job_can_have_is_not_asked_for(scheduler, scheduler_api, name):
    scheduler_api.jobs(failed("etl"), failed("b"))
    assert (await scheduler.job_run(name)).status == RunStatus.UNKNOWN_JOB
    assert scheduler_api.count() == 0


@pytest.mark.parametrize("name", ["nightly-etl", "etl.daily_2", "größe", "作業", "..a"])
@pytest.mark.parametrize("run_id", ["manual__2026-11-20T02:00:00+00:00", "a/b?c#d%2F é", "~"])
async def test_names_of_jobs_runs_and_tasks_arrive_as_they_are(scheduler, scheduler_api, name, run_id):
    run = {"state": "failed", "run_id": run_id, "tasks": [{"task_id": f"größe.{run_id}", "log": ["MemoryError"]}]}
    scheduler_api.jobs({"name": name, "runs": [run]})
    found = await scheduler.job_run(name)
    assert (found.job_name, found.run_id, found.error) == (name, run_id, "MemoryError")


# Failed jobs.


async def test_failed_jobs_are_those_whose_last_run_failed(scheduler, scheduler_api):
    older = {"name": "older", "runs": [{"state": "failed", "started_at": "2026-11-01T00:00:00Z"}]}
    mended = {"name": "mended", "runs": [{"state": "success"}, {"state": "failed"}]}
    scheduler_api.jobs(older, mended, failed("newer"), succeeded("good"), {"name": "never"})
    assert await scheduler.failed_jobs(5) == ["newer", "older"]
    assert await scheduler.failed_jobs(1) == ["newer"]


# What goes wrong.


async def test_the_token_is_sent(scheduler, scheduler_api):
    scheduler_api.jobs(succeeded("etl"))
    scheduler_api.token(TOKEN)
    assert (await scheduler.job_run("etl")).status == RunStatus.SUCCEEDED
    assert scheduler_api.requests()[0]["headers"]["authorization"] == f"Bearer {TOKEN}"


async def test_a_wrong_token_is_told_apart_from_none(scheduler, scheduler_api):
    scheduler_api.token("another")
    assert "refused the token (401)" in await why(scheduler.job_run("etl"))
    without = Scheduler(scheduler_api.url)
    assert "wants a token (401)" in await why(without.job_run("etl"))
    await without.aclose()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 403}, "does not allow what was asked for (403)"),
        ({"status": 302}, "answered with 302 Found"),
        ({"status": 400}, "answered with 400 Bad Request"),
        ({"status": 404}, "has nothing at the path that was asked for (404), so it may be something else"),
        ({"status": 404, "body": "<h1>Not Found</h1>"}, "has nothing at the path that was asked for (404)"),
        ({"status": 404, "body": "[" * 100_000}, "has nothing at the path that was asked for (404)"),
        ({"status": 404, "body": "[1]"}, "has nothing at the path that was asked for (404)"),
        ({"status": 429}, "answered with 429 Too Many Requests"),
        ({"status": 500}, "answered with 500 Internal Server Error"),
        ({"status": 503}, "answered with 503 Service Unavailable"),
        ({"status": 599}, "answered with 599"),
        ({"body": "<html>"}, "answered with something else than JSON"),
        ({"body": ""}, "answered with something else than JSON"),
        ({"body": "[" * 10_000}, "answered with something else than JSON"),
        ({"body": "{}"}, "answered in a form that is not known: dag_runs: Field required"),
        ({"body": "[]"}, "answered in a form that is not known"),
        ({"body": '{"dag_runs": [{"dag_run_id": 3}]}'}, "answered in a form that is not known: dag_runs.0."),
        ({"body": '{"dag_runs": {"a": 1}}'}, "answered in a form that is not known: dag_runs: "),
        ({"cut": True}, "broke off its answer"),
        ({"size": _http.RESPONSE_BYTES_MAX + 1}, "answered with more than 4194304 bytes"),
        ({"status": 404, "size": _http.RESPONSE_BYTES_MAX + 1}, "answered with more than 4194304 bytes"),
    ],
)
async def test_what_goes_wrong_is_told_in_plain_words(scheduler, scheduler_api, fault, told):
    scheduler_api.faults(fault)
    assert (await why(scheduler.job_run("etl"))).startswith(f"The scheduler at {scheduler_api.url} {told}")
    assert (await scheduler.job_run("etl")).status == RunStatus.UNKNOWN_JOB


async def test_faults_tell_nothing_of_the_query(scheduler, scheduler_api):
    scheduler_api.faults({"status": 500, "repeat": 0})
    assert "last_dag_run_state" not in await why(scheduler.failed_jobs(3))


async def test_answers_are_not_asked_for_in_a_form_whose_size_says_nothing(scheduler, scheduler_api):
    await scheduler.job_run("etl")
    assert scheduler_api.requests()[0]["headers"]["accept-encoding"] == "identity"


async def test_a_password_in_the_address_is_not_shown(scheduler_api):
    scheduler = Scheduler(scheduler_api.url.replace("//", f"//admin:{TOKEN}@"), seconds_max=PATIENCE)
    scheduler_api.faults({"status": 500})
    assert (await why(scheduler.job_run("etl"))).startswith(f"The scheduler at {scheduler_api.url} answered with 500")
    await scheduler.aclose()


@pytest.mark.parametrize("fault", [{"hang": True}, {"delay_seconds": 30}, {"stall": '{"dag_runs": ['}])
async def test_one_that_does_not_answer_is_given_up(hasty, scheduler_api, fault):
    scheduler_api.faults(fault)
    assert (await why(hasty.job_run("etl"))).endswith("did not answer within 0.2 s.")


async def test_one_that_is_not_there_is_told():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        scheduler = Scheduler(f"http://127.0.0.1:{bound.getsockname()[1]}", TOKEN)
        assert "cannot be reached" in await why(scheduler.job_run("etl"))
        await scheduler.aclose()


async def test_one_that_speaks_another_protocol_is_told():
    async def greet(reader, writer):
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        scheduler = Scheduler(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN)
        assert "broke off its answer" in await why(scheduler.job_run("etl"))
        await scheduler.aclose()


# Connections.


async def test_a_call_that_is_given_up_leaves_its_connection_to_others(monkeypatch, scheduler_api):
    monkeypatch.setattr(_http, "CONNECTIONS_MAX", 2)
    scheduler = Scheduler(scheduler_api.url, seconds_max=PATIENCE)
    scheduler_api.jobs(succeeded("etl"))
    scheduler_api.faults({"hang": True, "repeat": 6})
    for count in (2, 4, 6):
        calls = [asyncio.ensure_future(scheduler.job_run("etl")) for _ in range(2)]
        while scheduler_api.count() < count:
            await asyncio.sleep(0.01)
        for call in calls:
            call.cancel()
        assert all(
            isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*calls, return_exceptions=True)
        )
    assert (await scheduler.job_run("etl")).status == RunStatus.SUCCEEDED
    await scheduler.aclose()


async def test_a_hundred_calls_at_once_are_all_answered(scheduler, scheduler_api):
    scheduler_api.jobs(*(failed(f"job-{number}", f"E{number}Error: no") for number in range(100)))
    runs = await asyncio.gather(*(scheduler.job_run(f"job-{number}") for number in range(100)))
    assert [run.error for run in runs] == [f"E{number}Error: no" for number in range(100)]


async def test_more_calls_than_connections_wait_their_turn(monkeypatch, scheduler_api):
    monkeypatch.setattr(_http, "CONNECTIONS_MAX", 3)
    scheduler = Scheduler(scheduler_api.url, seconds_max=PATIENCE)
    scheduler_api.jobs(succeeded("etl"))
    runs = await asyncio.gather(*(scheduler.job_run("etl") for _ in range(50)))
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    await scheduler.aclose()


async def test_calls_share_the_connections_of_their_event_loop(scheduler, scheduler_api):
    scheduler_api.jobs(succeeded("etl"))
    await scheduler.job_run("etl")
    client = scheduler._source._client()
    await scheduler.job_run("etl")
    assert scheduler._source._client() is client


async def test_one_serves_one_event_loop_after_another(scheduler_api):
    scheduler_api.jobs(succeeded("etl"))
    scheduler = Scheduler(scheduler_api.url, seconds_max=PATIENCE)

    async def ask():
        run = await scheduler.job_run("etl")
        await scheduler.aclose()
        return run.status

    for _ in range(3):
        assert await asyncio.to_thread(asyncio.run, ask()) == RunStatus.SUCCEEDED
    assert scheduler._source._clients == {}


async def test_connections_of_an_event_loop_that_is_gone_are_forgotten(scheduler):
    gone = asyncio.new_event_loop()
    gone.close()
    scheduler._source._clients[gone] = None
    await scheduler.job_run("etl")
    assert list(scheduler._source._clients) == [asyncio.get_running_loop()]
