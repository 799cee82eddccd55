"""Retries and forks: how a workflow goes on from where another one stood."""

import asyncio
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel
from typing_extensions import TypedDict

from stretto.server.domain.errors import (
    CheckpointNotFound,
    InvalidRequest,
    NotRetryable,
)
from stretto.server.domain.workflow import Edit, Status
from tests.harness import PROJECT, app_of, engine_of, struct
from tests.unit.engine.making import State, chain


async def test_a_failed_workflow_goes_on_as_a_new_one_from_its_last_checkpoint():
    ran, broken = [], [True]

    async def first(state):
        ran.append("first")
        return {"items": ["first"]}

    async def second(state):
        ran.append("second")
        if broken:
            raise ValueError("not today")
        return {"items": ["second"]}

    async with engine_of(app_of(two=chain(first=first, second=second))) as engine:
        failed, events = await engine.run("two", {"text": "x"})
        assert failed.status is Status.FAILED
        broken.clear()
        made = await engine.workflows.retry(PROJECT, failed.workflow_id)
        await engine.events(made.workflow_id)
        done = await engine.store.get(PROJECT, made.workflow_id)
        assert engine.result(done) == {"text": "x", "items": ["first", "second"]}
        assert done.origin.workflow_id == failed.workflow_id
        old = await engine.store.get(PROJECT, failed.workflow_id)
        assert (old.status, old.retried_as) == (Status.FAILED, made.workflow_id)
        assert await engine.events(failed.workflow_id) == events
        with pytest.raises(NotRetryable):
            await engine.workflows.retry(PROJECT, done.workflow_id)
    assert ran == ["first", "second", "second"]


async def test_p6_a_retry_does_not_repeat_parallel_steps_that_have_an_outcome():
    ran, broken, recorded = [], [True], asyncio.Event()

    def marks(name):
        async def node(state):
            ran.append(name)
            return {"items": [name]}

        return node

    async def breaks(state):
        ran.append("breaks")
        if broken:
            await recorded.wait()
            raise ValueError("not today")
        return {"items": ["breaks"]}

    graph = StateGraph(State)
    for name, node in (("good", marks("good")), ("breaks", breaks)):
        graph.add_node(name, node)
        graph.add_edge(START, name)
    async with engine_of(app_of(both=graph)) as engine:
        started = await engine.start("both")
        await engine.until(started.workflow_id, "step_completed")
        recorded.set()
        await engine.events(started.workflow_id)
        failed = await engine.store.get(PROJECT, started.workflow_id)
        broken.clear()
        made = await engine.workflows.retry(PROJECT, failed.workflow_id)
        await engine.events(made.workflow_id)
        done = await engine.store.get(PROJECT, made.workflow_id)
        assert sorted(engine.result(done)["items"]) == ["breaks", "good"]
    assert ran.count("good") == 1


async def test_p6_a_retry_goes_on_inside_of_the_subgraph_that_failed():
    ran, broken = [], [True]

    async def first(state):
        ran.append("first")
        return {"items": ["first"]}

    async def second(state):
        ran.append("second")
        if broken:
            raise ValueError("not today")
        return {"items": ["second"]}

    inner = chain(first=first, second=second).compile()
    async with engine_of(app_of(nested=chain(outer=inner))) as engine:
        failed, _ = await engine.run("nested", {"text": "x"})
        assert failed.failure.step == "outer/second"
        broken.clear()
        made = await engine.workflows.retry(PROJECT, failed.workflow_id)
        await engine.events(made.workflow_id)
        assert engine.result(await engine.store.get(PROJECT, made.workflow_id))["items"] == ["first", "second"]
    assert ran == ["first", "second", "second"]


async def test_a_fork_goes_on_from_a_chosen_checkpoint_with_edited_values():
    ran = []

    def marks(name):
        def node(state):
            ran.append(name)
            return {"items": [f"{name} {state['text']}"]}

        return node

    async with engine_of(app_of(two=chain(a=marks("a"), b=marks("b")))) as engine:
        source, _ = await engine.run("two", {"text": "old"})
        checkpoints = await engine.store.checkpoints(PROJECT, source.workflow_id, "", 10)
        after_a = next(c.checkpoint for c in checkpoints if c.checkpoint.superstep == 1)
        edit = Edit(struct({"text": "new"}))
        made = await engine.workflows.fork(PROJECT, source.workflow_id, after_a.checkpoint_id, edit=edit)
        await engine.events(made.workflow_id)
        done = await engine.store.get(PROJECT, made.workflow_id)
        assert engine.result(done) == {"text": "new", "items": ["a old", "b new"]}
        assert engine.result(await engine.store.get(PROJECT, source.workflow_id))["items"] == ["a old", "b old"]
        with pytest.raises(CheckpointNotFound):
            await engine.workflows.fork(PROJECT, source.workflow_id, "nonsense")
    assert ran == ["a", "b", "b"]


async def test_a_fork_as_a_node_that_the_graph_does_not_have_is_refused():
    async def node(state):
        return {"items": ["ran"]}

    async with engine_of(app_of(two=chain(a=node, b=node))) as engine:
        source, _ = await engine.run("two", {"text": "old"})
        with pytest.raises(InvalidRequest, match="as_step must be a node of two: a, b") as refused:
            await engine.workflows.fork(PROJECT, source.workflow_id, "", edit=Edit(struct({"text": "new"}), "c"))
        assert [violation.field for violation in refused.value.violations] == ["as_step"]
        made = await engine.workflows.fork(PROJECT, source.workflow_id, "", edit=Edit(struct({"text": "new"}), "a"))
        await engine.events(made.workflow_id)
        done = await engine.store.get(PROJECT, made.workflow_id)
        assert engine.result(done)["text"] == "new"


async def test_a_fork_may_go_on_from_the_very_first_checkpoint():
    async with engine_of(app_of(one=chain(one=lambda s: {"items": [s["text"]]}))) as engine:
        source, _ = await engine.run("one", {"text": "old"})
        first = (await engine.store.checkpoints(PROJECT, source.workflow_id, "", 10))[-1].checkpoint
        edit = Edit(struct({"text": "new"}))
        made = await engine.workflows.fork(PROJECT, source.workflow_id, first.checkpoint_id, edit=edit)
        await engine.events(made.workflow_id)
        assert (await engine.store.get(PROJECT, made.workflow_id)).status is Status.SUCCEEDED


async def test_tries_are_counted_anew_after_a_crash_as_langgraph_does():
    calls, entered = [], asyncio.Event()

    async def flaky(state):
        calls.append(1)
        if len(calls) in (1, 2, 4, 5):
            raise ConnectionError("no answer")
        if len(calls) == 3:
            entered.set()
            await asyncio.Event().wait()
        return {"text": "done"}

    graph = StateGraph(State)
    graph.add_node("flaky", flaky, retry_policy=RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=3))
    graph.add_edge(START, "flaky")
    async with engine_of(app_of(flaky=graph)) as engine:
        started = await engine.start("flaky")
        await entered.wait()
        engine.executor.disown(started.workflow_id, 1)
        engine.dispatcher.executor_died(engine.executor)
        engine.dispatcher.executor_joined(engine.executor)
        events = await engine.events(started.workflow_id)
    told = [(e.WhichOneof("kind"), e.attempt) for e in events if e.step and e.WhichOneof("kind") != "step_started"]
    assert told == [("step_retrying", n) for n in (1, 2, 4, 5)] + [("step_completed", 6)]


class Note(BaseModel):
    text: str


class Within(TypedDict, total=False):
    found: Note


class Around(TypedDict, total=False):
    found: Any
    text: str


async def test_what_a_subgraph_declares_is_loaded_in_the_graph_around_it_too():
    broken = [True]

    async def finding(_: Within) -> Within:
        return {"found": Note(text="here")}

    async def telling(state: Around) -> Around:
        if broken:
            raise ValueError("not today")
        return {"text": state["found"].text}

    inner = StateGraph(Within)
    inner.add_node(finding)
    inner.add_edge(START, "finding")
    outer = StateGraph(Around)
    outer.add_node("looking", inner.compile())
    outer.add_node(telling)
    outer.add_edge(START, "looking")
    outer.add_edge("looking", "telling")
    async with engine_of(app_of(notes=outer)) as engine:
        failed, _ = await engine.run("notes", {})
        assert failed.failure.message == "not today"
        broken.clear()
        made = await engine.workflows.retry(PROJECT, failed.workflow_id)
        await engine.events(made.workflow_id)
        done = await engine.store.get(PROJECT, made.workflow_id)
        assert done.status is Status.SUCCEEDED, done.failure
        assert engine.result(done)["text"] == "here"
