"""How the SQLite store puts many writes into one transaction, and what happens when one of them fails."""

import asyncio

import apsw
import pytest

from stretto.server.domain.change import Change, CheckpointCopy, RunSucceeded, Saved
from stretto.server.domain.errors import (
    Overloaded,
    StoreUnavailable,
    WorkflowNotFound,
)
from stretto.server.domain.workflow import Status
from stretto.server.store import _cache
from stretto.server.store.sqlite import _operations, _writer
from tests.contract.making import (
    PROJECT,
    YES,
    a_workflow,
    accepted,
    checkpoint,
    commit,
    request,
    running,
    write,
)
from tests.unit.store.holding import commits_of, fail_with_an_io_error, together


async def test_a_disk_error_at_the_commit_is_nobodys_success(store):
    await running(store)
    store._writer._connection.set_commit_hook(fail_with_an_io_error)
    outcomes = await asyncio.gather(
        *(store.update(PROJECT, "wf_1", commit(events=(b"e",))) for _ in range(3)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert (await store.get(PROJECT, "wf_1")).last_sequence == 2
    # The failed connection, and its hook, are gone.
    assert (await store.update(PROJECT, "wf_1", commit(events=(b"e",)))).workflow.last_sequence == 3


async def test_after_a_failure_only_the_file_is_believed(store, path):
    await running(store)
    store._writer._connection.set_commit_hook(fail_with_an_io_error)
    with pytest.raises(StoreUnavailable):
        await store.update(PROJECT, "wf_1", commit(events=(b"e",)))
    # A commit whose flush failed may turn out to be in the file after all; so that is played here.
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE workflow_state SET epoch = 5")
    connection.close()
    assert (await store.update(PROJECT, "wf_1", commit(epoch=5))).fresh


async def test_writes_that_wait_together_are_one_commit(store):
    await store.create(accepted("hold"))
    commits = commits_of(store)
    done = await together(store, *(store.create(accepted(f"wf_{n}"), request(f"r{n}")) for n in range(100)))
    assert all(outcome.fresh for outcome in done)
    assert len(commits) == 1 + 1  # The first one held them up.


async def test_a_batch_has_a_bound(store):
    await store.create(accepted("hold"))
    commits = commits_of(store)
    await together(store, *(store.probe() for _ in range(_writer.BATCH_MAX + 1)))
    assert len(commits) == 1 + 2


async def test_callers_of_one_batch_are_answered_at_once_after_its_publications(store):
    await store.create(accepted("hold"))
    heard = []
    store.on_publication(lambda publications: heard.append(len(publications)))
    await together(store, *(store.create(accepted(f"wf_{n}")) for n in range(50)))
    assert heard == [50]


async def test_the_guilty_operation_of_a_batch_fails_alone(store):
    await store.create(accepted("hold"))
    await running(store)
    bad_row = Change(workflow=a_workflow("wf_bad", created_at=2**80), created=True)
    taken_id = accepted("wf_1")

    def bug(*_):
        raise ZeroDivisionError

    good, overflow, more, taken, bugged, last = await together(
        store,
        store.update(PROJECT, "wf_1", commit(events=(b"good",))),
        store.create(bad_row, request("bad")),
        store.create(accepted("wf_2"), request()),
        store.create(taken_id),
        store.update(PROJECT, "wf_1", bug),
        store.update(PROJECT, "wf_1", commit(events=(b"last",))),
    )
    assert [type(one) for one in (overflow, taken, bugged)] == [OverflowError, apsw.ConstraintError, ZeroDivisionError]
    assert good.fresh
    assert more.fresh
    assert last.workflow.last_sequence == 4
    assert [event.body for event in await store.events(PROJECT, "wf_1", 2, 9)] == [b"good", b"last"]
    with pytest.raises(WorkflowNotFound):
        await store.get(PROJECT, "wf_bad")
    assert (await store.create(accepted("wf_3"), request("bad"))).fresh


async def test_a_broken_rule_in_the_middle_of_a_copy_takes_the_copy_back(store):
    await store.create(accepted("hold"))
    await running(store, saved=Saved(checkpoints=(checkpoint("cp"),), writes=(write("cp"),)))
    copied = CheckpointCopy("wf_1", "cp", with_writes=True)

    def rule(*_):
        copy = Change(workflow=a_workflow("wf_2"), created=True, copied=copied)
        return (copy, Change(workflow=a_workflow("wf_3", created_at=2**80), created=True))

    (failed,) = await together(store, store.update(PROJECT, "wf_1", rule))
    assert isinstance(failed, OverflowError)
    assert await store.checkpoint(PROJECT, "wf_2", "") is None


async def test_too_many_waiting_writes_are_refused_before_any_effect_and_new_workflows_first(store, monkeypatch):
    monkeypatch.setattr(_writer, "CREATES_PENDING_MAX", 3)
    monkeypatch.setattr(_writer, "PENDING_MAX", 5)
    await store.create(accepted("hold"))
    await running(store)
    creates = [store.create(accepted(f"wf_c{n}")) for n in range(5)]
    updates = [store.update(PROJECT, "wf_1", commit(events=(b"e",))) for _ in range(5)]
    outcomes = await together(store, *creates, *updates)
    refused = [isinstance(outcome, Overloaded) for outcome in outcomes]
    assert refused == [False] * 3 + [True] * 2 + [False] * 2 + [True] * 3
    assert (await store.get(PROJECT, "wf_1")).last_sequence == 4
    with pytest.raises(WorkflowNotFound):
        await store.get(PROJECT, "wf_c3")
    assert (await store.create(accepted("wf_c3"))).fresh


async def test_many_more_workflows_than_the_writer_remembers_are_all_right(store, monkeypatch):
    monkeypatch.setattr(_cache, "ENTRIES_MAX", 3)
    monkeypatch.setattr(_cache, "INPUT_BYTES_MAX", 100)
    names = [f"wf_{number}" for number in range(10)]
    await asyncio.gather(*(running(store, name) for name in names))
    for number in range(3):
        for name in names:
            rule = commit(workflow_id=name, events=(b"%d" % number,))
            assert (await store.update(PROJECT, name, rule)).workflow.last_sequence == 3 + number
    assert len(store._writer._caches.workflows._entries) <= 3


async def test_an_ended_workflow_is_not_remembered(store):
    await running(store)
    assert (PROJECT, "wf_1") in store._writer._caches.workflows
    await store.update(PROJECT, "wf_1", commit(end=RunSucceeded(YES)))
    assert (PROJECT, "wf_1") not in store._writer._caches.workflows
    assert (await store.update(PROJECT, "wf_1", lambda *_: ())).workflow.status is Status.SUCCEEDED


async def test_many_old_request_ids_are_forgotten_in_small_parts(store, monkeypatch):
    monkeypatch.setattr(_operations, "FORGOTTEN_MAX", 3)
    await asyncio.gather(*(store.create(accepted(f"wf_{n}"), request(f"r{n}", at=n)) for n in range(10)))
    commits = commits_of(store)
    assert await store.forget_requests(8) == 8
    assert len(commits) == 3
    assert not (await store.create(accepted("wf_10"), request("r8"))).fresh


async def test_a_cancelled_caller_does_not_disturb_the_batch(store):
    await store.create(accepted("hold"))
    cancelled = asyncio.ensure_future(store.create(accepted("wf_1")))
    await asyncio.sleep(0)
    cancelled.cancel()
    async with asyncio.timeout(10):
        assert (await store.create(accepted("wf_2"))).fresh
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_a_broken_listener_keeps_nobody_waiting(store):
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))

    def broken(_):
        raise ZeroDivisionError

    store.on_publication(broken)
    async with asyncio.timeout(10):
        assert (await store.create(accepted())).fresh
    assert [type(error) for error in heard] == [ZeroDivisionError]
