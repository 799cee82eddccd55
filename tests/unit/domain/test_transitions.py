"""The rules about statuses, and what they count of the time in each."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.server.domain import transitions
from stretto.server.domain.change import Change, RunCommit, RunFailed, RunPaused, RunReleased, RunSucceeded
from stretto.server.domain.errors import NotRetryable, StaleEpoch, StrettoError
from stretto.server.domain.event import TimedOut
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow import (
    TIMES,
    Failure,
    Interrupt,
    InterruptStatus,
    Reason,
    Status,
    Step,
    Workflow,
    evolve,
    time_in,
)

CREATED = 1_000_000
NOTHING = Payload(STRUCT, b"")
TROUBLE = Failure(Reason.STEP_FAILED, "busy", "Busy", "pay", "s1", 1)


def new(**more):
    workflow = Workflow(
        project="p",
        workflow_id="wf_1",
        workflow_type="pays",
        type_version="1",
        status=Status.QUEUED,
        request_id="r",
        input=NOTHING,
        created_at=CREATED,
        updated_at=CREATED,
        **more,
    )
    return transitions.accept(workflow).workflow


def commit(workflow, at, **more):
    """What the executor that owns the workflow says, or the one that takes it up."""
    claims = workflow.status is Status.QUEUED
    return RunCommit(project="p", workflow_id="wf_1", epoch=workflow.epoch + claims, at=at, claims=claims, **more)


def committed(workflow, at, interrupts=(), **more):
    return transitions.commit_run(workflow, interrupts, commit(workflow, at, **more))


def running(**more):
    (change,) = committed(new(**more), CREATED + 10, steps=(Step("s1", "pay", 1, 0), Step("s2", "check", 1, 0)))
    return change.workflow


def question(status=InterruptStatus.PENDING):
    return Interrupt("i1", "k", "asks", "s1", "really?", "", CREATED, status)


class Walk:
    """A workflow to which one thing after another happens, most of which its status may refuse."""

    def __init__(self):
        self.workflow = new(deadline=CREATED + 5_000)
        self.interrupts = ()

    def take(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            self.workflow = change.workflow
            known = {interrupt.interrupt_id: interrupt for interrupt in (*self.interrupts, *change.interrupts)}
            self.interrupts = tuple(known.values())

    def step(self, what: str, at: int) -> None:
        self.take(HAPPENS[what](self.workflow, self.interrupts, at))


def pauses(workflow, interrupts, at):
    raised = () if interrupts else (question(),)
    return committed(workflow, at, interrupts, raised=raised, end=RunPaused())


HAPPENS = {
    "news": lambda workflow, asked, at: committed(workflow, at, asked),
    "pauses": pauses,
    "released": lambda workflow, asked, at: committed(workflow, at, asked, end=RunReleased()),
    "succeeds": lambda workflow, asked, at: committed(workflow, at, asked, end=RunSucceeded(NOTHING)),
    "fails": lambda workflow, asked, at: committed(workflow, at, asked, end=RunFailed(TROUBLE)),
    "decided": lambda workflow, asked, at: transitions.decide(workflow, asked, "i1", NOTHING, at),
    "cancelled": lambda workflow, _, at: transitions.cancel(workflow, "", at),
    "abandoned": lambda workflow, _, at: transitions.abandon(workflow, workflow.epoch, at),
    "expires": lambda workflow, _, at: transitions.expire(workflow, at),
    "crashes": lambda workflow, _, at: transitions.recover(workflow, at, crashes_max=3),
    "drained": lambda workflow, _, at: transitions.release(workflow, workflow.epoch, at),
}
OFTEN = ["news", "pauses", "decided", "drained", "released"]
"""What ends nothing, so that walks are not over at once."""


PAUSES = st.integers(0, 1_000)


@given(st.lists(st.tuples(st.sampled_from([*HAPPENS, *OFTEN, *OFTEN]), PAUSES), max_size=30), PAUSES)
def test_the_times_in_all_statuses_add_up_to_the_life_of_a_workflow(happens, later):
    walk, at = Walk(), CREATED
    for what, pause in happens:
        at += pause
        before = walk.workflow
        try:
            walk.step(what, at)
        except (StrettoError, KeyError):
            assert walk.workflow is before
        after = walk.workflow
        assert before.status is after.status or after.status_since == at
        assert sum(time_in(after, status, at) for status in TIMES) == (after.ended_at or at) - CREATED
    now = at + later
    assert sum(time_in(walk.workflow, status, now) for status in TIMES) == (walk.workflow.ended_at or now) - CREATED


def test_each_status_has_its_own_time():
    walk = Walk()
    for what, at in (("pauses", 70), ("decided", 100), ("news", 105), ("succeeds", 111)):
        walk.step(what, CREATED + at)
    ended = walk.workflow
    assert ended.status is Status.SUCCEEDED
    # The first executor claims and pauses at once: what it had to say came in one commit.
    assert (ended.queued_for, ended.ran_for, ended.waited_for) == (70 + 5, 6, 30)
    assert ended.status_since == ended.ended_at


def test_a_clock_that_is_set_back_makes_no_time_negative():
    early = committed(new(), CREATED - 500)[0].workflow
    assert (early.queued_for, early.status_since) == (0, CREATED)
    assert time_in(early, Status.RUNNING, CREATED - 100) == 0


def test_what_was_written_before_times_were_kept_counts_from_its_creation():
    old = evolve(new(), status=Status.WAITING)
    assert old.status_since == 0
    assert time_in(old, Status.WAITING, CREATED + 7) == 7


@pytest.mark.parametrize(
    ("workflow", "doing"),
    [
        (new(deadline=CREATED + 1), "the workflow waited for an executor"),
        (evolve(running(deadline=CREATED + 1), status=Status.WAITING), "the workflow waited for a decision"),
        (running(deadline=CREATED + 1), "these steps were running: check, pay"),
        (evolve(running(deadline=CREATED + 1), steps=()), "these steps were running: none"),
    ],
)
def test_a_passed_deadline_has_a_status_of_its_own_and_says_what_was_running(workflow, doing):
    (change,) = transitions.expire(workflow, CREATED + 20)
    failure = Failure(Reason.DEADLINE_EXCEEDED, f"The deadline passed while {doing}.")
    assert change.workflow.status is Status.TIMED_OUT
    assert change.workflow.status.terminal
    assert change.workflow.failure == failure
    assert [event.what for event in change.events] == [TimedOut(failure)]
    assert change.workflow.epoch == workflow.epoch + 1
    assert transitions.expire(change.workflow, CREATED + 30) == ()


@pytest.mark.parametrize("status", Status)
def test_what_failed_timed_out_or_was_quarantined_can_be_retried_and_nothing_else(status):
    source, made = evolve(new(), status=status), replace(new(), workflow_id="wf_2")
    if status in (Status.FAILED, Status.TIMED_OUT, Status.QUARANTINED):
        first, second = transitions.retry(source, made, None)
        assert (first.workflow.workflow_id, second.workflow.retried_as) == ("wf_2", "wf_2")
    else:
        with pytest.raises(NotRetryable):
            transitions.retry(source, made, None)


def test_the_newest_trouble_stays_until_the_workflow_succeeds():
    later = replace(TROUBLE, attempt=2)
    workflow = running()
    for trouble, shown in ((None, None), (TROUBLE, TROUBLE), (None, TROUBLE), (later, later), (None, later)):
        workflow = committed(workflow, CREATED + 20, trouble=trouble)[-1].workflow
        assert workflow.trouble == shown
    assert committed(workflow, CREATED + 30, end=RunFailed(later))[-1].workflow.trouble == later
    assert committed(workflow, CREATED + 30, end=RunSucceeded(NOTHING))[-1].workflow.trouble is None


def test_of_two_that_were_handed_the_same_workflow_only_the_one_that_claimed_it_may_write():
    queued = new()
    first = commit(queued, CREATED + 10)
    (claimed,) = transitions.commit_run(queued, (), first, "first")
    assert claimed.workflow.owner == "first"
    for late in (first, commit(claimed.workflow, CREATED + 20)):
        with pytest.raises(StaleEpoch):
            transitions.commit_run(claimed.workflow, (), late, "second")
    transitions.commit_run(claimed.workflow, (), commit(claimed.workflow, CREATED + 20), "first")


def test_who_did_not_claim_a_workflow_neither_takes_it_back_nor_lets_go_of_it() -> None:
    (claimed,) = transitions.claim(new(), 2_000, "mine")
    workflow = claimed.workflow
    assert transitions.recover(workflow, 3_000, crashes_max=3, epoch=1, owner="yours") == ()
    assert transitions.release(workflow, 1, 3_000, "yours") == ()
    assert transitions.abandon(workflow, 1, 3_000, "yours") == ()
    assert transitions.recover(workflow, 3_000, crashes_max=3, epoch=1, owner="mine")
    assert transitions.recover(workflow, 3_000, crashes_max=3, epoch=1)
    assert transitions.release(workflow, 1, 3_000, "mine")
    assert transitions.abandon(workflow, 1, 3_000, "mine")
