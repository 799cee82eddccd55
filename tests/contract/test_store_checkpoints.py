"""What stores promise about LangGraph's rows."""

import asyncio

from stretto.server.domain import transitions
from stretto.server.domain.change import CheckpointCopy, RunFailed, Saved
from stretto.server.domain.workflow import Failure, Reason
from tests.contract.making import HISTORY, PROJECT, a_workflow, blob, checkpoint, commit, running, write


def checkpoint_ids(found):
    return [(one.checkpoint.namespace, one.checkpoint.checkpoint_id) for one in found]


async def test_a_checkpoint_comes_back_with_its_blobs_and_writes(store):
    one = checkpoint("cp_1", channels=(("messages", "1.5"), ('odd "é\\\n', "x"), ("gone", "1")))
    blobs = (blob("messages", "1.5", b"m"), blob('odd "é\\\n', "x", b"\x00"))
    writes = (write("cp_1", "task_a", -1), write("cp_1", "task_a", 0), write("cp_1", "task_b", 0))
    strangers = Saved(
        checkpoints=(checkpoint("cp_1", namespace="sub"),),
        blobs=(blob("messages", "2"), blob("messages", "1.5", b"other", "sub")),
        writes=(write("cp_0"), write("cp_1", namespace="sub")),
    )
    await store.save(PROJECT, "wf_1", strangers)
    await store.save(PROJECT, "wf_1", Saved(checkpoints=(one,), blobs=blobs, writes=tuple(reversed(writes))))
    found = await store.checkpoint(PROJECT, "wf_1", "", "cp_1")
    assert (found.checkpoint, found.blobs, found.writes) == (one, blobs, writes)


async def test_a_run_commits_its_rows_together_with_its_events(store):
    await running(store)
    saved = Saved(
        checkpoints=(checkpoint("cp_1", channels=(("a", "1"),)),), blobs=(blob("a", "1"),), writes=(write("cp_1"),)
    )
    done = await store.update(PROJECT, "wf_1", commit(events=(b"e",), saved=saved))
    assert done.workflow.has_checkpoints
    found = await store.checkpoint(PROJECT, "wf_1", "")
    assert (found.checkpoint, found.blobs, found.writes) == (saved.checkpoints[0], saved.blobs, saved.writes)


async def test_the_newest_checkpoint_is_the_one_with_the_greatest_id(store):
    saved = Saved(checkpoints=(checkpoint("b"), checkpoint("c"), checkpoint("a"), checkpoint("z", namespace="sub")))
    await store.save(PROJECT, "wf_1", saved)
    assert (await store.checkpoint(PROJECT, "wf_1", "")).checkpoint.checkpoint_id == "c"
    assert (await store.checkpoint(PROJECT, "wf_1", "sub")).checkpoint.checkpoint_id == "z"
    assert await store.checkpoint(PROJECT, "wf_1", "other") is None
    assert await store.checkpoint(PROJECT, "wf_1", "", "z") is None
    assert await store.checkpoint("green", "wf_1", "") is None


async def test_checkpoints_are_listed_newest_first(store):
    saved = Saved(
        checkpoints=(*(checkpoint(name) for name in "adbc"), *(checkpoint(name, namespace="sub") for name in "ce")),
        writes=(write("c"),),
    )
    await store.save(PROJECT, "wf_1", saved)
    assert checkpoint_ids(await store.checkpoints(PROJECT, "wf_1", "", 9)) == [("", name) for name in "dcba"]
    assert checkpoint_ids(await store.checkpoints(PROJECT, "wf_1", "", 2, "d")) == [("", "c"), ("", "b")]
    everything = await store.checkpoints(PROJECT, "wf_1", None, 4)
    assert checkpoint_ids(everything) == [("sub", "e"), ("", "d"), ("", "c"), ("sub", "c")]
    assert [len(one.writes) for one in everything] == [0, 0, 1, 0]
    assert await store.checkpoints(PROJECT, "wf_2", None, 4) == ()


async def test_a_row_with_the_same_key_is_replaced(store):
    first = Saved(
        checkpoints=(checkpoint("cp", channels=(("a", "1"),)),),
        blobs=(blob("a", "1", b"old"),),
        writes=(write("cp", body=b"old"), write("cp", index=1)),
    )
    newer = Saved(
        checkpoints=(checkpoint("cp", superstep=9, channels=(("a", "1"),)),),
        blobs=(blob("a", "1", b"new"),),
        writes=(write("cp", body=b"newer"), write("cp", body=b"new")),
    )
    await store.save(PROJECT, "wf_1", first)
    await store.save(PROJECT, "wf_1", newer)
    found = await store.checkpoint(PROJECT, "wf_1", "", "cp")
    assert (found.checkpoint, found.blobs) == (newer.checkpoints[0], newer.blobs)
    assert [one.blob.body for one in found.writes] == [b"new", b"w"]


async def test_deleted_checkpoints_are_gone_and_no_others(store):
    saved = Saved(
        checkpoints=(checkpoint("cp", channels=(("a", "1"),)), checkpoint("cp", namespace="sub")),
        blobs=(blob("a", "1"),),
        writes=(write("cp"),),
    )
    for project, workflow_id in ((PROJECT, "wf_1"), (PROJECT, "wf_2"), ("green", "wf_1")):
        await store.save(project, workflow_id, saved)
    await store.delete_checkpoints(PROJECT, "wf_1")
    assert await store.checkpoints(PROJECT, "wf_1", None, 9) == ()
    assert len(await store.checkpoints(PROJECT, "wf_2", None, 9)) == 2
    assert len(await store.checkpoints("green", "wf_1", None, 9)) == 2
    await store.save(PROJECT, "wf_1", Saved(checkpoints=saved.checkpoints))
    found = await store.checkpoint(PROJECT, "wf_1", "")
    assert (found.blobs, found.writes) == ((), ())


async def copy_of_history(store, copied):
    """Copy from a failed workflow into a new one; gives back what the new one has, by namespace and id."""
    await running(store, saved=HISTORY)
    made = a_workflow("wf_2", has_checkpoints=True)
    if copied.with_writes:
        await store.update(PROJECT, "wf_1", commit(end=RunFailed(Failure(Reason.STEP_FAILED, "broke"))))
        await store.update(PROJECT, "wf_1", lambda workflow, _: transitions.retry(workflow, made, copied))
    else:
        await store.update(PROJECT, "wf_1", lambda *_: transitions.fork(made, copied))
    found = await store.checkpoints(PROJECT, "wf_2", None, 99)
    return {(one.checkpoint.namespace, one.checkpoint.checkpoint_id): one for one in found}


async def test_a_copy_with_writes_has_what_subgraphs_saved_since(store):
    found = await copy_of_history(store, CheckpointCopy("wf_1", "cp_4", with_writes=True))
    assert sorted(found) == [("", "cp_1"), ("", "cp_2"), ("", "cp_4"), ("sub:x", "cp_3"), ("sub:x", "cp_6")]


async def test_a_copy_has_the_checkpoint_its_ancestors_and_the_subgraphs_until_then(store):
    found = await copy_of_history(store, CheckpointCopy("wf_1", "cp_4", with_writes=False))
    assert sorted(found) == [("", "cp_1"), ("", "cp_2"), ("", "cp_4"), ("sub:x", "cp_3")]
    assert found["", "cp_4"].blobs == (blob("a", "2", b"2"), blob("c", "1"))
    assert found["", "cp_1"].blobs == (blob("a", "1", b"1"),)
    assert found["sub:x", "cp_3"].blobs == (blob("b", "1", namespace="sub:x"),)
    for key, one in found.items():
        assert one.checkpoint == next(
            original for original in HISTORY.checkpoints if (original.namespace, original.checkpoint_id) == key
        )


async def test_a_copy_with_writes_has_those_of_finished_tasks(store):
    found = await copy_of_history(store, CheckpointCopy("wf_1", "cp_4", with_writes=True))
    counts = {key: len(one.writes) for key, one in found.items()}
    assert counts == {("", "cp_1"): 1, ("", "cp_2"): 1, ("", "cp_4"): 2, ("sub:x", "cp_3"): 1, ("sub:x", "cp_6"): 0}


async def test_a_copy_without_writes_has_only_those_of_ancestors(store):
    found = await copy_of_history(store, CheckpointCopy("wf_1", "cp_4", with_writes=False))
    counts = {key: len(one.writes) for key, one in found.items()}
    assert counts == {("", "cp_1"): 1, ("", "cp_2"): 1, ("", "cp_4"): 0, ("sub:x", "cp_3"): 0}


async def test_a_copy_has_only_the_blobs_it_needs_and_its_source_keeps_its_own(store):
    await copy_of_history(store, CheckpointCopy("wf_1", "cp_4", with_writes=True))
    probe = checkpoint("cp_9", channels=(("a", "1"), ("a2", "0"), ("c", "1")))
    every = tuple((one.channel, one.version) for one in HISTORY.blobs if one.channel == "a")
    for channel, version in every:
        await store.save(PROJECT, "wf_2", Saved(checkpoints=(checkpoint("cp_9", channels=((channel, version),)),)))
        found = await store.checkpoint(PROJECT, "wf_2", "", "cp_9")
        assert len(found.blobs) == (version in ("1", "2"))
    await store.save(PROJECT, "wf_1", Saved(checkpoints=(probe,)))
    assert len((await store.checkpoint(PROJECT, "wf_1", "", "cp_9")).blobs) == 2
    assert len(await store.checkpoints(PROJECT, "wf_1", None, 99)) == len(HISTORY.checkpoints) + 1


async def test_a_copy_sees_what_was_written_just_before_it(store):
    await running(store)
    rule = commit(saved=HISTORY)
    copied = CheckpointCopy("wf_1", "cp_2", with_writes=True)
    writing = store.update(PROJECT, "wf_1", rule)
    forking = store.update(PROJECT, "wf_1", lambda *_: transitions.fork(a_workflow("wf_2"), copied))
    await asyncio.gather(writing, forking)
    assert checkpoint_ids(await store.checkpoints(PROJECT, "wf_2", "", 9)) == [("", "cp_2"), ("", "cp_1")]
