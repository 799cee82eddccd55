"""What stores promise about the deletion of sessions."""

import asyncio

import pytest

from stretto.server.domain import transitions
from stretto.server.domain.change import RunFailed, RunPaused, Saved
from stretto.server.domain.errors import (
    RequestIdReused,
    SessionBusy,
    SessionDeleted,
    SessionNotFound,
    WorkflowNotFound,
)
from stretto.server.domain.session import TURN, Deleted, EntryKind, StoredSessionEvent
from stretto.server.domain.workflow import Failure, Reason
from stretto.server.store import SessionFilter, WorkflowFilter
from tests.contract.making import (
    HISTORY,
    PROJECT,
    a_workflow,
    accepted,
    blob,
    commit,
    encode_session,
    question,
    request,
    running,
)
from tests.contract.talking import ALL, SESSION, ended, journal, replied, said, sequences, started


async def delete(store, session_id=SESSION, at=9_000):
    return await store.delete_session(PROJECT, session_id, at)


async def purge_all(store):
    while await store.purge():
        pass


async def a_rich_session(store):
    """A session whose workflows have rows of every kind, and strangers beside it."""
    for name, session_id in (("wf_1", SESSION), ("wf_9", "s9")):
        await store.create(accepted(name, session_id=session_id, labels=(("team", "blue"),)), request(f"of_{name}"))
        await store.update(PROJECT, name, lambda workflow, _: transitions.claim(workflow, 2_000))
        await store.update(
            PROJECT, name, commit(workflow_id=name, raised=(question(),), saved=HISTORY, end=RunPaused())
        )
        await store.update(PROJECT, name, lambda workflow, _: transitions.cancel(workflow, "", 4_000))
    await said(store)
    await replied(store)
    await running(store, "wf_alone", saved=HISTORY)


async def everything_of(store, session_id, workflow_id):
    """All that readers can get of a session and a workflow of it, when they are there."""
    return (
        await store.session(PROJECT, session_id),
        await journal(store, session_id),
        await store.messages(PROJECT, session_id, ALL),
        await store.session_state(PROJECT, session_id, active_max=9, ended_max=9, with_checkpoints=True),
        await store.get(PROJECT, workflow_id),
        await store.events(PROJECT, workflow_id, 0, ALL),
        await store.interrupts(PROJECT, workflow_id),
        await store.checkpoints(PROJECT, workflow_id, None, ALL),
        await store.checkpoint(PROJECT, workflow_id, ""),
    )


async def expect_gone(store):
    """Nothing of the session of `a_rich_session` is there for readers."""
    for call in (
        store.session(PROJECT, SESSION),
        store.session_state(PROJECT, SESSION, active_max=9, ended_max=9, with_checkpoints=True),
    ):
        with pytest.raises(SessionNotFound):
            await call
    for call in (
        store.get(PROJECT, "wf_1"),
        store.state(PROJECT, "wf_1", with_checkpoint=True),
        store.update(PROJECT, "wf_1", lambda *_: ()),
        store.get(PROJECT, "turn_1"),
    ):
        with pytest.raises(WorkflowNotFound):
            await call
    assert await journal(store) == ()
    assert await store.messages(PROJECT, SESSION, ALL) == ()
    assert await store.turn_messages(PROJECT, SESSION, "turn_1") == ()
    assert await store.events(PROJECT, "wf_1", 0, ALL) == ()
    assert await store.interrupts(PROJECT, "wf_1") == ()
    assert await store.checkpoints(PROJECT, "wf_1", None, ALL) == ()
    assert await store.checkpoint(PROJECT, "wf_1", "") is None
    assert await store.checkpoint(PROJECT, "wf_1", "", "cp_1") is None
    for where in (
        WorkflowFilter(),
        WorkflowFilter(workflow_types=("orders", TURN)),
        WorkflowFilter(session_id=SESSION),
        WorkflowFilter(labels=(("team", "blue"),)),
        WorkflowFilter(statuses=tuple({one.status for one in await store.list(PROJECT, WorkflowFilter(), ALL)})),
    ):
        assert all(one.session_id != SESSION for one in await store.list(PROJECT, where, ALL))
        assert all(one.session_id != SESSION for one in await store.list(PROJECT, where, 1))
    assert [one.session_id for one in await store.sessions(PROJECT, SessionFilter(), ALL)] == ["s9"]


async def test_a_deleted_session_is_gone_for_readers_at_once_and_nothing_else_is(store):
    await a_rich_session(store)
    before = await everything_of(store, "s9", "wf_9"), await store.checkpoints(PROJECT, "wf_alone", None, ALL)
    deleted = await delete(store)
    assert deleted.deleted_at == 9_000
    await expect_gone(store)
    await purge_all(store)
    await expect_gone(store)
    after = await everything_of(store, "s9", "wf_9"), await store.checkpoints(PROJECT, "wf_alone", None, ALL)
    assert after == before
    found = await store.list(PROJECT, WorkflowFilter(), ALL)
    assert {one.workflow_id for one in found} == {"wf_9", "wf_alone"}


async def test_the_deletion_is_the_last_entry_that_watchers_are_told(store):
    await ended(store)
    last = (await store.session(PROJECT, SESSION)).last_sequence
    told, others = [], []
    store.on_session_publication(told.extend)
    store.on_publication(others.extend)
    deleted = await delete(store)
    (publication,) = told
    assert publication.session == deleted
    body = encode_session(SESSION, 9_000, Deleted())
    assert publication.events == (StoredSessionEvent(last + 1, EntryKind.DELETED, body),)
    assert deleted.last_sequence == last + 1
    assert others == []


async def test_deleting_a_session_again_changes_nothing(store):
    await ended(store)
    first = await delete(store)
    told = []
    store.on_session_publication(told.extend)
    assert await delete(store, at=10_000) == first
    await purge_all(store)
    assert await delete(store, at=11_000) == first
    assert told == []


async def test_a_session_that_is_not_there_cannot_be_deleted(store):
    await ended(store)
    with pytest.raises(SessionNotFound):
        await delete(store, "s2")
    with pytest.raises(SessionNotFound):
        await store.delete_session("green", SESSION, 9_000)
    assert await store.session(PROJECT, SESSION)


@pytest.mark.parametrize("make", [started, said])
async def test_a_session_in_which_something_has_not_ended_is_not_deleted(store, make):
    await ended(store, "wf_0")
    busy = await make(store)
    before = await store.session(PROJECT, SESSION)
    with pytest.raises(SessionBusy) as refused:
        await delete(store)
    assert refused.value.metadata["active_workflow_count"] == "1"
    assert await store.session(PROJECT, SESSION) == before
    rule = commit(workflow_id=busy.workflow_id, end=RunFailed(Failure(Reason.STEP_FAILED, "broke")))
    await store.update(PROJECT, busy.workflow_id, rule)
    assert (await delete(store)).deleted_at


async def test_nothing_new_begins_in_a_deleted_session(store):
    await started(store, "wf_1")
    await store.update(PROJECT, "wf_1", commit(end=RunFailed(Failure(Reason.STEP_FAILED, "broke"))))
    await delete(store)
    told = []
    store.on_publication(told.extend)
    store.on_session_publication(told.extend)
    made = a_workflow("wf_2", session_id=SESSION)
    for call in (
        store.create(accepted("wf_2", session_id=SESSION), request()),
        store.create(accepted("turn_2", session_id=SESSION, workflow_type=TURN)),
    ):
        with pytest.raises(SessionDeleted):
            await call
    for rule in (
        lambda workflow, _: transitions.retry(workflow, made, None),
        lambda *_: transitions.fork(made, None),
    ):
        with pytest.raises(WorkflowNotFound):
            await store.update(PROJECT, "wf_1", rule, request())
    assert told == []
    with pytest.raises(WorkflowNotFound):
        await store.get(PROJECT, "wf_2")
    # Neither refusal has used up the request id.
    assert (await store.create(accepted("wf_3", session_id="s2"), request())).fresh


async def test_a_change_that_reaches_into_a_deleted_session_is_refused_whole(store):
    await ended(store)
    await delete(store)
    await started(store, "wf_2", "s2")
    before = await store.session(PROJECT, "s2")
    made = a_workflow("wf_3", session_id=SESSION)

    def rule(workflow, _):
        return (*transitions.commit_run(workflow, (), commit_of_two), *transitions.fork(made, None))

    commit_of_two = commit(workflow_id="wf_2", events=(b"e",)).keywords["commit"]
    with pytest.raises(SessionDeleted):
        await store.update(PROJECT, "wf_2", rule)
    assert await store.session(PROJECT, "s2") == before


async def test_a_repeated_request_of_a_deleted_workflow_is_told_so(store):
    made = accepted("wf_1", session_id=SESSION)
    await store.create(made, request())
    await store.update(PROJECT, "wf_1", lambda workflow, _: transitions.cancel(workflow, "", 4_000), request("cancel"))
    await delete(store)
    for _ in range(2):
        for call in (
            store.create(accepted("wf_2", session_id=SESSION), request()),
            store.create(accepted("wf_2"), request()),
            store.update(PROJECT, "wf_1", lambda *_: (), request("cancel")),
            store.requested(PROJECT, request()),
        ):
            with pytest.raises(SessionDeleted):
                await call
        for call in (store.create(made, request(digest=b"other")), store.requested(PROJECT, request(digest=b"other"))):
            with pytest.raises(RequestIdReused):
                await call
        await purge_all(store)


async def test_deleting_and_starting_at_once_leave_one_of_the_two(store):
    for number in range(10):
        name = f"s_{number}"
        await ended(store, f"wf_{number}", name)
        deleting, starting = delete(store, name), store.create(accepted(f"wf_n{number}", session_id=name))
        calls = (deleting, starting) if number % 2 else (starting, deleting)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert [type(one) for one in refused] == [SessionDeleted if number % 2 else SessionBusy]


async def test_a_session_id_is_free_again_once_its_row_is_forgotten(store):
    await a_rich_session(store)
    await ended(store, "wf_2", "s2")
    await delete(store, at=9_000)
    await delete(store, "s2", at=9_500)
    await purge_all(store)
    assert await store.forget_sessions(9_000) == 0
    assert await store.forget_sessions(9_500) == 1
    assert await store.forget_sessions(9_500) == 0
    with pytest.raises(SessionNotFound):
        await delete(store)
    with pytest.raises(SessionDeleted):
        await store.create(accepted("wf_3", session_id="s2"))
    await started(store, "wf_3")
    assert sequences(await journal(store)) == [1, 2]
    assert (await store.session(PROJECT, SESSION)).workflow_count == 1


async def test_purging_ends_and_says_so(store):
    assert await store.purge() == 0
    for number in range(3):
        await ended(store, f"wf_{number}", f"s_{number}")
        await store.save(PROJECT, f"wf_{number}", Saved(blobs=(blob("a", "1"),)))
        await delete(store, f"s_{number}")
    await purge_all(store)
    assert await store.purge() == 0
    assert await store.forget_sessions(10_000) == 3
    assert await store.list(PROJECT, WorkflowFilter(workflow_types=("orders",)), ALL) == ()
