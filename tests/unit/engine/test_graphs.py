"""Graphs that know nothing of Stretto run unchanged."""

import asyncio
import operator
from dataclasses import dataclass
from typing import Annotated, Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.config import get_store, get_stream_writer
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, RetryPolicy, Send, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from stretto.server.domain.workflow import Status
from tests.harness import app_of, as_dict, engine_of, kinds_of, steps_of


class State(TypedDict, total=False):
    text: str
    items: Annotated[list[str], operator.add]


def chain(state_type: Any, **nodes: Any) -> StateGraph:
    graph = StateGraph(state_type)
    names = list(nodes)
    for name, node in nodes.items():
        graph.add_node(name, node)
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph


async def test_a_chain_tells_each_step_in_order_and_ends_with_its_state():
    async def first(state):
        return {"items": ["a"]}

    async def second(state):
        return {"items": ["b"]}

    async with engine_of(app_of(chain=chain(State, first=first, second=second))) as engine:
        workflow, events = await engine.run("chain", {"text": "x"})
        assert engine.result(workflow) == {"text": "x", "items": ["a", "b"]}
    assert kinds_of(events) == [
        "accepted",
        "started",
        "step_started",
        "step_completed",
        "step_started",
        "step_completed",
        "completed",
    ]
    assert [event.sequence for event in events] == list(range(1, 8))
    assert steps_of(events, "step_completed") == ["first", "second"]
    assert as_dict(events[3])["step_completed"]["update"] == {"items": ["a"]}


async def test_dataclass_and_pydantic_states_run():
    @dataclass
    class Data:
        n: int = 0

    class Model(BaseModel):
        n: int = 0

    def double(state):
        return {"n": state.n * 2}

    app = app_of(data=chain(Data, double=double), model=chain(Model, double=double))
    async with engine_of(app) as engine:
        for name in ("data", "model"):
            workflow, _ = await engine.run(name, {"n": 21})
            assert engine.result(workflow) == {"n": 42}


async def test_a_pydantic_state_refuses_a_wrong_input_as_a_failure():
    class Model(BaseModel):
        n: int

    async with engine_of(app_of(model=chain(Model, same=lambda state: {}))) as engine:
        workflow, events = await engine.run("model", {"n": "many"})
    assert workflow.status is Status.FAILED
    assert workflow.failure.error_class == "ValidationError"
    assert kinds_of(events)[-1] == "failed"


async def test_subgraphs_show_their_steps_under_their_node():
    async def inner(state):
        return {"items": ["inner"]}

    closed = chain(State, hidden=inner).compile()

    async def calls(state):
        return {"items": (await closed.ainvoke({"text": "y"}))["items"]}

    graph = chain(State, outer=chain(State, inner=inner).compile(), calls=calls)
    async with engine_of(app_of(nested=graph)) as engine:
        workflow, events = await engine.run("nested", {"text": "x"})
        assert engine.result(workflow)["items"] == ["inner", "inner"]
    assert steps_of(events, "step_started") == ["outer", "outer/inner", "calls", "calls/hidden"]
    assert steps_of(events, "step_completed") == ["outer/inner", "outer", "calls/hidden", "calls"]


async def test_a_sync_node_may_invoke_a_subgraph_from_its_thread():
    closed = chain(State, hidden=lambda state: {"items": ["h"]}).compile()

    def calls(state):
        return {"items": closed.invoke({"text": "y"})["items"]}

    async with engine_of(app_of(threaded=chain(State, calls=calls))) as engine:
        workflow, events = await engine.run("threaded", {"text": "x"})
        assert engine.result(workflow)["items"] == ["h"]
    assert steps_of(events, "step_completed") == ["calls/hidden", "calls"]


async def test_send_fans_out_and_reducers_merge():
    class Item(TypedDict):
        item: str

    graph = StateGraph(State)
    graph.add_node("work", lambda state: {"items": [state["item"].upper()]})
    graph.add_conditional_edges(START, lambda state: [Send("work", {"item": i}) for i in "abc"], ["work"])
    async with engine_of(app_of(fan=graph)) as engine:
        workflow, events = await engine.run("fan", {"text": "x"})
        assert sorted(engine.result(workflow)["items"]) == ["A", "B", "C"]
    assert len({event.step_id for event in events if event.step == "work"}) == 3


async def test_a_command_routes_and_updates():
    graph = StateGraph(State)
    graph.add_node("route", lambda state: Command(goto="far", update={"items": ["routed"]}), destinations=("far",))
    graph.add_node("far", lambda state: {"items": ["far"]})
    graph.add_edge(START, "route")
    async with engine_of(app_of(routed=graph)) as engine:
        workflow, events = await engine.run("routed", {"text": "x"})
        assert engine.result(workflow)["items"] == ["routed", "far"]
    assert as_dict(events[3])["step_completed"]["update"] == {"items": ["routed"]}


async def test_a_failed_attempt_is_told_and_repeated():
    calls = []

    async def flaky(state):
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("no answer from /srv/data/secret.txt")
        return {"items": ["ok"]}

    graph = StateGraph(State)
    graph.add_node("flaky", flaky, retry_policy=RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=3))
    graph.add_edge(START, "flaky")
    async with engine_of(app_of(flaky=graph)) as engine:
        workflow, events = await engine.run("flaky", {})
        assert workflow.status is Status.SUCCEEDED
    kinds = kinds_of(events)
    assert kinds[2:] == ["step_started", "step_retrying"] * 2 + ["step_started", "step_completed", "completed"]
    retrying = events[3].step_retrying
    assert (retrying.error.error_class, retrying.error.message) == ("ConnectionError", "no answer from …/secret.txt")
    assert retrying.next_attempt_at.ToMicroseconds() > events[3].occurred_at.ToMicroseconds()
    assert [event.attempt for event in events[2:-1]] == [1, 1, 2, 2, 3, 3]


async def test_an_exception_becomes_a_typed_failure():
    def broken(state):
        raise KeyError("price")

    async with engine_of(app_of(broken=chain(State, broken=broken))) as engine:
        workflow, events = await engine.run("broken", {})
    assert workflow.status is Status.FAILED
    assert (workflow.failure.error_class, workflow.failure.step) == ("KeyError", "broken")
    assert kinds_of(events)[-2:] == ["step_failed", "failed"]


async def test_parallel_steps_tell_their_own_progress():
    def tells(name):
        async def node(state):
            write = get_stream_writer()
            for part in (0.5, 1.0):
                write({"fraction": part, "message": f"{name} {part}", "unit": name})
                await asyncio.sleep(0)
            return {"items": [name]}

        return node

    graph = StateGraph(State)
    for name in ("left", "right"):
        graph.add_node(name, tells(name))
        graph.add_edge(START, name)
    async with engine_of(app_of(both=graph)) as engine:
        _, events = await engine.run("both", {})
    told = [as_dict(e) for e in events if e.WhichOneof("kind") == "step_progress"]
    for name in ("left", "right"):
        mine = [event["step_progress"] for event in told if event["step"] == name]
        assert [(p["fraction"], p["message"]) for p in mine] == [(0.5, f"{name} 0.5"), (1.0, f"{name} 1.0")]
        assert mine[0]["detail"]["value"] == {"unit": name}


async def test_progress_from_a_thread_is_told_too():
    def node(state):
        get_stream_writer()("half way")
        return {}

    async with engine_of(app_of(threaded=chain(State, node=node))) as engine:
        workflow, events = await engine.run("threaded", {})
    assert [e.step_progress.message for e in events if e.WhichOneof("kind") == "step_progress"] == ["half way"]
    assert workflow.headline == "half way"


async def test_a_chat_model_that_a_node_merely_invokes_streams_its_text():
    class Chat(TypedDict):
        messages: Annotated[list[AnyMessage], add_messages]

    model = GenericFakeChatModel(messages=iter([AIMessage("hello brave new world")]))

    async def talk(state):
        return {"messages": [await model.ainvoke(state["messages"])]}

    async with engine_of(app_of(chat=chain(Chat, talk=talk))) as engine:
        workflow, events = await engine.run("chat", {"messages": [{"role": "user", "content": "hi"}]})
        assert engine.result(workflow)["messages"][-1]["content"] == "hello brave new world"
    deltas = [event for event in events if event.WhichOneof("kind") == "token_delta"]
    assert "".join(event.token_delta.text for event in deltas) == "hello brave new world"
    assert {(event.step, event.attempt) for event in deltas} == {("talk", 1)}


async def test_the_functional_api_runs_and_its_tasks_are_steps():
    @task
    async def square(n):
        return n * n

    @entrypoint()
    async def squares(numbers):
        return sum([await square(n) for n in numbers])

    async with engine_of(app_of(squares=squares)) as engine:
        workflow = await engine.start("squares", [1, 2, 3])
        events = await engine.events(workflow.workflow_id)
        assert engine.result(await engine.store.get("default", workflow.workflow_id)) == 14
    assert steps_of(events, "step_completed") == ["squares/square"] * 3 + ["squares"]


async def test_a_question_waits_and_its_decision_goes_on_in_the_right_place():
    runs = []

    def asks(state):
        runs.append(1)
        answer = interrupt({"approve": state["text"]})
        return {"items": [answer["verdict"]]}

    async with engine_of(app_of(asks=chain(State, asks=asks))) as engine:
        started = await engine.start("asks", {"text": "plan"})
        raised = (await engine.until(started.workflow_id, "interrupt_raised"))[-1].interrupt_raised.interrupt
        waiting = await engine.until_status(started.workflow_id, Status.WAITING)
        assert as_dict(raised)["question"] == {"approve": "plan"}
        assert (waiting.interrupts_pending, raised.step) == (1, "asks")
        assert [(step.step, step.attempt) for step in waiting.steps] == [("asks", 1)]
        await engine.decide(started.workflow_id, raised.interrupt_id, {"verdict": "yes"})
        events = await engine.events(started.workflow_id)
        workflow = await engine.store.get("default", started.workflow_id)
        assert engine.result(workflow)["items"] == ["yes"]
    assert kinds_of(events)[-4:] == ["interrupt_decided", "step_started", "step_completed", "completed"]
    assert [event.attempt for event in events if event.step] == [1, 1, 0, 2, 2]
    assert len(runs) == 2


async def test_two_parallel_questions_are_decided_one_by_one():
    def asks(name):
        def node(state):
            return {"items": [f"{name}={interrupt(name)}"]}

        return node

    graph = StateGraph(State)
    for name in ("a", "b"):
        graph.add_node(name, asks(name))
        graph.add_edge(START, name)
    async with engine_of(app_of(both=graph)) as engine:
        started = await engine.start("both", {})
        await engine.until_status(started.workflow_id, Status.WAITING)
        questions = {q.question: q for q in await engine.store.interrupts("default", started.workflow_id)}
        assert set(questions) == {"a", "b"}
        await engine.decide(started.workflow_id, questions["b"].interrupt_id, 2)
        await engine.until_status(started.workflow_id, Status.WAITING)
        await engine.decide(started.workflow_id, questions["a"].interrupt_id, 1)
        events = await engine.events(started.workflow_id)
        workflow = await engine.store.get("default", started.workflow_id)
        assert sorted(engine.result(workflow)["items"]) == ["a=1", "b=2"]
    assert kinds_of(events).count("interrupt_raised") == 2


async def test_questions_that_follow_each_other_in_one_node_have_ids_of_their_own():
    def asks(state):
        return {"items": [interrupt("first"), interrupt("second")]}

    async with engine_of(app_of(asks=chain(State, asks=asks))) as engine:
        started = await engine.start("asks", {})
        for answer in ("one", "two"):
            waiting = await engine.until_status(started.workflow_id, Status.WAITING)
            pending = [i for i in await engine.store.interrupts("default", waiting.workflow_id) if i.decision is None]
            assert len(pending) == 1
            await engine.decide(started.workflow_id, pending[0].interrupt_id, answer)
        await engine.events(started.workflow_id)
        workflow = await engine.store.get("default", started.workflow_id)
        assert engine.result(workflow)["items"] == ["one", "two"]


async def test_a_question_inside_a_subgraph_is_raised_once():
    inner = chain(State, asks=lambda state: {"items": [interrupt("inside")]}).compile()
    async with engine_of(app_of(nested=chain(State, outer=inner))) as engine:
        started = await engine.start("nested", {})
        await engine.until_status(started.workflow_id, Status.WAITING)
        (question,) = await engine.store.interrupts("default", started.workflow_id)
        assert question.step == "outer/asks"
        await engine.decide(started.workflow_id, question.interrupt_id, "ok")
        await engine.events(started.workflow_id)
        assert engine.result(await engine.store.get("default", started.workflow_id))["items"] == ["ok"]


async def test_a_breakpoint_of_the_graph_becomes_a_question():
    graph = chain(State, first=lambda s: {"items": ["1"]}, second=lambda s: {"items": ["2"]})
    async with engine_of(app_of(stops=graph.compile(interrupt_before=["second"]))) as engine:
        started = await engine.start("stops", {})
        await engine.until_status(started.workflow_id, Status.WAITING)
        (question,) = await engine.store.interrupts("default", started.workflow_id)
        assert question.question == {"breakpoint": {"next_steps": ["second"]}}
        await engine.decide(started.workflow_id, question.interrupt_id, {})
        await engine.events(started.workflow_id)
        assert engine.result(await engine.store.get("default", started.workflow_id))["items"] == ["1", "2"]


async def test_a_graph_keeps_the_store_that_it_was_compiled_with():
    class State(TypedDict):
        name: str
        times: int

    def remember(state: State) -> dict[str, Any]:
        store = get_store()
        known = store.get(("people",), state["name"])
        times = (known.value["times"] if known else 0) + 1
        store.put(("people",), state["name"], {"times": times})
        return {"times": times}

    graph = StateGraph(State).add_node(remember).add_edge(START, "remember").compile(store=InMemoryStore())
    async with engine_of(app_of(remember=graph)) as engine:
        for times in (1, 2):
            workflow, _ = await engine.run("remember", {"name": "Ada"})
            assert engine.result(workflow)["times"] == times
