"""`stretto list`, `stretto state` and `stretto history`."""

import uuid

import pytest

from tests.e2e.cli.calling import until


@pytest.fixture
def session() -> str:
    """A session that no other test has."""
    return uuid.uuid4().hex


def started(client, session: str, *types: str, **more) -> list[str]:
    """Workflows that have ended, newest first."""
    handles = [client.start(one, {"text": "hello"}, session_id=session, **more) for one in types]
    for handle, one in zip(handles, types, strict=True):
        until(client, handle.id, "failed" if one == "fails" else "completed")
    return [handle.id for handle in reversed(handles)]


def test_workflows_are_a_table_newest_first_with_whole_ids(here, client, session) -> None:
    ids = started(client, session, "echo", "fails")
    head, *rows = here("list", "--session", session).out.splitlines()
    assert head.split() == ["WORKFLOW", "TYPE", "STATUS", "DONE", "AGE", "HEADLINE"]
    assert [row.split()[:3] for row in rows] == [[ids[0], "fails", "FAILED"], [ids[1], "echo", "SUCCEEDED"]]


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_ids_are_whole_at_any_width(here, order, monkeypatch, columns) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert order in here("list", "--limit", "500").out
    assert order in here("state", order).out


def test_workflows_as_json_are_one_object_on_each_line(here, client, session) -> None:
    ids = started(client, session, "echo", "echo")
    done = here("list", "--session", session, "--json")
    assert [line["workflow_id"] for line in done.lines] == ids
    assert done.err == ""


def test_every_condition_narrows_the_list(here, client, session) -> None:
    failed, echoed = started(client, session, "echo", "fails", labels={"a": session})

    def ids(*argv: str) -> list[str]:
        return [line["workflow_id"] for line in here("list", "--json", *argv).lines]

    mine = ("--session", session)
    assert ids(*mine, "--type", "echo") == [echoed]
    assert ids(*mine, "--type", "echo", "--type", "fails") == [failed, echoed]
    assert ids(*mine, "--status", "failed") == [failed]
    assert ids(*mine, "--status", "FAILED", "--status", "succeeded") == [failed, echoed]
    assert ids("--label", f"a={session}") == [failed, echoed]
    assert ids(*mine, "--since", "1h") == [failed, echoed]
    assert ids(*mine, "--since", "2999-01-01") == []
    assert ids(*mine, "--limit", "1") == [failed]


def test_a_list_that_is_cut_says_so(here, client, session) -> None:
    started(client, session, "echo", "echo")
    assert here("list", "--session", session, "--limit", "1").err == "There are more: --limit 2 shows older ones.\n"
    assert here("list", "--session", session, "--limit", "2").err == ""


def test_an_empty_list_says_so(here, session) -> None:
    done = here("list", "--session", session)
    assert (done.code, done.out, done.err) == (0, "", "There is no such workflow.\n")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--status", "done"), "'done' is no status; there are QUEUED, RUNNING"),
        (("--since", "yesterday"), "--since 'yesterday' is no time: write a time like 30s"),
        (("--label", "x"), "--label 'x' must be KEY=VALUE"),
        (("--limit", "0"), "--limit"),
        (("--limit", "x"), "--limit"),
        (("wf_x",), "'wf_x' is one argument too many"),
    ],
)
def test_a_wrong_condition_is_one_line(here, argv, told) -> None:
    done = here("list", *argv)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert here("list", *argv, "--json").error["exit_code"] == 2


def test_a_state_shows_where_it_stands_and_what_it_asks(here, order) -> None:
    done = here("state", order)
    assert done.code == 0
    told = " ".join(done.out.split())
    assert f"{order} orders WAITING" in told
    assert "Current steps STEP ATTEMPT SINCE DONE MESSAGE review 1" in told
    assert "text: Ship it? total_cents: 300" in told or "total_cents: 300 text: Ship it?" in told
    assert f"wants tests.orders.v1.ReviewDecision Answer: stretto decide {order}" in told
    assert "customer Ann" in told
    assert "customer" not in here("state", order, "--no-snapshot").out


def test_a_state_as_json_is_one_document(here, order) -> None:
    state = here("state", order, "--json").json
    assert state["workflow"]["status"] == "WORKFLOW_STATUS_WAITING"
    assert state["snapshot"]["items"] == [{"sku": "ABC-1", "quantity": 2, "price": 1.5}]
    assert [one["question"]["text"] for one in state["pending_interrupts"]] == ["Ship it?"]
    assert state["as_of_sequence"] == state["workflow"]["last_sequence"]


def test_a_state_shows_where_the_time_went_when_it_is_asked_for(here, client, session) -> None:
    (failed,) = started(client, session, "fails")
    told = " ".join(here("state", failed, "--metrics").out.split())
    assert "Metrics in the queue" in told
    assert "retries 1 events" in told
    assert "STEP STARTED COMPLETED RETRIES FAILED TOTAL LONGEST fails 2 0 1 1" in told
    assert "Metrics" not in here("state", failed).out
    (step,) = here("state", failed, "--metrics", "--json").json["metrics"]["steps"]
    assert (step["step"], step["started_count"], step["retry_count"], step["failed_count"]) == ("fails", 2, 1, 1)
    assert "metrics" not in here("state", failed, "--json").json


def test_a_state_shows_the_outcome(here, client, session) -> None:
    failed, echoed = started(client, session, "echo", "fails")
    assert "Error\n  ValueError: there is no file at step fails, attempt 2" in here("state", failed).out
    assert here("state", failed, "--json").json["error"]["error_class"] == "ValueError"
    assert '"answer": "hello"' in here("state", echoed).out.partition("Result")[2].partition("Values")[0]
    assert here("state", echoed, "--json").json["result"]["answer"] == "hello"


def test_a_typed_result_is_readable(here, client, order) -> None:
    client.handle(order).decide({"verdict": "VERDICT_APPROVE"})
    until(client, order, "completed")
    result = {"summary": "VERDICT_APPROVE", "total_cents": "300", "lines": ["ABC-1"]}
    assert here("state", order, "--json").json["result"] == result


def test_text_of_a_workflow_cannot_steer_the_terminal(here, client) -> None:
    handle = client.start("echo", {"text": "\x1b[2J\x07 gone"})
    until(client, handle.id, "completed")
    for command in ("state", "history"):
        shown = here(command, handle.id).out
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "gone" in shown


def test_a_history_is_one_line_for_each_event(here, order) -> None:
    done = here("history", order)
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert [row[0] for row in rows] == [str(number + 1) for number in range(len(rows))]
    assert rows[0][2:] == ["accepted", "orders"]
    assert rows[3][2:] == ["price", "50%", "adding", "up"]
    assert "asks: " in done.out


@pytest.mark.parametrize("name", ["asks_sources", "asks_sources_freely"])
def test_a_history_tells_of_branches_what_a_watch_tells(here, client, name) -> None:
    workflow_id = until(client, client.start(name, {}).id, "completed")
    shown = here("history", workflow_id).out
    words = [line.split("  ")[-1] for line in here("watch", workflow_id).out.splitlines() if "asking/" in line]
    assert "metrics: asked, 5.0 s at most" in words
    assert "logs: timed out after 5.0 s (3 attempts): no answer" in words
    assert all(any(row.endswith(f"  {each}") for row in shown.splitlines()) for each in words)


def test_a_history_after_a_sequence_leaves_the_rest_out(here, order) -> None:
    whole = here("history", order).out.splitlines()
    assert here("history", order, "--after", "3").out.splitlines()[0].split()[0] == "4"
    assert here("history", order, "--after", str(len(whole))).out == ""


def test_a_history_as_json_is_one_event_on_each_line(here, order) -> None:
    events = here("history", order, "--json").lines
    assert [event["sequence"] for event in events] == [str(number + 1) for number in range(len(events))]
    told = next(event["step_progress"] for event in events if "step_progress" in event)
    assert told["detail"] == {"items_done": 1}


def test_a_history_has_the_decision_and_the_result(here, client, order) -> None:
    client.handle(order).decide({"verdict": "VERDICT_APPROVE", "comment": "fine"})
    until(client, order, "completed")
    shown = here("history", order).out
    assert 'decided: {"verdict": "VERDICT_APPROVE", "comment": "fine"}' in shown
    assert 'completed: {"summary": "VERDICT_APPROVE fine", "total_cents": "300", "lines": ["ABC-1"]}' in shown


def test_checkpoints_are_a_table(here, order) -> None:
    head, *rows = here("history", order, "--checkpoints").out.splitlines()
    assert head.split() == ["CHECKPOINT", "SUPERSTEP", "SOURCE", "SAVED", "AT"]
    assert [row.split()[1:3] for row in rows] == [["1", "loop"], ["0", "loop"], ["-1", "input"]]


def test_checkpoints_as_json_are_one_object_on_each_line(here, order) -> None:
    bare = here("history", order, "--checkpoints", "--json").lines
    assert [line["superstep"] for line in bare] == [1, 0, -1]
    assert "snapshot" not in bare[0]
    whole = here("history", order, "--checkpoints", "--snapshots", "--json").lines
    assert whole[0]["snapshot"]["total_cents"] == 300


@pytest.mark.parametrize("argv", [("--after", "-1"), ("--after", "x"), ("--foo",)])
def test_a_wrong_history_is_one_line(here, order, argv) -> None:
    done = here("history", order, *argv)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
