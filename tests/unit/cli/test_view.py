"""The view folds what events tell; it is fed with events made by hand."""

import pytest

from stretto.cli._live import StepStatus, WorkflowView
from stretto.cli._live._view import CLOSED_STEPS_MAX, TEXT_CHARACTERS_MAX
from stretto.workflow.v1 import progress_event_pb2 as events
from stretto.workflow.v1 import workflow_pb2 as model
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from tests.unit.cli.telling import BEGAN, ID, Teller, asked, at, error, result_of


@pytest.fixture
def tell():
    return Teller()


def fold(*told):
    view = WorkflowView(ID)
    for event in told:
        view.apply(event)
    return view


def test_a_workflow_is_queued_then_runs_then_has_succeeded(tell):
    view = fold(tell.accepted())
    assert (view.status, view.workflow_type, view.type_version) == (
        WorkflowStatus.WORKFLOW_STATUS_QUEUED,
        "parcel",
        "2",
    )
    view.apply(tell(started=events.WorkflowStarted()))
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_RUNNING
    view.apply(tell.completes({"answer": 1}))
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_SUCCEEDED
    assert view.ended
    assert view.ended_at == BEGAN + 3
    assert view.result == result_of({"answer": 1})
    assert view.sequence == 3


def test_a_step_has_its_share_its_message_and_its_duration(tell):
    view = fold(tell.starts("pack", "s1"), tell.tells("pack", "s1", 0.5, "half of it"))
    step = view.open_steps["s1"]
    assert (step.status, step.fraction, step.message) == (StepStatus.RUNNING, 0.5, "half of it")
    assert (view.fraction, view.headline) == (0.5, "half of it")
    view.apply(tell.finishes("pack", "s1", seconds=2))
    (step,) = view.closed_steps
    assert (step.status, step.ended_at - step.started_at) == (StepStatus.FINISHED, 2)
    assert not view.open_steps


def test_what_a_finished_step_told_is_not_the_headline_of_the_next(tell):
    view = fold(tell.starts("pack", "s1"), tell.tells("pack", "s1", 1.0, "packed"), tell.finishes("pack", "s1"))
    assert (view.fraction, view.headline) == (0.0, "")


def test_a_message_without_a_share_keeps_the_share(tell):
    view = fold(tell.starts("pack", "s1"), tell.tells("pack", "s1", 0.5), tell.tells("pack", "s1", None, "on"))
    assert (view.open_steps["s1"].fraction, view.open_steps["s1"].message) == (0.5, "on")


def test_a_retry_tells_why_and_when_and_the_next_attempt_begins_anew(tell):
    view = fold(
        tell.starts("book", "s1"),
        tell.tells("book", "s1", 0.9, "nearly"),
        tell.retries("book", "s1", 1, next_second=30),
    )
    step = view.open_steps["s1"]
    assert (step.status, step.next_attempt_at) == (StepStatus.RETRYING, BEGAN + 30)
    assert step.error == error()
    view.apply(tell.starts("book", "s1", attempt=2))
    step = view.open_steps["s1"]
    assert (step.attempt, step.status, step.fraction, step.message) == (2, StepStatus.RUNNING, None, "")
    assert step.order == 1
    view.apply(tell.finishes("book", "s1", attempt=2))
    assert view.closed_steps[0].error is None


def test_parallel_executions_of_one_node_are_told_apart(tell):
    view = fold(
        tell.starts("page", "s1"), tell.starts("page", "s2"), tell.tells("page", "s2", 0.7), tell.finishes("page", "s1")
    )
    assert view.open_steps["s2"].fraction == 0.7
    assert [step.step_id for step in view.closed_steps] == ["s1"]
    assert view.finished["page"] == 1
    assert view.last["page"] is StepStatus.FINISHED


def test_a_nested_step_belongs_to_the_step_around_it(tell):
    view = fold(tell.starts("write", "s1"), tell.starts("write/think", "s2"), tell.starts("write/think/look", "s3"))
    assert [step.parent for step in view.open_steps.values()] == ["", "s1", "s2"]
    assert view.open_steps["s3"].name == "look"


def test_nested_steps_that_are_given_up_end_with_the_step_around_them(tell):
    view = fold(tell.starts("write", "s1"), tell.starts("write/think", "s2"), tell.fails("write", "s1"))
    assert not view.open_steps
    assert [(step.path, step.status) for step in view.closed_steps] == [
        ("write/think", StepStatus.STOPPED),
        ("write", StepStatus.FAILED),
    ]


def test_a_step_in_one_of_several_belongs_to_nobody_and_outlives_the_others(tell):
    view = fold(
        tell.starts("job", "j1"), tell.starts("job", "j2"), tell.starts("job/run", "r"), tell.fails("job", "j1")
    )
    assert view.open_steps["r"].parent == ""
    assert view.open_steps["r"].status is StepStatus.RUNNING
    view.apply(tell.fails("job", "j2"))
    assert not view.open_steps
    assert [(step.step_id, step.status) for step in view.closed_steps] == [
        ("j1", StepStatus.FAILED),
        ("r", StepStatus.STOPPED),
        ("j2", StepStatus.FAILED),
    ]


def test_the_last_of_several_stops_its_own_steps_and_those_of_nobody(tell):
    view = fold(tell.starts("job", "j1"), tell.starts("job/run", "own"), tell.starts("job", "j2"))
    view.apply(tell.starts("job/run", "nobody's"))
    assert [step.parent for step in view.open_steps.values()] == ["", "j1", "", ""]
    view.apply(tell.fails("job", "j2"))
    assert {"own", "nobody's"} <= set(view.open_steps)
    view.apply(tell.fails("job", "j1"))
    assert not view.open_steps


def test_questions_in_steps_side_by_side_make_the_workflow_wait(tell):
    view = fold(tell.starts("job", "j1"), tell.starts("job", "j2"))
    for number in ("1", "2"):
        view.apply(tell.starts("job/ask", f"a{number}"))
        view.apply(tell.asks(asked(f"q{number}", "go on?", "job/ask", f"a{number}")))
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_WAITING


def test_steps_that_are_over_leave_nothing_behind(tell):
    view = fold(tell.starts("job", "j1"), tell.starts("job", "j2"))
    for number in range(1_000):
        view.apply(tell.starts("job/run", f"r{number}"))
        view.apply(tell.finishes("job/run", f"r{number}"))
    assert len(view._under_way._inside) == 0
    assert dict(view._under_way._executions) == {"job": 2}


def test_text_of_a_model_is_joined_and_messages_are_set_apart(tell):
    view = fold(
        tell.starts("think", "s1"),
        tell.says("think", "s1", "Hel"),
        tell.says("think", "s1", "lo"),
        tell.says("think", "s1", "Again", message_id="n"),
    )
    assert view.open_steps["s1"].text == "Hello\nAgain"


def test_only_the_end_of_a_long_text_is_kept(tell):
    view = fold(tell.starts("think", "s1"), *(tell.says("think", "s1", f"{number:05} ") for number in range(2_000)))
    text = view.open_steps["s1"].text
    assert len(text) == TEXT_CHARACTERS_MAX
    assert text.endswith("01999 ")


def test_a_question_waits_until_it_is_decided(tell):
    question = asked("q1", "go on?")
    view = fold(tell.accepted(), tell.starts("ask", "s1"), tell.asks(question))
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_WAITING
    assert view.open_steps["s1"].status is StepStatus.WAITING
    assert list(view.questions) == ["q1"]
    view.apply(tell.decided(question))
    assert not view.questions
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_RUNNING
    view.apply(tell.starts("ask", "s1", attempt=2))
    assert view.open_steps["s1"].status is StepStatus.RUNNING


def test_a_workflow_with_a_question_runs_as_long_as_another_step_does(tell):
    view = fold(tell.starts("ask", "s1"), tell.starts("work", "s2"), tell.asks(asked("q1", "go on?")))
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_RUNNING


def test_a_question_in_a_subgraph_makes_the_workflow_wait(tell):
    view = fold(
        tell.starts("write", "s1"),
        tell.starts("write/ask", "s2"),
        tell.asks(asked("q1", "go on?", "write/ask", "s2")),
    )
    assert view.status == WorkflowStatus.WORKFLOW_STATUS_WAITING


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ({"failed": events.WorkflowFailed(error=error())}, WorkflowStatus.WORKFLOW_STATUS_FAILED),
        ({"timed_out": events.WorkflowTimedOut(error=error())}, WorkflowStatus.WORKFLOW_STATUS_TIMED_OUT),
        ({"quarantined": events.WorkflowQuarantined(error=error())}, WorkflowStatus.WORKFLOW_STATUS_QUARANTINED),
    ],
)
def test_an_error_ends_it_and_stops_the_steps_under_way(tell, kind, status):
    view = fold(tell.starts("a", "s1"), tell.asks(asked("q1", "?")), tell(**kind))
    assert (view.status, view.error) == (status, error())
    assert not view.questions
    assert [step.status for step in view.closed_steps] == [StepStatus.STOPPED]


def test_a_cancel_is_requested_and_then_done(tell):
    view = fold(tell.starts("a", "s1"), tell(cancel_requested=events.CancelRequested(cause="too late")))
    assert view.cancel_requested
    view.apply(tell(cancelled=events.WorkflowCancelled(cause="too late")))
    assert (view.status, view.cause) == (WorkflowStatus.WORKFLOW_STATUS_CANCELLED, "too late")


def test_steps_that_began_before_the_first_event_seen_are_made_up(tell):
    view = fold(tell.tells("pack", "s1", 0.3), tell.finishes("load", "s2"))
    assert view.open_steps["s1"].path == "pack"
    assert view.closed_steps[0].path == "load"


def test_a_view_that_begins_later_knows_what_the_state_says(tell):
    view = WorkflowView(ID)
    view.seed(model.Workflow(workflow_type="parcel", type_version="2", created_at=at(0)), 7)
    assert (view.workflow_type, view.created_at, view.sequence) == ("parcel", BEGAN, 7)
    ended = model.Workflow(status="WORKFLOW_STATUS_FAILED", ended_at=at(9))
    view.conclude(api.GetStateResponse(workflow=ended, error=error()))
    assert (view.ended, view.error, view.ended_at) == (True, error(), BEGAN + 9)


def test_a_state_that_has_not_ended_concludes_nothing():
    view = WorkflowView(ID)
    view.conclude(api.GetStateResponse(workflow=model.Workflow(status="WORKFLOW_STATUS_RUNNING")))
    assert not view.ended


def test_an_event_of_a_newer_server_only_counts(tell):
    view = fold(tell.accepted(), tell())
    assert view.sequence == 2


def test_ten_thousand_events_are_folded_in_bounded_memory(tell):
    told = [tell.accepted()]
    for number in range(2_500):
        told += [
            tell.starts("page", f"s{number}"),
            tell.tells("page", f"s{number}", 0.5, "half"),
            tell.says("page", f"s{number}", "word "),
            tell.finishes("page", f"s{number}"),
        ]
    view = fold(*told)
    assert len(view.closed_steps) == CLOSED_STEPS_MAX
    assert view.closed_count == 2_500
    assert view.finished["page"] == 2_500
    assert not view.open_steps
    assert not view._messages
