"""What reads promise, over every store."""

from dataclasses import replace

import pytest

from stretto.server.domain.change import RunSucceeded, Saved
from stretto.server.domain.errors import WorkflowNotFound
from stretto.server.domain.workflow import Status
from stretto.server.store import Unfinished, WorkflowFilter
from tests.contract.making import (
    PROJECT,
    YES,
    accepted,
    checkpoint,
    claim,
    commit,
    question,
    running,
    waiting,
    write,
)


def ids(workflows):
    return [workflow.workflow_id for workflow in workflows]


async def test_a_workflow_that_is_not_there_is_not_found(store):
    await store.create(accepted(project="green"))
    with pytest.raises(WorkflowNotFound):
        await store.get(PROJECT, "wf_1")
    with pytest.raises(WorkflowNotFound):
        await store.state(PROJECT, "wf_1", with_checkpoint=True)
    assert await store.interrupts(PROJECT, "wf_1") == ()
    assert await store.events(PROJECT, "wf_1", 0, 10) == ()


async def test_events_are_read_in_pages(store):
    await running(store)
    await store.update(PROJECT, "wf_1", commit(events=tuple(b"%d" % number for number in range(3, 11))))
    assert [event.sequence for event in await store.events(PROJECT, "wf_1", 4, 3)] == [5, 6, 7]
    assert [event.sequence for event in await store.events(PROJECT, "wf_1", 8, 100)] == [9, 10]
    assert await store.events(PROJECT, "wf_1", 10, 100) == ()


async def test_the_state_is_a_workflow_with_its_interrupts_and_newest_checkpoint(store):
    await waiting(store)
    saved = Saved(
        checkpoints=(checkpoint("cp_1"), checkpoint("cp_2", "cp_1"), checkpoint("cp_9", namespace="sub")),
        writes=(write("cp_2"),),
    )
    await store.save(PROJECT, "wf_1", saved)
    state = await store.state(PROJECT, "wf_1", with_checkpoint=True)
    assert state.workflow == await store.get(PROJECT, "wf_1")
    assert state.interrupts == (question(),)
    assert state.checkpoint == await store.checkpoint(PROJECT, "wf_1", "", "cp_2")
    assert (await store.state(PROJECT, "wf_1", with_checkpoint=False)).checkpoint is None


async def test_a_state_without_interrupts_or_checkpoints_has_none(store):
    await store.create(accepted())
    state = await store.state(PROJECT, "wf_1", with_checkpoint=True)
    assert (state.interrupts, state.checkpoint) == ((), None)


async def test_workflows_are_listed_newest_first_in_pages_with_ties(store):
    times = {"wf_a": 10, "wf_b": 20, "wf_c": 20, "wf_d": 20, "wf_e": 30}
    for workflow_id, created_at in times.items():
        await store.create(accepted(workflow_id, created_at=created_at))
    await store.create(accepted("wf_z", project="green", created_at=99))
    found, before = [], None
    while page := await store.list(PROJECT, WorkflowFilter(), 2, before):
        assert len(page) <= 2
        found += ids(page)
        before = (page[-1].created_at, page[-1].workflow_id)
    assert found == ["wf_e", "wf_d", "wf_c", "wf_b", "wf_a"]


async def some_workflows(store):
    """wf_0 to wf_11, created in this order, of all kinds."""
    for number in range(12):
        workflow_id = f"wf_{number:02}"
        labels = (("even", str(number % 2 == 0)), ("third", str(number % 3)))
        await store.create(
            accepted(
                workflow_id,
                workflow_type=("orders", "refunds", "rare")[0 if number < 6 else 1 if number < 11 else 2],
                session_id="s1" if number % 4 == 0 else "",
                labels=labels if number < 8 else (),
                created_at=100 + number,
            )
        )
        if number % 2:
            await store.update(PROJECT, workflow_id, claim)
        if number % 6 == 1:
            await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, end=RunSucceeded(YES)))
    await store.create(accepted("wf_00", project="green", session_id="s1", labels=(("even", "True"),)))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (WorkflowFilter(workflow_types=("refunds",)), [10, 9, 8, 7, 6]),
        (WorkflowFilter(workflow_types=("rare", "refunds"), created_after=109), [11, 10, 9]),
        (WorkflowFilter(statuses=(Status.SUCCEEDED,)), [7, 1]),
        (WorkflowFilter(statuses=(Status.RUNNING, Status.SUCCEEDED)), [11, 9, 7, 5, 3, 1]),
        (WorkflowFilter(statuses=(Status.RUNNING, Status.RUNNING), workflow_types=("orders",)), [5, 3]),
        (WorkflowFilter(statuses=(Status.FAILED,)), []),
        (WorkflowFilter(session_id="s1"), [8, 4, 0]),
        (WorkflowFilter(session_id="s1", statuses=(Status.QUEUED,), created_before=108), [4, 0]),
        (WorkflowFilter(session_id="s1", workflow_types=("orders",)), [4, 0]),
        (WorkflowFilter(labels=(("even", "True"),)), [6, 4, 2, 0]),
        (WorkflowFilter(labels=(("third", "0"), ("even", "True"))), [6, 0]),
        (WorkflowFilter(labels=(("even", "False"),), statuses=(Status.RUNNING,), workflow_types=("orders",)), [5, 3]),
        (WorkflowFilter(labels=(("even", "True"),), session_id="s1", created_after=101), [4]),
        (WorkflowFilter(labels=(("even", "no"),)), []),
        (WorkflowFilter(created_after=103, created_before=105), [4, 3]),
    ],
)
async def test_filters_hold_together(store, where, expected):
    await some_workflows(store)
    names = [f"wf_{number:02}" for number in expected]
    assert ids(await store.list(PROJECT, where, 100)) == names
    assert ids(await store.list(PROJECT, where, 1)) == names[:1]
    if len(expected) > 1:
        cursor = (100 + expected[0], names[0])
        assert ids(await store.list(PROJECT, where, 100, cursor)) == names[1:]


async def test_unfinished_workflows_of_all_projects_are_told_oldest_first(store):
    await some_workflows(store)
    await waiting(store, "wf_w")
    await store.create(accepted("wf_d", project="green", created_at=1, deadline=77, session_id="s2"))
    found = await store.unfinished()
    assert found[0] == Unfinished("green", "wf_d", "orders", "1", "s2", Status.QUEUED, 1, 77, 0)
    assert [one.created_at for one in found] == sorted(one.created_at for one in found)
    assert {one.status for one in found} == {Status.QUEUED, Status.RUNNING, Status.WAITING}
    assert len(found) == 10 + 1 + 1 + 1


async def test_a_workflow_that_ended_is_not_unfinished(store):
    await running(store)
    assert ids(await store.unfinished()) == ["wf_1"]
    await store.update(PROJECT, "wf_1", commit(end=RunSucceeded(YES)))
    assert await store.unfinished() == ()


async def test_a_read_after_a_write_sees_it(store):
    workflow = await running(store)
    for number in range(30):
        done = await store.update(PROJECT, "wf_1", commit(events=(b"%d" % number,), headline=str(number)))
        workflow = replace(workflow, headline=str(number))
        assert await store.get(PROJECT, "wf_1") == done.workflow
        assert (await store.events(PROJECT, "wf_1", done.workflow.last_sequence - 1, 9))[0].body == b"%d" % number
