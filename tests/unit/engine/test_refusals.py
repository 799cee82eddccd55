"""What happens when the store refuses, when a cancel comes at any moment, and when a workflow outgrows its limits."""

import asyncio
import contextlib

from langgraph.config import get_stream_writer

from stretto.server.domain.errors import Overloaded, StoreUnavailable, WorkflowEnded
from stretto.server.domain.workflow import Reason, Status
from stretto.server.engine import buffer, runner
from stretto.server.store.sqlite import _writer
from tests.harness import PROJECT, app_of, engine_of, kinds_of
from tests.unit.engine.making import chain


def three():
    async def step(state):
        await asyncio.sleep(0)
        return {"items": ["x"]}

    return chain(a=step, b=step, c=step)


async def test_p9_a_cancel_at_any_moment_ends_the_workflow(tmp_path):
    async with engine_of(app_of(three=three()), f"sqlite:{tmp_path}/x.db") as engine:

        async def one(turns):
            started = await engine.start("three")
            for _ in range(turns):
                await asyncio.sleep(0)
            with contextlib.suppress(WorkflowEnded):  # It was faster than the cancel.
                await engine.workflows.cancel(PROJECT, started.workflow_id, "")
            return kinds_of(await engine.events(started.workflow_id))[-1]

        async with asyncio.timeout(30):
            ends = [end for turns in range(0, 120, 3) for end in await asyncio.gather(*[one(turns) for _ in range(4)])]
        assert set(ends) <= {"cancelled", "completed"}
        assert "cancelled" in ends
        await engine.executor.drain(5)
        assert engine.dispatcher.running_count == 0


async def test_p11_a_store_that_is_overloaded_strands_no_accepted_workflow(tmp_path, monkeypatch):
    monkeypatch.setattr(_writer, "PENDING_MAX", 4)
    monkeypatch.setattr(_writer, "CREATES_PENDING_MAX", 2, raising=False)
    async with engine_of(app_of(three=three()), f"sqlite:{tmp_path}/x.db", store_retry_seconds=0.01) as engine:

        async def one():
            while True:
                try:
                    started = await engine.start("three")
                    break
                except Overloaded:
                    await asyncio.sleep(0.01)
            return kinds_of(await engine.events(started.workflow_id))[-1]

        async with asyncio.timeout(30):
            assert set(await asyncio.gather(*[one() for _ in range(40)])) == {"completed"}


async def test_a_run_whose_end_cannot_be_written_is_taken_back():
    async with engine_of(app_of(three=three())) as engine:
        update, refused = engine.store.update, []

        async def refuses_once(project, workflow_id, decide, request=None):
            def rule(workflow, interrupts):
                changes = decide(workflow, interrupts)
                if changes and changes[0].workflow.status is Status.SUCCEEDED and not refused:
                    refused.append(1)
                    raise KeyError("a fault of the store")
                return changes

            return await update(project, workflow_id, rule, request)

        engine.store.update = refuses_once
        workflow, events = await engine.run("three")
        assert refused
        assert workflow.status is Status.SUCCEEDED
        assert kinds_of(events).count("completed") == 1


async def test_a_commit_that_is_refused_for_no_known_reason_fails_its_workflow_only():
    async with engine_of(app_of(three=three())) as engine:
        update = engine.store.update

        async def refuses(project, workflow_id, decide, request=None):
            def rule(workflow, interrupts):
                changes = decide(workflow, interrupts)
                if changes and changes[0].saved.checkpoints and changes[0].workflow.status is not Status.FAILED:
                    raise KeyError("a fault of the store")
                return changes

            return await update(project, workflow_id, rule, request)

        engine.store.update = refuses
        workflow, _ = await engine.run("three")
    assert workflow.status is Status.FAILED
    assert workflow.failure.reason is Reason.STATE_INVALID


async def test_p11_progress_without_end_fails_its_workflow(monkeypatch):
    monkeypatch.setattr(buffer, "EVENTS_PER_WORKFLOW_MAX", 50)

    async def floods(state):
        write = get_stream_writer()
        for n in range(10_000):
            write({"message": str(n), "n": n})
            if n % 10 == 0:
                await asyncio.sleep(0.001)
        return {}

    async with engine_of(app_of(floods=chain(floods=floods))) as engine:
        workflow, events = await engine.run("floods")
    assert workflow.failure.reason is Reason.LIMIT_EXCEEDED
    assert len(events) < 200


async def test_many_events_go_into_several_commits(monkeypatch):
    monkeypatch.setattr(buffer, "EVENTS_MAX", 10)
    commits = []

    async def tells(state):
        for n in range(45):
            get_stream_writer()({"message": str(n), "n": n})
        return {"items": ["done"]}

    async with engine_of(app_of(tells=chain(tells=tells))) as engine:
        engine.store.on_publication(lambda publications: commits.extend(len(p.events) for p in publications))
        workflow, events = await engine.run("tells")
        assert engine.result(workflow)["items"] == ["done"]
    assert max(commits) <= 12
    assert [e.step_progress.message for e in events if e.WhichOneof("kind") == "step_progress"] == [
        str(n) for n in range(45)
    ]


async def test_a_state_that_outgrows_a_commit_fails_its_workflow_only(monkeypatch):
    monkeypatch.setattr(buffer, "SAVED_BYTES_MAX", 20_000)
    graph = chain(small=lambda state: {"text": "x"}, large=lambda state: {"items": ["y" * 50_000]})
    async with engine_of(app_of(grows=graph)) as engine:
        workflow, events = await engine.run("grows")
    assert workflow.failure.reason is Reason.LIMIT_EXCEEDED
    assert kinds_of(events)[-1] == "failed"


async def test_p13_a_drain_ends_while_the_store_is_down(monkeypatch):
    monkeypatch.setattr(runner, "RELEASE_SECONDS_MAX", 0.1)
    entered, gate = asyncio.Event(), asyncio.Event()

    async def waits(state):
        entered.set()
        await gate.wait()
        return {}

    async with engine_of(app_of(waits=chain(waits=waits))) as engine:
        await engine.start("waits")
        await entered.wait()

        async def down(*_, **__):
            raise StoreUnavailable

        engine.store.update = down
        async with asyncio.timeout(5):
            await engine.dispatcher.drain(0.1)


async def test_a_late_word_of_a_runs_end_frees_its_place_once():
    async with engine_of(app_of(three=three())) as engine:
        workflow, _ = await engine.run("three")
        await engine.executor.drain(5)
        before = dict(engine.dispatcher._per_type)
        engine.dispatcher.run_ended(PROJECT, workflow.workflow_id, workflow.epoch, told=True)
        assert dict(engine.dispatcher._per_type) == before
        assert engine.dispatcher._per_type["three"] == 0
