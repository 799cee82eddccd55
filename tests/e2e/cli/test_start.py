"""`stretto start`."""

import json
import signal
import subprocess
import sys

import pytest

from tests.e2e.cli.calling import until

GOOD = {"customer": "Ann", "items": [{"sku": "ABC-1", "quantity": 2, "price": 1.5}]}


def test_a_start_prints_the_id_alone_on_stdout(here, client) -> None:
    done = here("start", "orders", json.dumps(GOOD))
    assert done.code == 0
    workflow_id = done.out.strip()
    assert client.handle(workflow_id).state().workflow.workflow_type == "orders"
    assert done.err == f"Started orders. Follow it: stretto watch {workflow_id}\n"


def test_all_that_a_start_may_say_is_said(here) -> None:
    argv = ("--label", "a=1", "--label", "b=x=y", "--session", "s", "--request-id", "once-told", "--deadline", "1h")
    started = here("start", "echo", *argv, "--json").json
    assert started["labels"] == {"a": "1", "b": "x=y"}
    assert (started["session_id"], started["request_id"]) == ("s", "once-told")
    assert started["deadline"]


def test_the_same_request_id_starts_one_workflow(here) -> None:
    argv = ("start", "echo", "{}", "--request-id", "one-only")
    assert here(*argv).out == here(*argv).out
    other = here("start", "echo", '{"text": "other"}', "--request-id", "one-only")
    assert other.code == 7
    assert len(other.err.splitlines()) == 1
    assert here("start", "echo", '{"text": "other"}', "--request-id", "one-only", "--json").error["exit"] == "REFUSED"


def test_waiting_prints_the_result(here) -> None:
    done = here("start", "echo", '{"text": "hello"}', "--wait")
    assert done.code == 0
    assert json.loads(done.out)["answer"] == "hello"


def test_waiting_with_json_gives_one_document(here) -> None:
    document = here("start", "echo", '{"text": "hello"}', "--wait", "--json").json
    assert document["result"]["answer"] == "hello"
    assert document["workflow"]["status"] == "WORKFLOW_STATUS_SUCCEEDED"


def test_watching_shows_the_events_to_the_end(here) -> None:
    done = here("start", "echo", '{"text": "hello"}', "--watch", "--json")
    assert done.code == 0
    assert [line["sequence"] for line in done.lines] == [str(number + 1) for number in range(len(done.lines))]
    assert done.lines[-1]["completed"]["result"]["answer"] == "hello"
    assert "hello" in here("start", "echo", '{"text": "hello"}', "--watch").out


def test_input_comes_from_a_file_or_from_stdin(here, tmp_path) -> None:
    path = tmp_path / "input.json"
    path.write_text('{"text": "from a file"}')
    assert "from a file" in here("start", "echo", f"@{path}", "--wait").out
    assert "from stdin" in here("start", "echo", "-", "--wait", stdin='{"text": "from stdin"}').out


@pytest.mark.parametrize("argv", [("--wait",), ("--watch",)])
def test_a_workflow_that_fails_ends_the_command_with_4(here, argv) -> None:
    assert here("start", "fails", *argv).code == 4


def test_a_failure_is_told_in_one_line_and_in_json(here) -> None:
    done = here("start", "fails", "--wait")
    assert done.out == ""
    assert done.err.splitlines()[-1].endswith("failed at step fails, attempt 2: ValueError: there is no file")
    error = here("start", "fails", "--wait", "--json").error
    assert (error["exit_code"], error["reason"], error["kind"]) == (4, "STEP_FAILED", "WorkflowFailed")
    assert error["workflow_id"].startswith("wf_")


def test_ctrl_c_stops_waiting_and_not_the_workflow(served, client) -> None:
    argv = [sys.executable, "-m", "stretto.cli", "start", "waits", "--wait", "--server", served]
    waiting = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    workflow_id = waiting.stderr.readline().split()[-1]
    until(client, workflow_id, "step_progress")
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, out) == (130, "")
    again = f"stretto watch {workflow_id} --server {served}"
    assert err == f"stretto: stopped waiting for {workflow_id}, which goes on; look again: {again}\n"
    assert not client.handle(workflow_id).state().workflow.HasField("ended_at")
    client.handle(workflow_id).cancel()


def test_a_cancelled_workflow_ends_the_command_with_5(served, client) -> None:
    argv = [sys.executable, "-m", "stretto.cli", "start", "waits", "--wait", "--server", served]
    waiting = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    workflow_id = waiting.stderr.readline().split()[-1]
    client.handle(workflow_id).cancel("not needed")
    _, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 5
    assert err == f"stretto: {workflow_id} was cancelled: not needed\n"


def test_an_unknown_type_is_answered_with_the_nearest_one(here) -> None:
    done = here("start", "ordrs", json.dumps(GOOD))
    assert (done.code, done.out) == (3, "")
    assert done.err.endswith("did you mean orders?\n")


WRONG = {
    "a field that is none": ({**GOOD, "custmer": "x"}, "custmer"),
    "a field of the wrong kind": ({"customer": 3}, "customer"),
    "a rule that is broken": ({**GOOD, "customer": "x" * 65}, "customer"),
    "a rule that is broken deep inside": ({**GOOD, "items": [{"sku": "x", "quantity": 1, "price": 1}]}, "items[0].sku"),
    "a list": ([1], "type list"),
}


@pytest.mark.parametrize(("value", "named"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_refused_with_the_field_named(here, value, named) -> None:
    done = here("start", "orders", json.dumps(value))
    assert (done.code, done.out) == (2, "")
    assert named in done.err
    assert len(done.err.splitlines()) == 1
    error = here("start", "orders", json.dumps(value), "--json").error
    assert error["exit_code"] == 2


def test_several_wrong_fields_stand_below_each_other(here) -> None:
    value = {"customer": "", "items": [{"sku": "ABC-1", "quantity": 1000, "price": 1}]}
    done = here("start", "orders", json.dumps(value))
    head, *fields = done.err.splitlines()
    assert head == "stretto: The tests.orders.v1.OrderRequest breaks its contract:"
    assert [field.split(":")[0].strip() for field in fields] == ["customer", "items[0].quantity"]
    violations = here("start", "orders", json.dumps(value), "--json").error["violations"]
    assert [one["field"] for one in violations] == ["customer", "items[0].quantity"]


NO_JSON = {
    "nothing closed": ('{"text": ', "line 1, column 10"),
    "text without quotes": ("hello", "'\"hello\"'"),
    "no value": ('{"text": hello}', 'column 10: {"text":  >>>hello}'),
    "the second line": ('{\n"a" 1}', 'line 2, column 5: "a"  >>>1}'),
    "a key twice": ('{"a": 1, "a": 2}', "'a' stands there twice"),
    "no number": ('{"a": NaN}', "NaN"),
    "too deep": ("[" * 100_000, "no JSON"),
    "a file that is not there": ("@/nowhere/at/all", "/nowhere/at/all cannot be read: No such file or directory"),
}


@pytest.mark.parametrize(("text", "told"), NO_JSON.values(), ids=NO_JSON)
def test_wrong_json_is_refused_with_the_place(here, text, told) -> None:
    done = here("start", "echo", text)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert here("start", "echo", text, "--json").error["exit"] == "USAGE"


WRONG_CALLS = {
    "no type": ((), "TYPE is missing"),
    "label": (("echo", "--label", "x"), "--label 'x' must be KEY=VALUE"),
    "deadline": (("echo", "--deadline", "soon"), "--deadline 'soon' is no time"),
    "past": (("echo", "--deadline", "2001-01-01T00:00"), "deadline"),
    "both": (("echo", "--watch", "--wait"), "not both"),
    "option": (("echo", "--lable", "a=b"), "Did you mean --label?"),
}


@pytest.mark.parametrize(("argv", "told"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_a_wrong_call_is_one_line(here, argv, told) -> None:
    done = here("start", *argv)
    assert (done.code, done.out) == (2, "")
    assert told in done.err.replace('"--label"', "--label")
    assert len(done.err.splitlines()) == 1
    assert told.split()[0] in here("start", *argv, "--json").error["message"]
