"""Drains, crashes, stalls and a store that fails: how a workflow comes to its executor, and to another one."""

import asyncio
import threading
from dataclasses import replace
from functools import partial

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from structlog.testing import capture_logs

from stretto.server.domain import transitions
from stretto.server.domain.errors import Overloaded, StoreUnavailable
from stretto.server.domain.workflow import Reason, Status
from stretto.server.engine import dispatcher, ledger
from stretto.server.engine.executor import Executor
from stretto.server.engine.ledger import StoreLedger
from stretto.server.engine.serializer import StateInvalid
from stretto.testing._executor import LocalExecutor
from tests.harness import PROJECT, app_of, engine_of, kinds_of, steps_of, struct
from tests.unit.engine.making import State, chain, gated, until_step

HANG_SECONDS = 20
"""A test that hangs shall say where."""


async def test_p13_a_drain_stops_between_two_steps_and_another_executor_goes_on():
    graph, gate, ran = gated()
    async with engine_of(app_of(gated=graph)) as engine:
        started = await engine.start("gated")
        await until_step(engine, started.workflow_id, "waits")
        draining = asyncio.create_task(engine.dispatcher.drain(5))
        await asyncio.sleep(0)
        gate.set()
        await draining
        released = await engine.store.get(PROJECT, started.workflow_id)
        assert (released.status, released.crashes) == (Status.QUEUED, 0)
        engine.dispatcher.draining = False
        await engine.dispatcher.recover()
        await engine.events(started.workflow_id)
    assert ran == ["first", "waits", "last"]


async def test_workflows_of_types_that_nobody_serves_any_more_are_told_at_start(tmp_path):
    async def asks(state):
        return {"items": [str(interrupt("Well?"))]}

    url = f"sqlite:{tmp_path / 'one.db'}"
    async with engine_of(app_of(asks=chain(asks=asks), kept=chain(asks=asks)), url) as engine:
        for name in ("asks", "asks", "kept"):
            await engine.until_status((await engine.start(name)).workflow_id, Status.WAITING)
    with capture_logs() as logs:
        async with engine_of(app_of(kept=chain(asks=asks)), url) as engine:
            await engine.dispatcher.recover()
    told = [entry for entry in logs if entry["event"] == "workflows_of_types_not_served"]
    assert [(entry["log_level"], entry["unfinished"]) for entry in told] == [("warning", {"asks": 2})]


async def test_p13_a_drain_takes_back_what_does_not_stop_in_time():
    graph, gate, ran = gated()
    async with engine_of(app_of(gated=graph)) as engine:
        started = await engine.start("gated")
        await until_step(engine, started.workflow_id, "waits")
        await engine.dispatcher.drain(0.05)
        released = await engine.store.get(PROJECT, started.workflow_id)
        assert (released.status, released.crashes) == (Status.QUEUED, 0)
        gate.set()
        engine.dispatcher.draining = False
        await engine.dispatcher.recover()
        workflow = await engine.until_status(started.workflow_id, Status.SUCCEEDED)
        assert engine.result(workflow)["items"] == ["first", "waits", "last"]
        events = await engine.events(started.workflow_id)
    attempts = [(event.step, event.attempt) for event in events if event.WhichOneof("kind") == "step_started"]
    assert attempts == [("first", 1), ("waits", 1), ("waits", 2), ("last", 1)]
    assert ran == ["first", "waits", "waits", "last"]


async def test_p7_a_stale_owner_changes_nothing_and_stops():
    graph, gate, _ = gated()
    async with engine_of(app_of(gated=graph)) as engine:
        started = await engine.start("gated")
        await until_step(engine, started.workflow_id, "waits")
        # The executor is taken for dead while it lives: another one gets the workflow.
        engine.executor.disown = lambda *_: None
        zombie = engine.executor
        engine.dispatcher.executor_died(zombie)
        second = Executor(
            engine.graphs, StoreLedger(engine.store), engine.contracts, engine.clock, engine.dispatcher.run_ended
        )
        zombie_runs = dict(engine.graphs.runs)
        engine.graphs.runs.clear()
        engine.dispatcher.executor_joined(LocalExecutor(second))
        await engine.until(started.workflow_id, "step_started")
        gate.set()
        events = await engine.events(started.workflow_id)
        await zombie.drain(5)
        assert zombie_runs
        assert await engine.events(started.workflow_id) == events
        workflow = await engine.store.get(PROJECT, started.workflow_id)
        assert engine.result(workflow)["items"] == ["first", "waits", "last"]
    assert kinds_of(events).count("completed") == 1
    assert steps_of(events, "step_completed") == ["first", "waits", "last"]


async def test_a_workflow_whose_executors_keep_dying_is_quarantined():
    graph, _, _ = gated()
    async with engine_of(app_of(gated=graph), crashes_max=2) as engine:
        started = await engine.start("gated")
        for attempt in (1, 2):
            await until_step(engine, started.workflow_id, "waits", attempt)
            engine.executor.disown(started.workflow_id, attempt * 2 - 1)
            engine.dispatcher.executor_died(engine.executor)
            engine.graphs.runs.clear()
            engine.dispatcher.executor_joined(engine.executor)
        workflow = await engine.until_status(started.workflow_id, Status.QUARANTINED)
        events = await engine.events(started.workflow_id)
        assert workflow.failure.reason is Reason.POISONED
        assert "waits" in workflow.failure.message
        assert kinds_of(events)[-1] == "quarantined"
        made = await engine.workflows.retry(PROJECT, started.workflow_id)
        assert made.status is Status.QUEUED


async def test_p7_a_thread_of_a_stopped_run_writes_nothing_into_the_next_one():
    """A sync node goes on in its thread after a cancel of its run, and so does the graph that it invokes."""
    entered, gate, refused = threading.Event(), threading.Event(), []

    def lingers(state):
        if not entered.is_set():
            entered.set()
            gate.wait(20)
        return {"items": ["inner"]}

    inner = chain(lingers=lingers).compile()

    def outer(state):
        try:
            return {"items": inner.invoke({"text": "x"})["items"]}
        except StateInvalid as error:
            refused.append(error)
            raise

    async with engine_of(app_of(threaded=chain(outer=outer))) as engine:
        started = await engine.start("threaded")
        await asyncio.to_thread(entered.wait, 20)
        engine.executor.disown(started.workflow_id, 1)
        engine.dispatcher.executor_died(engine.executor)
        engine.dispatcher.executor_joined(engine.executor)
        await engine.events(started.workflow_id)
        state = await engine.store.checkpoints(PROJECT, started.workflow_id, None, 100)
        gate.set()
        while not refused:
            await asyncio.sleep(0.01)
        assert await engine.store.checkpoints(PROJECT, started.workflow_id, None, 100) == state
        workflow = await engine.store.get(PROJECT, started.workflow_id)
        assert engine.result(workflow)["items"] == ["inner"]


async def test_an_executor_that_stalls_gets_no_more_work_until_it_answers():
    ran = []

    async def work(state):
        ran.append(state["text"])
        return {}

    async with engine_of(app_of(work=chain(work=work))) as engine:
        engine.executor.stalled = True
        held = await engine.start("work", {"text": "held"})
        assert engine.dispatcher.queued_count == 1
        engine.executor.stalled = False
        await engine.run("work", {"text": "next"})
        await engine.events(held.workflow_id)
    assert sorted(ran) == ["held", "next"]


async def test_a_workflow_whose_executor_stalls_while_it_is_read_is_queued_again(monkeypatch):
    asks = chain(asks=lambda state: {"text": interrupt("?")})
    async with asyncio.timeout(HANG_SECONDS), engine_of(app_of(asks=asks)) as engine:
        started = await engine.start("asks")
        await engine.until_status(started.workflow_id, Status.WAITING)
        (question,) = await engine.store.interrupts(PROJECT, started.workflow_id)
        read = engine.store.interrupts

        async def read_and_stall(*key):
            engine.executor.stalled = True
            return await read(*key)

        with monkeypatch.context() as patched:
            patched.setattr(engine.store, "interrupts", read_and_stall)
            await engine.decide(started.workflow_id, question.interrupt_id, "yes")
            while not engine.dispatcher.queued_count:
                await asyncio.sleep(0)
        engine.executor.stalled = False
        await engine.start("asks")
        await engine.events(started.workflow_id)


async def test_p6_a_workflow_that_changes_while_it_is_read_is_handed_out_once(monkeypatch):
    ran, reading, may_go_on = [], [], asyncio.Event()

    def asks(name):
        def node(state):
            interrupt("?")
            ran.append(name)
            return {}

        return node

    graph = StateGraph(State)
    for name in ("one", "two"):
        graph.add_node(name, asks(name))
        graph.add_edge(START, name)
    async with asyncio.timeout(HANG_SECONDS), engine_of(app_of(asks=graph)) as engine:
        started = await engine.start("asks")
        await engine.until_status(started.workflow_id, Status.WAITING)
        questions = await engine.store.interrupts(PROJECT, started.workflow_id)
        read, update = engine.store.interrupts, engine.store.update

        async def read_and_wait(*key):
            reading.append(key)
            await may_go_on.wait()
            return await read(*key)

        handed, assign = [], engine.executor.assign
        monkeypatch.setattr(engine.executor, "assign", lambda one: [handed.append(one.workflow.epoch), assign(one)])
        monkeypatch.setattr(engine.store, "interrupts", read_and_wait)
        at = engine.clock.now()
        for question in questions:
            await update(PROJECT, started.workflow_id, partial(_decided, question.interrupt_id, at))
        while len(reading) < len(questions):
            await asyncio.sleep(0)
        may_go_on.set()
        await engine.events(started.workflow_id)
        assert len(handed) == 1
    assert sorted(ran) == ["one", "two"]


def _decided(interrupt_id, at, workflow, interrupts):
    return transitions.decide(workflow, interrupts, interrupt_id, struct("yes"), at)


async def test_what_goes_in_turn_keeps_its_order_when_the_store_fails(monkeypatch):
    ran, fails = [], [StoreUnavailable()]
    app = app_of(talk=chain(talk=lambda state: ran.append(state["text"]) or {}))
    app.declarations["talk"] = replace(app.declarations["talk"], in_turn=True)
    monkeypatch.setattr(dispatcher, "ROWS_KEPT_MAX", 0)
    async with engine_of(app, store_retry_seconds=0.01) as engine:
        read = engine.store.get

        async def read_but_once(*key):
            if fails:
                raise fails.pop()
            return await read(*key)

        monkeypatch.setattr(engine.store, "get", read_but_once)
        texts = ["one", "two", "three"]
        started = [await engine.start("talk", {"text": text}, session_id="s1") for text in texts]
        for workflow in started:
            await engine.events(workflow.workflow_id)
    assert ran == texts


async def test_a_run_waits_for_its_checkpoint_while_the_store_is_away(monkeypatch):
    monkeypatch.setattr(ledger, "RETRY_SECONDS", 0.001)
    fails = [StoreUnavailable(), Overloaded(), StoreUnavailable()]
    async with engine_of(app_of(asks=chain(asks=lambda state: {"text": interrupt("?")}))) as engine:
        started = await engine.start("asks")
        await engine.until_status(started.workflow_id, Status.WAITING)
        (question,) = await engine.store.interrupts(PROJECT, started.workflow_id)
        read = engine.store.checkpoint

        async def read_at_last(*key):
            if fails:
                raise fails.pop()
            return await read(*key)

        monkeypatch.setattr(engine.store, "checkpoint", read_at_last)
        await engine.decide(started.workflow_id, question.interrupt_id, "yes")
        events = await engine.events(started.workflow_id)
    assert not fails
    assert kinds_of(events)[-1] == "completed"


async def test_a_run_that_is_cut_off_leaves_no_commit_under_way(monkeypatch):
    asked = asyncio.Event()

    async def never(*_):
        asked.set()
        await asyncio.Event().wait()

    async with engine_of(app_of(chain=chain(a=lambda _: {}))) as engine:
        monkeypatch.setattr(engine.store, "update", never)
        await engine.start("chain")
        await asked.wait()
        await engine.executor.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
