"""`stretto watch`: in pipes, as JSON, and in a pseudo-terminal across a kill of the server."""

import asyncio
import json
import subprocess
import sys

import pytest

from benchmarks._processes import Service, free_address, stretto_argv
from stretto.client import ClientSync
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from tests.e2e.cli.calling import NOBODY, until
from tests.e2e.cli.terminal import Terminal


class Place:
    """An address and a store, at which servers come and go."""

    def __init__(self, folder):
        self.folder = folder
        self.address = free_address()
        self.service = None

    def up(self):
        argv = stretto_argv(self.address, self.folder / "stretto.db", "tests.e2e.cli.graphs:app")
        self.service = Service(argv, self.address, self.folder / "log")
        asyncio.run(self.service.ready())


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    place.up()
    yield place
    place.service.kill()


@pytest.fixture
def terminal():
    opened = []

    def open_one(*argv, **more):
        opened.append(Terminal(*argv, **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def echoed(client):
    handle = client.start("echo", {"text": "hello"})
    handle.result()
    return handle.id


@pytest.fixture
def failed(client):
    return until(client, client.start("fails", {}).id, "failed")


@pytest.fixture
def cancelled(client):
    handle = client.start("waits", {})
    handle.cancel("changed my mind")
    return until(client, handle.id, "cancelled")


def test_piped_it_prints_one_line_for_each_event(here, echoed):
    done = here("watch", echoed)
    assert done.code == 0
    # Time, workflow, sequence, sign, and what happened.
    lines = [line.split(maxsplit=4) for line in done.out.splitlines()]
    assert [line[2] for line in lines] == [str(number + 1) for number in range(len(lines))]
    assert all(line[1] == echoed for line in lines)
    assert lines[0][3:] == ["○", "accepted echo"]
    assert lines[-1][3] == "✓"
    assert "hello" in lines[-1][-1]


def test_with_json_each_event_is_a_line_with_its_payload_unpacked(here, echoed):
    done = here("watch", echoed, "--json")
    assert done.code == 0
    assert done.lines[0]["accepted"]["workflow_type"] == "echo"
    assert done.lines[-1]["completed"]["result"]["answer"] == "hello"


def test_payloads_of_a_contract_are_unpacked_too(here, order):
    done = here("watch", order, "--json", "--no-follow")
    (progress,) = [line["step_progress"] for line in done.lines if "step_progress" in line]
    assert progress["detail"]["items_done"] == 1


def test_a_failed_workflow_gives_4_and_says_why(here, failed):
    done = here("watch", failed)
    assert done.code == 4
    assert "↻  fails  failed, another attempt follows: ValueError: there is no file" in done.out
    assert done.out.splitlines()[-1].endswith("failed: ValueError: there is no file at step fails, attempt 2")
    assert here("watch", failed, "--json").code == 4


def test_a_cancelled_workflow_gives_5(here, cancelled):
    done = here("watch", cancelled)
    assert done.code == 5
    assert done.out.splitlines()[-1].endswith("cancelled: changed my mind")


def test_of_several_ends_the_worst_decides(here, echoed, failed, cancelled):
    assert here("watch", echoed, cancelled).code == 5
    done = here("watch", echoed, cancelled, failed, echoed, "--json")
    assert done.code == 4
    assert {line["workflow_id"] for line in done.lines} == {echoed, cancelled, failed}
    assert len({(line["workflow_id"], line["sequence"]) for line in done.lines}) == len(done.lines)


def test_after_leaves_out_what_was_seen(here, echoed):
    whole = here("watch", echoed, "--json").lines
    assert here("watch", echoed, "--json", "--after", "3").lines == whole[3:]


def test_after_the_last_event_there_is_nothing_but_the_exit_code(here, failed):
    last = len(here("watch", failed, "--json").lines)
    done = here("watch", failed, "--json", "--after", str(last))
    assert (done.code, done.out) == (4, "")


def test_no_follow_prints_what_there_is_and_ends(here, order):
    done = here("watch", order, "--no-follow")
    assert done.code == 0
    assert "?  review  asks: " in done.out
    last = len(done.out.splitlines())
    assert here("watch", order, "--no-follow", "--after", str(last)).out == ""


# The same branches, told by a contract's message and by plain fields.
LANES = pytest.mark.parametrize("name", ["asks_sources", "asks_sources_freely"])


@LANES
def test_piped_each_event_of_a_branch_is_a_line(here, client, tmp_path, name):
    go = tmp_path / "go"
    go.touch()
    told = here("watch", client.start(name, {"path": str(go)}).id)
    assert told.code == 0
    lines = {line.split(maxsplit=3)[3] for line in told.out.splitlines()}
    assert {
        "·  asking/metrics  metrics: asked, 5.0 s at most",
        "✓  asking/metrics  metrics: answered in 0.05 s",
        "✗  asking/logs  logs: timed out after 5.0 s (3 attempts): no answer",
        "·  asking/jobs  jobs · first: 50%",
        "✓  asking/jobs  jobs · last: answered in 0.31 s (2 attempts)",
    } <= lines


@LANES
def test_with_json_branches_are_payloads_like_all_others(here, client, tmp_path, name):
    (tmp_path / "go").touch()
    workflow_id = until(client, client.start(name, {"path": str(tmp_path / "go")}).id, "completed")
    events = [event for event in here("watch", workflow_id, "--json").lines if event["step"] == "asking/logs"]
    asked, failed = (event["step_progress"]["detail"]["branch"] for event in events if "step_progress" in event)
    assert (asked["source"], asked["started"]) == ("logs", {"timeout": "5s"})
    why = {"reason": "BRANCH_FAILURE_REASON_TIMEOUT", "message": "no answer", "latency": "5s", "attempts": 3}
    assert (failed["source"], failed["failed"]) == ("logs", why)


@LANES
def test_a_terminal_shows_a_bar_for_each_branch(terminal, served, client, tmp_path, name):
    go = tmp_path / "go"
    screen = terminal("watch", client.start(name, {"path": str(go)}).id, server=served)
    screen.until(" of 50.0 s")
    go.touch()
    drawn = screen.rest()
    last = drawn.rpartition("✓ asking")[2]
    assert screen.process.returncode == 0
    assert "✓ metrics       ━━━━━━━━━━━━  answered in 0.05 s" in last
    assert "✗ logs          ━━━━━━━━━━━━  timed out after 5.0 s (3 attempts): no answer" in last
    assert "✓ jobs · first  ━━━━━━━━━━━━  answered in 0.31 s (2 attempts)" in last
    assert "✓ jobs · last   ━━━━━━━━━━━━  answered in 0.31 s (2 attempts)" in last


def test_an_unknown_workflow_gives_3_before_anything_is_shown(here, echoed):
    done = here("watch", echoed, "wf_nobody")
    assert (done.code, done.out) == (3, "")
    assert len(done.err.splitlines()) == 1
    assert here("watch", "wf_nobody", "--json").error["exit"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "watch:"),
        (("wf_a", "--after", "-1"), "--after must be 0 or more"),
        (("wf_a", "wf_b", "--after", "1"), "--after is for one workflow"),
        (tuple(f"wf_{number}" for number in range(101)), "at most 100"),
        (("wf_a", "--after", "soon"), "soon"),
    ],
)
def test_wrong_calls_give_2_and_one_line(here, argv, said):
    done = here("watch", *argv)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_sequence_that_is_not_there_yet_gives_2(here, echoed):
    assert here("watch", echoed, "--after", "100").code == 2


def test_without_a_server_it_says_so_at_once(stretto):
    done = stretto("watch", "wf_a", server=NOBODY)
    assert (done.code, done.out) == (6, "")


def test_a_terminal_shows_the_steps_the_question_and_its_command(terminal, served, client, order):
    screen = terminal("watch", order, server=served)
    screen.until(f"stretto decide {order}")
    client.handle(order).decide({"verdict": "VERDICT_APPROVE"})
    drawn = screen.rest()
    assert screen.process.returncode == 0
    assert "✓ price" in drawn
    assert "SUCCEEDED" in drawn
    assert '"summary": ' in drawn


def test_a_terminal_that_cannot_draw_gets_lines(terminal, served, echoed):
    screen = terminal("watch", echoed, server=served, kind="dumb")
    drawn = screen.rest()
    assert screen.process.returncode == 0
    assert "○  accepted echo" in drawn


def test_ctrl_c_stops_watching_and_never_the_workflow(terminal, served, client):
    handle = client.start("waits", {})
    screen = terminal("watch", handle.id, server=served)
    screen.until("waiting for a file")
    screen.interrupt()
    drawn = screen.rest()
    assert screen.process.returncode == 130
    assert "stopped watching, it goes on" in drawn
    assert f"stretto watch {handle.id} --after" in drawn.replace("\r\n", "")
    assert handle.state().workflow.status == WorkflowStatus.WORKFLOW_STATUS_RUNNING
    handle.cancel()


def test_watchers_outlive_a_kill_of_the_server(terminal, place, tmp_path):
    go = tmp_path / "go"
    with ClientSync(place.address) as client:
        workflow_id = client.start("waits", {"path": str(go)}).id
        until(client, workflow_id, "step_progress")
        asking = until(client, client.start("asks").id, "interrupt_raised")
    screen = terminal("watch", workflow_id, server=place.address)
    quiet = terminal("watch", asking, server=place.address)
    argv = [sys.executable, "-m", "stretto.cli", "watch", workflow_id, "--json", "--server", place.address]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as piped:
        screen.until("waiting for a file")
        quiet.until("asks: go?")
        first = piped.stdout.readline()
        place.service.kill()
        screen.until("connection lost, trying again")
        quiet.until("connection lost, trying again")
        place.up()
        screen.until("attempt 2")
        go.touch()
        drawn = screen.rest()
        events = [json.loads(line) for line in (first, *piped.stdout)]
    assert screen.process.returncode == 0
    assert "SUCCEEDED" in drawn
    assert '"answer": "done"' in drawn
    assert piped.returncode == 0
    assert [event["sequence"] for event in events] == [str(number + 1) for number in range(len(events))]
    assert "completed" in events[-1]
    # In this journal nothing happens, and yet the picture tells that the server is back.
    while "connection lost" in quiet.until(f"stretto decide {asking}"):
        pass
