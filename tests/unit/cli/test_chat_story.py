"""What is known of a session after its events."""

import pytest

from stretto.cli._chat import Story
from stretto.workflow.v1 import workflow_pb2 as model
from stretto.workflow.v1.workflow_service_pb2 import GetStateResponse
from tests.unit.cli.talking import CANCELLED, DECIDED, FAILED, LAUNCHED, SUCCEEDED, WAITING, Journal
from tests.unit.cli.telling import ID, Teller, asked


@pytest.fixture
def journal() -> Journal:
    return Journal()


def told(journal: Journal) -> Story:
    story = Story()
    for event in journal.events:
        story.apply(event)
    return story


def test_a_reply_that_is_written_goes_when_it_is_there(journal: Journal) -> None:
    journal.user("hello")
    journal.delta("Hel")
    journal.delta("lo.")
    assert told(journal).writing.text == "Hello."
    journal.reply("Hello.")
    story = told(journal)
    assert (story.writing, story.sequence) == (None, 4)


def test_text_of_another_try_replaces_that_of_the_first(journal: Journal) -> None:
    journal.delta("I shall", attempt="a")
    journal.delta("Better", attempt="b")
    journal.delta(" so.", attempt="b")
    assert told(journal).writing.text == "Better so."


def test_a_workflow_is_seen_until_its_end_was_told(journal: Journal) -> None:
    teller = Teller()
    journal.progress(teller.accepted())
    journal.progress(teller.starts("pack", "s1"))
    journal.progress(teller.tells("pack", "s1", 0.4, "half a box"))
    view = told(journal).views[ID]
    assert (view.workflow_type, view.fraction, view.headline) == ("parcel", 0.4, "half a box")
    journal.progress(teller.completes({}))
    assert list(told(journal).views) == [ID]
    journal.notice(SUCCEEDED, "Parcel is done.")
    assert told(journal).views == {}


def test_a_chat_is_settled_once_what_it_started_has_ended_and_that_was_told(journal: Journal) -> None:
    teller = Teller()
    journal.progress(teller.accepted())
    assert told(journal).settled, "nobody here has started it"
    journal.reply("Started.", (ID, LAUNCHED))
    assert not told(journal).settled
    journal.progress(teller.completes({}))
    assert not told(journal).settled
    journal.notice(FAILED, "Parcel failed.")
    assert told(journal).settled


@pytest.mark.parametrize("touch", [LAUNCHED, DECIDED, CANCELLED])
def test_a_chat_is_settled_while_what_it_touched_waits_and_all_questions_were_told(journal, touch) -> None:
    teller, one, two = Teller(), asked("i1", "left?", "left", "s1"), asked("i2", "right?", "right", "s2")
    journal.progress(teller.accepted())
    journal.reply("Yes.", (ID, touch))
    for step in (one, two):
        journal.progress(teller.starts(step.step, step.step_id))
        journal.progress(teller.asks(step))
    journal.notice(WAITING, "left?", one)
    assert not told(journal).settled
    journal.notice(WAITING, "right?", two)
    assert told(journal).settled
    journal.progress(teller.decided(one))
    assert not told(journal).settled


def test_a_workflow_that_an_answer_is_about_is_not_waited_for(journal: Journal) -> None:
    journal.progress(Teller().accepted())
    journal.reply("It runs.", (ID, 0))
    assert told(journal).settled


def test_a_workflow_that_was_read_goes_on_with_its_next_event(journal: Journal) -> None:
    question = asked("i1", "go?")
    step = model.Step(step_id="s1", step="pack", attempt=2, fraction=0.5, message="half a box")
    row = model.Workflow(
        workflow_id=ID,
        workflow_type="parcel",
        status=model.WORKFLOW_STATUS_WAITING,
        fraction=0.5,
        headline="half a box",
        current_steps=[step],
    )
    story = Story(7)
    story.seed(GetStateResponse(workflow=row, as_of_sequence=3, pending_interrupts=[question]))
    view = story.views[ID]
    assert (view.status, view.fraction, list(view.questions)) == (model.WORKFLOW_STATUS_WAITING, 0.5, ["i1"])
    assert [step.path for step in view.open_steps.values()] == ["pack"]
    teller = Teller()
    journal.progress(teller.accepted())  # The state was read after it.
    teller.sequence = 3
    journal.progress(teller.tells("pack", "s1", 0.75))
    for event in journal.events:
        story.apply(event)
    assert (view.fraction, view.sequence, view.status) == (0.75, 4, model.WORKFLOW_STATUS_WAITING)


def test_a_workflow_that_had_ended_is_not_taken_over() -> None:
    story = Story()
    row = model.Workflow(workflow_id=ID, status=model.WORKFLOW_STATUS_SUCCEEDED)
    story.seed(GetStateResponse(workflow=row))
    assert story.views == {}


def test_a_deletion_is_seen(journal: Journal) -> None:
    journal.deleted()
    assert told(journal).deleted
