"""Graphs as people outside write them, with LangGraph's own building blocks, run unchanged."""

import asyncio
import contextlib
import json
import operator
import re
from datetime import timedelta
from typing import Annotated, Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ToolCall, ToolCallChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import NodeError
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import create_react_agent
from langgraph.types import Command, RetryPolicy, TimeoutPolicy, interrupt
from typing_extensions import TypedDict

from stretto.server.domain.workflow import Edit, Interrupt, Status
from tests.harness import PROJECT, Engine, app_of, as_dict, engine_of, kinds_of, steps_of, struct


class State(TypedDict, total=False):
    text: str
    items: Annotated[list[str], operator.add]


def line(**nodes: Any) -> StateGraph:
    graph, before = StateGraph(State), START
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(before, name)
        before = name
    return graph


class ToolModel(BaseChatModel):
    """A chat model that says what it is told to, streams it in pieces, and takes tools as real ones do."""

    says: list[AIMessage]

    @property
    def _llm_type(self) -> str:
        return "fake"

    def bind_tools(self, tools: Any, **_: Any) -> "ToolModel":
        return self

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.says.pop(0))])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        said = self.says.pop(0)
        for index, call in enumerate(said.tool_calls):
            chunk = ToolCallChunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[chunk]))
        for word in re.findall(r"\s*\S+", said.text):
            chunk = ChatGenerationChunk(message=AIMessageChunk(word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")  # To a package that Stretto does not need.
async def test_a_prebuilt_agent_calls_its_tool_and_streams_its_answer():
    calls = AIMessage("", tool_calls=[ToolCall(name="weather", args={"city": "Oslo"}, id="call-1")])
    model = ToolModel(says=[calls, AIMessage("It is sunny today")])
    agent = create_react_agent(model, [weather])
    async with engine_of(app_of(agent=agent)) as engine:
        workflow, events = await engine.run("agent", {"messages": [{"role": "user", "content": "Weather?"}]})
        messages = engine.result(workflow)["messages"]
    assert [(message["type"], message["content"]) for message in messages] == [
        ("human", "Weather?"),
        ("ai", ""),
        ("tool", "sunny in Oslo"),
        ("ai", "It is sunny today"),
    ]
    assert steps_of(events, "step_started") == steps_of(events, "step_completed") == ["agent", "tools", "agent"]
    told = as_dict(events[5])["step_completed"]["update"]["messages"]
    assert [message["content"] for message in told] == ["sunny in Oslo"]
    deltas = [event for event in events if event.WhichOneof("kind") == "token_delta"]
    assert "".join(event.token_delta.text for event in deltas) == "It is sunny today"
    last = [event for event in events if event.WhichOneof("kind") == "step_started"][-1]
    assert {event.step_id for event in deltas} == {last.step_id}


def two_questions(ran: list[str]) -> StateGraph:
    """One question in a subgraph and one beside it, and a step that waits for both."""

    def asks(name: str) -> Any:
        def node(state: State) -> State:
            ran.append(name)
            return {"items": [f"{name}={interrupt(name)}"]}

        return node

    def before(state: State) -> State:
        ran.append("before")
        return {"items": ["before"]}

    inner = line(before=before, asks=asks("inside")).compile()

    graph = StateGraph(State)
    graph.add_node("outer", inner)
    graph.add_node("beside", asks("beside"))
    graph.add_node("after", lambda state: {"text": "+".join(sorted(state["items"]))})
    graph.add_edge(START, "outer")
    graph.add_edge(START, "beside")
    graph.add_edge(["outer", "beside"], "after")
    return graph


async def questions(engine: Engine, workflow_id: str) -> dict[Any, Interrupt]:
    """The questions of a workflow once it waits for them."""
    await engine.until_status(workflow_id, Status.WAITING)
    return {question.question: question for question in await engine.store.interrupts(PROJECT, workflow_id)}


@pytest.mark.parametrize("order", [("inside", "beside"), ("beside", "inside")])
async def test_parallel_questions_in_and_beside_a_subgraph_are_decided_in_any_order_over_restarts(order, tmp_path):
    url, ran = f"sqlite:{tmp_path}/store.db", []
    async with engine_of(app_of(both=two_questions(ran)), url) as engine:
        workflow_id = (await engine.start("both", {"text": "x"})).workflow_id
        asked = await questions(engine, workflow_id)
        assert {name: question.step for name, question in asked.items()} == {
            "inside": "outer/asks",
            "beside": "beside",
        }
    for name in order:
        async with engine_of(app_of(both=two_questions(ran)), url) as engine:
            await engine.dispatcher.recover()
            await engine.decide(workflow_id, asked[name].interrupt_id, f"{name}!")
            if name == order[0]:
                assert {
                    question.question
                    for question in (await questions(engine, workflow_id)).values()
                    if question.decision is None
                } == {order[1]}
                continue
            events = await engine.events(workflow_id)
            workflow = await engine.store.get(PROJECT, workflow_id)
            assert engine.result(workflow)["text"] == "before+beside=beside!+inside=inside!"
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert kinds_of(events).count("interrupt_raised") == kinds_of(events).count("interrupt_decided") == 2
    assert ran.count("before") == 1
    assert workflow.crashes == 0


async def hangs(state):
    await asyncio.Event().wait()


@pytest.mark.parametrize("allowed", [0.05, timedelta(milliseconds=50), TimeoutPolicy(idle_timeout=0.05)])
async def test_a_step_that_overruns_its_timeout_fails(allowed):
    graph = StateGraph(State)
    graph.add_node("hangs", hangs, timeout=allowed)
    graph.add_edge(START, "hangs")
    async with engine_of(app_of(hangs=graph)) as engine:
        workflow, events = await engine.run("hangs", {})
    assert workflow.status is Status.FAILED
    assert (workflow.failure.error_class, workflow.failure.step) == ("NodeTimeoutError", "hangs")
    assert kinds_of(events)[-3:] == ["step_started", "step_failed", "failed"]


async def test_a_step_that_overruns_its_timeout_is_tried_again_where_its_policy_says_so():
    tries = []

    async def slow_once(state):
        tries.append(1)
        if len(tries) == 1:
            await hangs(state)
        return {"items": ["in time"]}

    graph = StateGraph(State)
    policy = RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=2)
    graph.add_node("slow_once", slow_once, timeout=TimeoutPolicy(run_timeout=0.05), retry_policy=policy)
    graph.add_edge(START, "slow_once")
    async with engine_of(app_of(slow=graph)) as engine:
        workflow, events = await engine.run("slow", {})
        assert engine.result(workflow)["items"] == ["in time"]
    assert kinds_of(events)[2:-1] == ["step_started", "step_retrying", "step_started", "step_completed"]
    assert events[3].step_retrying.error.error_class == "NodeTimeoutError"
    assert [event.attempt for event in events[2:-1]] == [1, 1, 2, 2]


async def test_a_step_that_overruns_its_timeout_takes_the_steps_inside_of_it_along():
    tries = []

    async def inside(state):
        tries.append(1)
        if len(tries) == 1:
            await hangs(state)
        return {"items": ["in time"]}

    async def stubborn(state):
        with contextlib.suppress(asyncio.CancelledError):
            await hangs(state)
        await gate.wait()
        raise ValueError("too late to matter")

    gate = asyncio.Event()
    policy = RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=2)
    graph = StateGraph(State)
    graph.add_node("outer", line(inside=inside).compile(), timeout=0.1, retry_policy=policy)
    graph.add_node("stubborn", stubborn, timeout=0.05, error_handler=lambda state: {"items": ["rescued"]})
    graph.add_node("waits", lambda state: {"text": interrupt("?")})
    graph.add_edge(START, "outer")
    graph.add_edge("outer", "stubborn")
    graph.add_edge("outer", "waits")
    async with engine_of(app_of(nested=graph)) as engine:
        started = await engine.start("nested", {})
        asked = await questions(engine, started.workflow_id)
        waiting = await engine.store.get(PROJECT, started.workflow_id)
        assert [step.step for step in waiting.steps] == ["waits"]
        gate.set()
        await engine.decide(started.workflow_id, asked["?"].interrupt_id, "ok")
        events = await engine.events(started.workflow_id)
        workflow = await engine.store.get(PROJECT, started.workflow_id)
        assert engine.result(workflow) == {"text": "ok", "items": ["in time", "rescued"]}
    told = [(event.step, event.WhichOneof("kind")) for event in events]
    assert [each for each in told if each[0].startswith("outer")] == [
        ("outer", "step_started"),
        ("outer/inside", "step_started"),
        ("outer", "step_retrying"),
        ("outer", "step_started"),
        ("outer/inside", "step_started"),
        ("outer/inside", "step_completed"),
        ("outer", "step_completed"),
    ]
    assert [kind for step, kind in told if step == "stubborn"] == ["step_started", "step_failed"]


async def test_an_error_handler_saves_the_workflow_and_both_steps_are_told():
    def breaks(state):
        raise ValueError("no luck")

    def rescues(state: State, error: NodeError) -> Command:
        return Command(update={"items": [f"rescued {error.node} from {error.error}"]}, goto="after")

    graph = StateGraph(State)
    graph.add_node("breaks", breaks, error_handler=rescues)
    graph.add_node("after", lambda state: {"items": ["after"]})
    graph.add_edge(START, "breaks")
    async with engine_of(app_of(rescued=graph)) as engine:
        workflow, events = await engine.run("rescued", {})
        assert workflow.status is Status.SUCCEEDED
        assert engine.result(workflow)["items"] == ["rescued breaks from no luck", "after"]
    assert kinds_of(events)[2:] == [
        "step_started",
        "step_failed",
        "step_started",
        "step_completed",
        "step_started",
        "step_completed",
        "completed",
    ]
    assert steps_of(events, "step_failed") == ["breaks"]
    assert not workflow.steps


async def test_a_subgraph_sends_its_parent_elsewhere():
    def leaves(state: State) -> Command:
        return Command(graph=Command.PARENT, goto="far", update={"items": ["from inside"]})

    inner = StateGraph(State)
    inner.add_node("leaves", leaves)
    inner.add_edge(START, "leaves")
    graph = StateGraph(State)
    graph.add_node("outer", inner.compile(), destinations=("far",))
    graph.add_node("far", lambda state: {"items": ["far"]})
    graph.add_edge(START, "outer")
    async with engine_of(app_of(sent=graph)) as engine:
        workflow, events = await engine.run("sent", {"text": "x"})
        assert engine.result(workflow)["items"] == ["from inside", "far"]
    assert steps_of(events, "step_started") == ["outer", "outer/leaves", "far"]
    assert sorted(steps_of(events, "step_completed")) == ["far", "outer", "outer/leaves"]
    assert "step_failed" not in kinds_of(events)


async def test_a_graph_with_a_checkpointer_of_its_own_keeps_its_checkpoints_here():
    theirs = InMemorySaver()
    graph = line(asks=lambda state: {"items": [interrupt("?")]}).compile(checkpointer=theirs)
    given = graph.checkpointer
    async with engine_of(app_of(theirs=graph)) as engine:
        started = await engine.start("theirs", {})
        asked = await questions(engine, started.workflow_id)
        await engine.decide(started.workflow_id, asked["?"].interrupt_id, "yes")
        await engine.events(started.workflow_id)
        workflow = await engine.store.get(PROJECT, started.workflow_id)
        assert engine.result(workflow)["items"] == ["yes"]
        assert await engine.store.checkpoints(PROJECT, started.workflow_id, "", 10)
    assert graph.checkpointer is given
    assert not list(theirs.list(None))
    assert not list(given.list(None))


async def test_a_question_inside_a_task_goes_on_after_a_restart_without_repeating_other_tasks(tmp_path):
    url, ran = f"sqlite:{tmp_path}/store.db", []

    @task
    async def prepares(text):
        ran.append("prepares")
        return text.upper()

    @task
    async def asks(text):
        ran.append("asks")
        return f"{text} {interrupt('which?')}"

    @entrypoint(checkpointer=InMemorySaver())
    async def both(text):
        return await asks(await prepares(text))

    async with engine_of(app_of(both=both), url) as engine:
        workflow_id = (await engine.start("both", "a")).workflow_id
        asked = await questions(engine, workflow_id)
        assert asked["which?"].step == "both/asks"
    async with engine_of(app_of(both=both), url) as engine:
        await engine.dispatcher.recover()
        await engine.decide(workflow_id, asked["which?"].interrupt_id, "one")
        events = await engine.events(workflow_id)
        assert engine.result(await engine.store.get(PROJECT, workflow_id)) == "A one"
    assert ran == ["prepares", "asks", "asks"]
    assert steps_of(events, "step_completed") == ["both/prepares", "both/asks", "both"]


def join(value: list[str], writes: Any) -> list[str]:
    return [*value, *(item for write in writes for item in write)]


class Deltas(TypedDict, total=False):
    items: Annotated[list[str], DeltaChannel(join, snapshot_frequency=3)]


async def test_a_channel_that_keeps_deltas_is_whole_after_restarts_and_in_forks(tmp_path):
    url = f"sqlite:{tmp_path}/store.db"

    def adds(name: str) -> Any:
        return lambda state: {"items": [name]}

    graph, before = StateGraph(Deltas), START
    for name in ("a", "b", "c", "d", "asks", "e"):
        graph.add_node(name, adds(name) if name != "asks" else lambda state: {"items": [interrupt("?")]})
        graph.add_edge(before, name)
        before = name
    async with engine_of(app_of(deltas=graph), url) as engine:
        workflow_id = (await engine.start("deltas", {"items": ["0"]})).workflow_id
        asked = await questions(engine, workflow_id)
    async with engine_of(app_of(deltas=graph), url) as engine:
        await engine.dispatcher.recover()
        await engine.decide(workflow_id, asked["?"].interrupt_id, "!")
        await engine.events(workflow_id)
        assert engine.result(await engine.store.get(PROJECT, workflow_id))["items"] == list("0abcd!e")
        checkpoints = await engine.store.checkpoints(PROJECT, workflow_id, "", 20)
        for row in checkpoints:
            if row.checkpoint.superstep in (1, 2, 3):
                made = await engine.workflows.fork(
                    PROJECT, workflow_id, row.checkpoint.checkpoint_id, edit=Edit(struct({"items": ["x"]}))
                )
                asked = await questions(engine, made.workflow_id)
                await engine.decide(made.workflow_id, asked["?"].interrupt_id, "!")
                await engine.events(made.workflow_id)
                kept = "0abcd"[: row.checkpoint.superstep + 1]
                rest = "abcd"[row.checkpoint.superstep :]
                forked = engine.result(await engine.store.get(PROJECT, made.workflow_id))
                assert "".join(forked["items"]) == f"{kept}x{rest}!e"


async def test_the_result_is_what_the_graph_says_is_its_output():
    class Output(TypedDict, total=False):
        text: str

    async def loud(state):
        return {"text": state["items"][0].upper(), "items": ["done"]}

    async def last(state):
        return {"items": ["nothing of the output"]}

    graph = StateGraph(State, output_schema=Output)
    graph.add_sequence([loud, last])
    graph.add_edge(START, "loud")
    async with engine_of(app_of(loud=graph)) as engine:
        workflow, _ = await engine.run("loud", {"items": ["hello"]})
        assert engine.result(workflow) == {"text": "HELLO"} == await graph.compile().ainvoke({"items": ["hello"]})


async def test_subgraphs_of_one_name_run_and_are_drawn_as_far_as_they_can_be():
    """LangChain's drawing refuses two of them; that is no reason not to serve such a graph."""

    async def say(state):
        return {"items": ["said"]}

    inner = line(first=say, second=say).compile()
    outer = line(same=line(same=inner, after=say).compile(), after=say).compile()
    with pytest.raises(ValueError, match="duplicate subgraph"):
        outer.get_graph(xray=True).draw_mermaid()
    async with engine_of(app_of(nested=outer)) as engine:
        workflow, events = await engine.run("nested", {})
        assert engine.result(workflow)["items"] == ["said"] * 4
        assert "same/same/second" in steps_of(events, "step_completed")
        assert "same(same)" in engine.catalog.get("nested").mermaid
