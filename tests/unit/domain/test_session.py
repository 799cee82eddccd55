"""What a session's journal tells of its workflows."""

from dataclasses import replace
from typing import Any

import pytest

from stretto.server.domain import session as sessions
from stretto.server.domain import transitions
from stretto.server.domain.change import Change, EncodedEvent, RunCommit, RunFailed, RunPaused, RunSucceeded
from stretto.server.domain.event import Event, StepStarted, StoredEvent
from stretto.server.domain.payload import Payload
from stretto.server.domain.session import (
    QUESTION_CHARACTERS_MAX,
    TURN,
    Deleted,
    Entry,
    EntryKind,
    Noticed,
    NoticeKind,
    Replied,
    ReplyFailed,
    Session,
    StoredSessionEvent,
    UserSaid,
)
from stretto.server.domain.workflow import Failure, Interrupt, InterruptStatus, Reason, Status, Workflow, evolve

FAILURE = Failure(Reason.STEP_FAILED, "the rig is closed.", "ValueError", "book_rig")
QUESTION = Interrupt("q1", "key", "review", "s1", "Go on?", "", 5)
NAMELESS = Failure(Reason.STEP_FAILED, "'name'", "KeyError")


def workflow(workflow_type: str = "exercise_planning", **fields: Any) -> Workflow:
    given = {
        "project": "p",
        "workflow_id": "wf_1",
        "workflow_type": workflow_type,
        "type_version": "1",
        "status": Status.RUNNING,
        "request_id": "r",
        "input": Payload("x.Input", b"in"),
        "created_at": 10,
        "updated_at": 10,
        "session_id": "s",
        "epoch": 1,
    }
    return Workflow(**{**given, **fields})


def run(row: Workflow, **fields: Any) -> Change:
    commit = RunCommit(project="p", workflow_id=row.workflow_id, epoch=row.epoch, at=20, **fields)
    (change,) = transitions.commit_run(row, (), commit)
    return change


def notice(change: Change) -> Noticed:
    """The last entry of a change, which is a notice."""
    entry = sessions.entries_of(change)[-1]
    assert entry.kind is EntryKind.NOTICE
    assert isinstance(entry.what, Noticed)
    return entry.what


def test_an_event_of_a_workflow_stands_for_itself_and_notices_come_after_the_events():
    change = run(workflow(), events=(EncodedEvent(b"a"), EncodedEvent(b"b", is_text=True)), end=RunFailed(FAILURE))
    entries = sessions.entries_of(change)
    assert entries[:3] == tuple(Entry(EntryKind.PROGRESS, event=index) for index in range(3))
    assert [entry.kind for entry in entries[3:]] == [EntryKind.NOTICE]


@pytest.mark.parametrize(
    ("status", "fields", "text"),
    [
        (Status.SUCCEEDED, {}, "Exercise planning is done."),
        (Status.SUCCEEDED, {"headline": "Rig booked"}, "Exercise planning is done: Rig booked"),
        (Status.CANCELLED, {}, "Exercise planning was cancelled."),
        (Status.CANCELLED, {"cancel_cause": "no time"}, "Exercise planning was cancelled: no time"),
        (Status.FAILED, {"failure": FAILURE}, "Exercise planning failed at book rig: the rig is closed."),
        (Status.FAILED, {"failure": NAMELESS}, "Exercise planning failed: KeyError: 'name'"),
        (Status.FAILED, {"failure": replace(FAILURE, step="")}, "Exercise planning failed: the rig is closed."),
        (Status.QUARANTINED, {"failure": replace(FAILURE, step="")}, "Exercise planning failed: the rig is closed."),
        (Status.TIMED_OUT, {"failure": FAILURE}, "Exercise planning ran out of time: the rig is closed."),
        (Status.FAILED, {}, "Exercise planning failed: for a reason that was not told."),
    ],
)
def test_an_end_is_told_in_plain_words(status, fields, text):
    ended = workflow(status=status, **fields)
    told = notice(Change(workflow=ended, events=(EncodedEvent(b"terminal"),)))
    assert told == Noticed(NoticeKind[status.name], "wf_1", "exercise_planning", text)


def test_every_way_to_end_has_its_notice():
    assert {kind.name for kind in NoticeKind} - {"WAITING"} == {status.name for status in Status if status.terminal}


def test_a_change_of_an_ended_workflow_is_no_second_end():
    ended = workflow(status=Status.FAILED, failure=FAILURE)
    assert sessions.entries_of(Change(workflow=evolve(ended, retried_as="wf_2"))) == ()


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Go on?", "Go on?"),
        ({"question": " Which rig? ", "other": 1}, "Which rig?"),
        ({"prompt": "P", "question": 7}, "P"),
        ({"message": "M"}, "M"),
        ({"text": "T"}, "T"),
        ({"title": "I", "text": "T"}, "T"),
        ({"amount": 3}, "a decision is needed."),
        ("   ", "a decision is needed."),
        (["a"], "a decision is needed."),
        (None, "a decision is needed."),
        ("x" * QUESTION_CHARACTERS_MAX, "x" * QUESTION_CHARACTERS_MAX),
        ("x" * (QUESTION_CHARACTERS_MAX + 1), "x" * (QUESTION_CHARACTERS_MAX - 1) + "…"),
    ],
)
def test_a_question_is_found_in_whatever_its_graph_asks_with(question, text):
    assert sessions.question_text(question) == text


def test_a_question_is_told_with_the_interrupt_and_only_while_it_is_open():
    change = run(workflow("finance-review"), raised=(QUESTION,), end=RunPaused())
    text = "Finance review asks: Go on?"
    assert notice(change) == Noticed(NoticeKind.WAITING, "wf_1", "finance-review", text, QUESTION)
    decided = replace(QUESTION, status=InterruptStatus.DECIDED)
    assert sessions.entries_of(Change(workflow=change.workflow, interrupts=(decided,))) == ()


def test_a_turn_shows_its_message_its_text_and_its_reply_and_nothing_else():
    accepted = transitions.accept(workflow(TURN, status=Status.QUEUED))
    assert sessions.entries_of(accepted) == (Entry(EntryKind.MESSAGE, UserSaid("wf_1", Payload("x.Input", b"in"))),)
    reply = Payload("x.Reply", b"out")
    events = (EncodedEvent(b"step"), EncodedEvent(b"Hel", is_text=True), EncodedEvent(b"lo", is_text=True))
    change = run(workflow(TURN), events=(*events,), raised=(QUESTION,), end=RunSucceeded(reply))
    assert sessions.entries_of(change) == (
        Entry(EntryKind.REPLY_DELTA, event=1),
        Entry(EntryKind.REPLY_DELTA, event=2),
        Entry(EntryKind.MESSAGE, Replied("wf_1", reply)),
    )


@pytest.mark.parametrize("failure", [FAILURE, None])
def test_a_turn_that_ends_without_a_reply_says_so(failure):
    status = Status.FAILED if failure else Status.CANCELLED
    ended = Change(workflow=workflow(TURN, status=status, failure=failure), events=(EncodedEvent(b"terminal"),))
    assert sessions.entries_of(ended) == (Entry(EntryKind.MESSAGE, ReplyFailed("wf_1", failure)),)


def session(**fields: Any) -> Session:
    return Session(**{"project": "p", "session_id": "s", "created_at": 10, "updated_at": 10, **fields})


def advanced(before: Session, old: Workflow | None, change: Change) -> Session:
    return sessions.advance(before, old, change, sessions.entries_of(change))


def test_the_counts_follow_a_workflow_from_its_start_to_its_end():
    queued = workflow(status=Status.QUEUED)
    now = advanced(sessions.first(queued), None, transitions.accept(queued))
    assert now == session(last_sequence=1, workflow_count=1, active_workflow_count=1)
    running = workflow()
    change = run(running, raised=(QUESTION,), end=RunPaused())
    now = advanced(now, running, change)
    assert now == replace(now, updated_at=20, last_sequence=2, message_count=1, pending_interrupt_count=1)
    assert now.active_workflow_count == 1
    waiting = change.workflow
    (cancelled,) = transitions.cancel(waiting, "", 30)
    now = advanced(now, waiting, cancelled)
    assert (now.pending_interrupt_count, now.active_workflow_count, now.workflow_count) == (0, 0, 1)
    assert (now.last_sequence, now.message_count, now.updated_at) == (5, 2, 30)


def test_turns_are_no_workflows_to_count_but_keep_a_session_busy():
    queued = workflow(TURN, status=Status.QUEUED)
    now = advanced(sessions.first(queued), None, transitions.accept(queued))
    assert (now.workflow_count, now.active_workflow_count, now.active_turn_count, now.busy_count) == (0, 0, 1, 1)
    now = advanced(now, workflow(TURN), run(workflow(TURN), end=RunSucceeded(Payload("x.Reply", b""))))
    assert (now.active_turn_count, now.busy_count, now.message_count) == (0, 0, 2)


def test_a_session_is_as_new_as_what_happened_last_in_it():
    old = workflow(updated_at=5)
    assert advanced(session(updated_at=10), old, Change(workflow=old)).updated_at == 10


def encoded(session_id, at, what):
    return repr((session_id, at, what)).encode()


def test_new_entries_get_their_numbers_and_their_public_form():
    row = workflow(last_sequence=3)
    change = run(row, events=(Event(20, StepStarted()),), end=RunFailed(FAILURE))
    events = (StoredEvent(4, b"started"), StoredEvent(5, b"failed"))
    now, new = sessions.record(session(last_sequence=7), row, change, events, encoded)
    told = notice(change)
    assert new == (
        StoredSessionEvent(8, EntryKind.PROGRESS, b"started", "wf_1", 4),
        StoredSessionEvent(9, EntryKind.PROGRESS, b"failed", "wf_1", 5),
        StoredSessionEvent(10, EntryKind.NOTICE, encoded("s", 20, told), "wf_1"),
    )
    assert (now.last_sequence, now.message_count) == (10, 1)


def test_a_deletion_is_the_last_entry():
    deleted, last = sessions.delete(session(last_sequence=7, message_count=2), 50, encoded)
    assert deleted == session(last_sequence=8, message_count=2, updated_at=50, deleted_at=50)
    assert last == StoredSessionEvent(8, EntryKind.DELETED, encoded("s", 50, Deleted()))
