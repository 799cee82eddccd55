"""`stretto decide`, `stretto cancel`, `stretto retry` and `stretto fork`."""

import json
import os

import pytest

from tests.e2e.cli.calling import until
from tests.e2e.cli.terminal import Terminal

APPROVE = '{"verdict": "VERDICT_APPROVE", "comment": "fine"}'


@pytest.fixture
def asks(client) -> str:
    """A workflow that asks, and takes any answer."""
    return until(client, client.start("asks").id, "interrupt_raised")


@pytest.fixture
def asks_twice(client) -> str:
    return until(client, client.start("asks_twice").id, "interrupt_raised", 2)


@pytest.fixture
def failed(client, tmp_path) -> str:
    """A workflow that failed because a file was missing."""
    return until(client, client.start("fails", {"path": str(tmp_path / "file")}).id, "failed")


def test_a_decision_is_said_back(here, client, order) -> None:
    done = here("decide", order, APPROVE)
    assert done.code == 0
    assert done.out.startswith("Decided: ")
    assert done.out.endswith('→ {"verdict": "VERDICT_APPROVE", "comment": "fine"}\n')
    until(client, order, "completed")


def test_a_decision_as_json_is_the_decided_interrupt(here, order) -> None:
    decided = here("decide", order, APPROVE, "--json").json
    assert decided["decision"] == {"verdict": "VERDICT_APPROVE", "comment": "fine"}
    assert decided["status"] == "INTERRUPT_STATUS_DECIDED"


def test_any_json_answers_a_question_without_a_contract(here, client, asks) -> None:
    assert here("decide", asks, '{"go": [1, true]}').code == 0
    assert client.handle(asks).result()["answer"] == {"go": [1, True]}


@pytest.mark.parametrize(
    ("decision", "named"),
    [
        ('{"verdict": "VERDICT_NO"}', "verdict"),
        ('{"verdict": "VERDICT_UNSPECIFIED"}', "verdict"),
        ('{"verdikt": 1}', "verdikt"),
        ("yes", "'\"yes\"'"),
        ("[1]", "list"),
    ],
)
def test_a_wrong_decision_is_refused_with_the_field_named(here, order, decision, named) -> None:
    done = here("decide", order, decision)
    assert (done.code, done.out) == (2, "")
    assert named in done.err
    assert len(done.err.splitlines()) == 1
    assert here("decide", order, decision, "--json").error["exit_code"] == 2


def test_a_second_decision_is_refused(here, client, asks) -> None:
    (interrupt,) = client.handle(asks).state().pending_interrupts
    assert here("decide", asks, "1").code == 0
    until(client, asks, "completed")
    again = here("decide", asks, "2")
    assert (again.code, again.err) == (7, f"stretto: {asks} asks nothing now; it is SUCCEEDED\n")
    other = here("decide", asks, "2", "--interrupt", interrupt.interrupt_id)
    assert other.code == 7
    assert len(other.err.splitlines()) == 1
    assert here("decide", asks, "2", "--interrupt", interrupt.interrupt_id, "--json").error["exit"] == "REFUSED"
    assert here("decide", asks, "1", "--interrupt", interrupt.interrupt_id).code == 0


def test_an_unknown_question_is_not_found(here, order) -> None:
    assert here("decide", order, APPROVE, "--interrupt", "other").code == 3
    assert here("decide", order, "--interrupt", "other").code == 3


def test_of_several_questions_one_must_be_named(here, client, asks_twice) -> None:
    done = here("decide", asks_twice, "true")
    assert (done.code, done.out) == (2, "")
    assert "left?" in done.err
    assert "right?" in done.err
    ids = here("decide", asks_twice, "true", "--json").error["interrupts"]
    assert len(ids) == 2
    assert all(one in done.err for one in ids)
    assert here("decide", asks_twice, '"one"', "--interrupt", ids[0]).code == 0
    assert here("decide", asks_twice, '"two"').code == 0
    assert client.handle(asks_twice).result() == {"answer": "one", "other": "two"}


def test_without_a_person_the_question_is_shown_and_how_to_answer(here, order) -> None:
    done = here("decide", order)
    assert (done.code, done.out) == (2, "")
    assert "Ship it?" in done.err
    assert done.err.endswith(f"stretto: the decision is missing; say: stretto decide {order} DECISION\n")


def test_a_person_is_asked_field_by_field(here, client, order) -> None:
    done = here(
        "decide",
        order,
        typed=(
            "maybe",
            "approve",
            "looks fine",
        ),
    )
    assert done.code == 0
    assert "Ship it?" in done.err
    assert "verdict: 1) APPROVE  2) REJECT" in done.err
    assert "must be one of APPROVE, REJECT" in done.err
    assert done.out.endswith('→ {"verdict": "VERDICT_APPROVE", "comment": "looks fine"}\n')
    until(client, order, "completed")


def test_a_person_may_choose_by_number_and_leave_fields_out(here, order) -> None:
    decided = here(
        "decide",
        order,
        "--json",
        typed=(
            "2",
            "",
        ),
    )
    assert decided.json["decision"] == {"verdict": "VERDICT_REJECT", "comment": ""}


def test_a_person_at_a_terminal_answers_or_leaves(served, client, order) -> None:
    screen = Terminal("decide", order, server=served)
    try:
        screen.until("Ship it?")
        screen.until("verdict: 1) APPROVE  2) REJECT")
        screen.interrupt()
        assert "interrupted" in screen.rest()
        assert screen.process.returncode == 130
    finally:
        screen.close()
    assert client.handle(order).state().pending_interrupts
    screen = Terminal("decide", order, server=served)
    try:
        for prompt, typed in (("2) REJECT", b"approve\n"), ("comment (string", b"fine\n")):
            screen.until(prompt)
            os.write(screen._master, typed)
        assert "Decided: " in screen.rest()
        assert screen.process.returncode == 0
    finally:
        screen.close()


def test_a_person_whose_answer_breaks_a_rule_is_asked_again(here, order) -> None:
    done = here(
        "decide",
        order,
        typed=(
            "",
            "x",
            "1",
            "better",
        ),
    )
    assert done.code == 0
    assert "verdict" in done.err.partition("breaks its contract")[2]
    assert "better" in done.out


def test_a_person_who_goes_away_decides_nothing(here, client, order) -> None:
    done = here("decide", order, typed=())
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("no answer was given; nothing is decided\n")
    assert client.handle(order).state().pending_interrupts


def test_a_person_chooses_among_several_questions(here, asks_twice) -> None:
    done = here(
        "decide",
        asks_twice,
        typed=(
            "3",
            "1",
            "to the left",
        ),
    )
    assert done.code == 0
    assert "'3' is no number from 1 to 2" in done.err
    assert done.out.endswith("→ to the left\n")


def test_a_person_may_answer_in_json(here, asks) -> None:
    assert here(
        "decide",
        asks,
        "--json",
        typed=(
            '{"a": ',
            '{"a": 1}',
        ),
    ).json["decision"] == {"a": 1}


def test_a_cancel_is_said(here, client) -> None:
    workflow_id = until(client, client.start("waits").id, "step_progress")
    done = here("cancel", workflow_id, "--cause", "not needed")
    assert done.code == 0
    assert done.out.startswith(f"{workflow_id} is ")
    until(client, workflow_id, "cancelled")
    assert "cancelled: not needed" in here("history", workflow_id).out
    again = here("cancel", workflow_id, "--json")
    assert again.json["status"] == "WORKFLOW_STATUS_CANCELLED"
    assert here("cancel", workflow_id).out == f"{workflow_id} is cancelled\n"


def test_what_has_ended_cannot_be_cancelled(here, failed) -> None:
    done = here("cancel", failed)
    assert (done.code, done.out) == (7, "")
    assert len(done.err.splitlines()) == 1
    assert here("cancel", failed, "--json").error["reason"] == "WORKFLOW_ENDED"


def test_a_retry_goes_on_in_a_new_workflow(here, client, failed, tmp_path) -> None:
    (tmp_path / "file").touch()
    done = here("retry", failed)
    assert done.code == 0
    new = done.out.strip()
    assert done.err == f"Goes on from the last checkpoint of {failed}. Follow it: stretto watch {new}\n"
    assert client.handle(new).result()["answer"] == "better now"
    assert f"retried as  {new}" in here("state", failed).out
    assert f"made by   retry of {failed}" in here("state", new).out


def test_a_retry_may_be_watched(here, failed, tmp_path) -> None:
    assert here("retry", failed, "--watch").code == 4
    (tmp_path / "file").touch()
    done = here("retry", failed, "--watch", "--json")
    assert done.code == 0
    assert done.lines[-1]["completed"]["result"]["answer"] == "better now"


def test_a_retry_as_json_is_the_new_workflow(here, failed) -> None:
    new = here("retry", failed, "--json").json
    assert new["origin"] == {**new["origin"], "kind": "ORIGIN_KIND_RETRY", "workflow_id": failed}


def test_only_what_failed_can_be_retried(here, order) -> None:
    done = here("retry", order)
    assert (done.code, done.out) == (7, "")
    assert len(done.err.splitlines()) == 1
    assert here("retry", order, "--json").error["reason"] == "NOT_RETRYABLE"


def test_a_fork_goes_on_with_other_values(here, client, order) -> None:
    done = here("fork", order, "--values", '{"customer": "Bob"}')
    assert done.code == 0
    forked = until(client, done.out.strip(), "interrupt_raised")
    assert here("state", forked, "--json").json["snapshot"]["customer"] == "Bob"
    assert here("state", order, "--json").json["snapshot"]["customer"] == "Ann"


def test_a_fork_goes_on_from_the_checkpoint_that_is_named(here, client, order) -> None:
    (checkpoint,) = [
        line["checkpoint_id"]
        for line in here("history", order, "--checkpoints", "--json").lines
        if line["superstep"] == 0
    ]
    new = here("fork", order, "--checkpoint", checkpoint, "--json").json
    assert new["origin"]["checkpoint_id"] == checkpoint
    until(client, new["workflow_id"], "interrupt_raised")
    assert "price" in here("history", new["workflow_id"]).out


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("--values", "[1]"), 2, "--values must be a JSON object"),
        (("--values", "{"), 2, "--values is no JSON"),
        (("--checkpoint", "none"), 3, "checkpoint"),
    ],
)
def test_a_wrong_fork_is_one_line(here, order, argv, code, told) -> None:
    done = here("fork", order, *argv)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert here("fork", order, *argv, "--json").error["exit_code"] == code


def test_the_json_of_an_error_is_on_one_line(here, order) -> None:
    assert json.loads(here("retry", order, "--json").err)["error"]["status"] == "FAILED_PRECONDITION"
