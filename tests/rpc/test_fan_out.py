"""A user's graph with a fan-out in it, over a real channel: what callers and watchers see."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

import pytest
from google.protobuf.json_format import MessageToDict
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, interrupt
from pydantic import BaseModel

from stretto.client import WorkflowCancelled, WorkflowFailed, WorkflowTimedOut
from stretto.fanout.v1.fanout_pb2 import BranchFailureReason, FanOutFigures
from stretto.server import App
from stretto.testing import ManualClock, serving
from stretto.troubleshooting.v1.troubleshooting_pb2 import TroubleshootingProgress
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from stretto.workflows.fan_out import FanOut, FanOutState, Source, advance, merged

TRIES = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False, retry_on=ConnectionError)


class Line:
    """A source that can be cut and mended, and that counts how often it was asked."""

    def __init__(self, failures=0):
        self.failures = failures
        self.asked = 0

    async def __call__(self, query):
        self.asked += 1
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("line is dead")
        return f"{query}!"


class Gate:
    """A source that answers once somebody opens it."""

    def __init__(self):
        self.open = asyncio.Event()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, query):
        self.asked.set()
        try:
            await self.open.wait()
        finally:
            self.left.set()
        return "open"


class Load(BaseModel):
    percent: float


def app_of(*sources, contract=None, nested=True, **options):
    """An app whose only workflow type is a fan-out, in a graph around it or as it is."""
    graph = FanOut(sources, **options).compile()
    if nested:
        builder = StateGraph(FanOutState)
        builder.add_node("asking", graph)
        builder.add_edge(START, "asking")
        graph = builder
    app = App()
    app.workflow("ask", graph, **(contract or {}))
    return app


async def journal_of(handle):
    return [event async for event in handle.watch()]


def branches_of(events):
    """What was told of branches: of which one, and what."""
    details = [MessageToDict(event.step_progress.detail) for event in events if event.HasField("step_progress")]
    branches = [detail.get("value", detail)["branch"] for detail in details]
    return [(each["source"], *(each.keys() - {"source", "item"})) for each in branches]


@pytest.mark.parametrize("nested", [True, False], ids=["as a node", "by itself"])
async def test_watchers_see_each_branch_and_callers_get_the_answers(nested):
    async def reads(query):
        advance(0.5, "half of it is read", lines=10)
        return {"lines": 20}

    app = app_of(Source("logs", reads), Source("bad", Line(9)), nested=nested, share=(0.0, 1.0))
    async with serving(app) as server:
        handle = await server.client.start("ask", {"query": "q"})
        result = await handle.result()
        events = await journal_of(handle)
    assert result["results"] == {"logs": {"lines": 20}}
    assert result["errors"]["bad"]["message"] == "ConnectionError: line is dead"
    assert result["figures"]["available"] == ["logs"]
    assert sorted(branches_of(events)) == [
        ("bad", "failed"),
        ("bad", "started"),
        ("logs", "advanced"),
        ("logs", "started"),
        ("logs", "succeeded"),
    ]
    (answer,) = [event for event in events if event.step_progress.message.startswith("logs answered")]
    assert MessageToDict(answer.step_progress.detail)["value"]["result"] == {"lines": 20}
    assert answer.step == ("asking/logs" if nested else "logs")
    fractions = [event.step_progress.fraction for event in events if event.step_progress.HasField("fraction")]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


async def test_under_a_contract_branches_are_typed_details():
    contract = {
        "progress": TroubleshootingProgress,
        "result": FanOutFigures,
        "to_result": lambda state: state["figures"].to_message(),
    }
    sources = Source("logs", Line(), partial=lambda answer: {"phase": "asking"}), Source("bad", Line(9))
    async with serving(app_of(*sources, contract=contract)) as server:
        handle = await server.client.start("ask", {"query": "q"}, result=FanOutFigures)
        figures = await handle.result()
        events = await journal_of(handle)
    assert (figures.sources_available, figures.sources_failed) == (1, 1)
    assert figures.parallel_latency.ToMicroseconds() >= max(each.latency.ToMicroseconds() for each in figures.branches)
    told = []
    for event in events:
        if event.HasField("step_progress"):
            told.append(TroubleshootingProgress())
            assert event.step_progress.detail.Unpack(told[-1])
    assert {(each.branch.source, each.branch.WhichOneof("kind"), each.phase) for each in told} == {
        ("logs", "started", ""),
        ("logs", "succeeded", "asking"),
        ("bad", "started", ""),
        ("bad", "failed", ""),
    }
    (failed,) = [each.branch.failed for each in told if each.branch.HasField("failed")]
    assert failed.reason == BranchFailureReason.BRANCH_FAILURE_REASON_ERROR
    assert failed.message == "ConnectionError: line is dead"


async def test_an_attempt_more_at_a_source_is_an_event():
    async with serving(app_of(Source("logs", Line(2), retry=TRIES), Source("fine", Line()))) as server:
        handle = await server.client.start("ask", {"query": "q"})
        result = await handle.result()
        events = await journal_of(handle)
    retried = [event for event in events if event.HasField("step_retrying")]
    assert [event.step_retrying.error.message for event in retried] == ["line is dead"] * 2
    assert len({event.step_id for event in retried}) == 1
    assert branches_of(events).count(("logs", "started")) == 1
    assert [branch["attempts"] for branch in result["figures"]["branches"]] == [3, 1]


async def test_when_all_fail_the_workflow_says_so_and_a_retry_asks_only_those_again():
    good, bad, worse = Line(), Line(1), Line(1)
    app = app_of(Source("good", good), Source("bad", bad), Source("worse", worse), succeed_min=3)
    async with serving(app) as server:
        handle = await server.client.start("ask", {"query": "q"})
        with pytest.raises(WorkflowFailed) as failed:
            await handle.result()
        assert (
            "SourcesFailed: 1 of 3 sources answered, and 3 must. "
            "bad: ConnectionError: line is dead; worse: ConnectionError: line is dead" in str(failed.value)
        )
        again = await handle.retry()
        result = await again.result()
        events = await journal_of(again)
    assert (good.asked, bad.asked, worse.asked) == (1, 2, 2)
    assert result["results"] == {"good": "q!", "bad": "q!", "worse": "q!"}
    assert result["errors"] == {}
    assert result["figures"]["available"] == ["good", "bad", "worse"]
    assert {source for source, _ in branches_of(events)} == {"bad", "worse"}


async def test_a_retry_that_fails_too_can_be_retried():
    bad = Line(2)
    async with serving(app_of(Source("bad", bad, required=True))) as server:
        handle = await server.client.start("ask", {"query": "q"})
        for _ in range(2):
            with pytest.raises(WorkflowFailed, match="no answer without bad"):
                await handle.result()
            handle = await handle.retry()
        assert (await handle.result())["results"] == {"bad": "q!"}
    assert bad.asked == 3


async def test_a_cancel_in_the_middle_ends_the_sources():
    gate = Gate()
    async with serving(app_of(Source("gate", gate), Source("fine", Line()))) as server:
        handle = await server.client.start("ask", {"query": "q"})
        await gate.asked.wait()
        await handle.cancel("no longer needed")
        with pytest.raises(WorkflowCancelled):
            await handle.result()
        await gate.left.wait()
        events = await journal_of(handle)
    assert events[-1].HasField("cancelled")
    assert ("gate", "succeeded") not in branches_of(events)


async def test_after_a_deadline_in_the_middle_a_retry_asks_who_has_not_answered():
    gate, fine = Gate(), Line()
    clock = ManualClock()
    app = app_of(Source("gate", gate), Source("fine", fine))
    async with serving(app, clock=clock) as server:
        handle = await server.client.start("ask", {"query": "q"}, deadline=timedelta(minutes=1))
        await gate.asked.wait()
        async with handle.watch() as events:
            async for event in events:
                if event.HasField("step_completed"):
                    break
        clock.advance(timedelta(hours=1))  # The deadline counts from the caller's time, from which this one lags.
        with pytest.raises(WorkflowTimedOut):
            await handle.result()
        gate.open.set()
        result = await (await handle.retry()).result()
    assert result["results"] == {"gate": "open", "fine": "q!"}
    assert fine.asked == 1


async def test_in_the_middle_the_state_says_what_runs():
    gate = Gate()
    async with serving(app_of(Source("gate", gate), Source("fine", Line()), share=(0.0, 1.0))) as server:
        handle = await server.client.start("ask", {"query": "q"})
        async with handle.watch() as events:
            async for event in events:
                if event.HasField("step_progress") and event.step_progress.message.startswith("fine answered"):
                    break
        await gate.asked.wait()
        state = await handle.state()
        assert state.workflow.status == WorkflowStatus.WORKFLOW_STATUS_RUNNING
        assert [step.step for step in state.workflow.current_steps] == ["asking", "asking/gate"]
        gate.open.set()
        assert (await handle.result())["results"]["gate"] == "open"


async def test_a_source_may_ask_a_person_while_others_have_answered():
    async def asks(query):
        return interrupt({"question": f"May I read {query}?"})["approved"]

    fine = Line()
    async with serving(app_of(Source("asks", asks), Source("fine", fine))) as server:
        handle = await server.client.start("ask", {"query": "logs"})
        question = await server.next_interrupt(handle)
        assert question.question.struct_value["question"] == "May I read logs?"
        await server.restart()
        await handle.decide({"approved": True})
        assert (await handle.result())["results"] == {"asks": True, "fine": "logs!"}
    assert fine.asked == 1


class Loads(FanOutState, total=False):
    """The graph around says what types its answers have, as any graph says of its state."""

    results: Annotated[dict[str, Load | Any], merged]


async def test_answers_of_a_declared_type_outlive_restarts():
    async def asks(query):
        return interrupt("Go on asking?")

    async def measures(query):
        return Load(percent=12.5)

    builder = StateGraph(Loads)
    builder.add_node("asking", FanOut([Source("load", measures, returns=Load), Source("asks", asks)]).compile())
    builder.add_node("confirming", lambda state: {"query": interrupt("Is that all?")})
    builder.add_edge(START, "asking")
    builder.add_edge("asking", "confirming")
    app = App()
    app.workflow("ask", builder)
    async with serving(app) as server:
        handle = await server.client.start("ask", {"query": "q"})
        for _ in range(2):
            await server.next_interrupt(handle)
            await server.restart()
            await handle.decide("yes")
        assert (await handle.result())["results"] == {"load": {"percent": 12.5}, "asks": "yes"}
