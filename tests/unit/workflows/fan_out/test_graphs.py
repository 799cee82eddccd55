"""A fan-out is a part of other graphs: nested, repeated, interrupted, cancelled, loaded again."""

import asyncio
from typing import Annotated, Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from stretto.workflows.fan_out import (
    Failure,
    FailureReason,
    FanOut,
    FanOutState,
    Figures,
    Source,
    SourcesFailed,
    merged,
)
from tests.unit.workflows.fan_out.asking import answers, asked, fails, hangs, within

THREAD = {"configurable": {"thread_id": "t"}}


class Load(BaseModel):
    percent: float


def measures(query):
    return Load(percent=12.5)


async def asks(query):
    answer = interrupt(f"may I look at {query}?")
    await asyncio.sleep(0)
    return answer


class Counted:
    """A source that counts how often it was asked."""

    def __init__(self, ask=answers):
        self.ask = ask
        self.times = 0

    async def __call__(self, query):
        self.times += 1
        return await self.ask(query)


async def test_what_it_writes_reaches_the_graph_around_it():
    out = await within(FanOut([Source("a", answers), Source("b", fails)])).ainvoke({"query": "q"})
    assert out["query"] == "q"
    assert out["results"] == {"a": "q!"}
    assert out["errors"] == {
        "b": Failure(source="b", reason=FailureReason.ERROR, message="ConnectionError: line is dead")
    }
    assert out["figures"].failed == ("b",)
    assert "outcomes" not in out


async def test_it_works_two_levels_deep():
    builder = StateGraph(FanOutState)
    builder.add_node("inner", within(FanOut([Source("a", answers)])))
    builder.add_edge(START, "inner")
    out = await builder.compile(checkpointer=InMemorySaver()).ainvoke({"query": "q"}, THREAD)
    assert out["results"] == {"a": "q!"}
    assert out["figures"].available == ("a",)


async def test_two_in_one_graph_keep_what_both_have_found():
    builder = StateGraph(FanOutState)
    builder.add_node("first", FanOut([Source("a", answers), Source("b", fails)]).compile())
    builder.add_node("second", FanOut([Source("c", answers)]).compile())
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    out = await builder.compile().ainvoke({"query": "q"})
    assert out["results"] == {"a": "q!", "c": "q!"}
    assert list(out["errors"]) == ["b"]
    assert out["figures"].available == ("c",)


class Replaced(TypedDict, total=False):
    """A state in which each round takes the place of the one before."""

    query: Any
    results: dict
    errors: dict
    figures: Figures
    rounds: int


@pytest.mark.parametrize("saver", [None, InMemorySaver()])
async def test_in_a_loop_each_round_asks_anew(saver):
    async def even_rounds_fail(query):
        if query % 2 == 0:
            raise ConnectionError
        return query

    builder = StateGraph(Replaced)
    builder.add_node("counting", lambda state: {"query": state["query"] + 1})
    builder.add_node("asking", FanOut([Source("a", even_rounds_fail), Source("b", lambda query: query)]).compile())
    builder.add_edge(START, "counting")
    builder.add_edge("counting", "asking")
    builder.add_conditional_edges("asking", lambda state: "counting" if state["query"] < 4 else END)
    graph = builder.compile(checkpointer=saver)
    rounds = [
        state
        async for state in graph.astream({"query": 0}, THREAD, stream_mode="values")
        if "figures" in state and state["figures"].branches and state["results"]["b"] == state["query"]
    ]
    assert [(state["results"].get("a"), list(state["errors"])) for state in rounds] == [
        (1, []),
        (None, ["a"]),
        (3, []),
        (None, ["a"]),
    ]


async def test_a_run_more_on_the_same_thread_has_figures_of_its_own():
    one, other = Source("one", answers, kinds=["1"]), Source("other", answers, kinds=["2"])
    builder = FanOut([one, other]).compile()
    builder.checkpointer = InMemorySaver()
    await builder.ainvoke({"query": "q", "kind": "1"}, THREAD)
    out = await builder.ainvoke({"query": "q", "kind": "2"}, THREAD)
    assert (out["figures"].available, out["figures"].skipped) == (("other",), ("one",))


async def test_what_failed_before_and_answers_now_is_no_error_any_more():
    lines = iter([ConnectionError(), None])

    async def second_time(query):
        if (error := next(lines)) is not None:
            raise error
        return "at last"

    graph = FanOut([Source("a", answers), Source("b", second_time)]).compile()
    graph.checkpointer = InMemorySaver()
    assert list((await graph.ainvoke({"query": "q"}, THREAD))["errors"]) == ["b"]
    out = await graph.ainvoke({"query": "q"}, THREAD)
    assert (out["errors"], out["results"]["b"]) == ({}, "at last")


def in_a_thread(query):
    return interrupt(f"may I look at {query}?")


@pytest.mark.parametrize("ask", [asks, in_a_thread])
async def test_a_question_passes_through_and_its_answer_comes_back(ask):
    counted = Counted()
    fan_out = FanOut([Source("a", counted), Source("b", ask)])
    graph = within(fan_out, checkpointer=InMemorySaver())
    out = await graph.ainvoke({"query": "logs"}, THREAD)
    assert [each.value for each in out["__interrupt__"]] == ["may I look at logs?"]
    out = await graph.ainvoke(Command(resume="yes"), THREAD)
    assert out["results"] == {"a": "logs!", "b": "yes"}
    assert counted.times == 1


async def test_the_time_that_a_person_takes_is_not_the_sources():
    graph = within(FanOut([Source("b", asks)], seconds_max=0.5), checkpointer=InMemorySaver())
    await graph.ainvoke({"query": "logs"}, THREAD)
    await asyncio.sleep(0.5)
    out = await graph.ainvoke(Command(resume="yes"), THREAD)
    assert (out["results"], out["errors"]) == ({"b": "yes"}, {})
    assert out["figures"].branches[0].seconds < 0.5


class Typed(FanOutState, total=False):
    """A state that names the types of the answers: LangGraph looks for them in each graph by itself."""

    results: Annotated[dict[str, Load | list[Load] | str], merged]


async def test_a_saved_state_is_loaded_in_its_types():
    """Strictly: a type that nobody declared would be refused."""
    saver = InMemorySaver()
    sources = Source("load", measures, returns=Load), Source("loads", lambda q: [measures(q)], returns=list[Load])
    more = Source("bad", fails), Source("b", asks)

    def graph():
        builder = StateGraph(Typed)
        builder.add_node("asking", FanOut([*sources, *more]).compile())
        builder.add_node("confirming", lambda state: interrupt("fine?") and {})
        builder.add_edge(START, "asking")
        builder.add_edge("asking", "confirming")
        return builder.compile(checkpointer=saver)

    await graph().ainvoke({"query": "q"}, THREAD)
    await graph().ainvoke(Command(resume="yes"), THREAD)
    out = await graph().ainvoke(Command(resume="yes"), THREAD)
    assert out["results"] == {"load": Load(percent=12.5), "loads": [Load(percent=12.5)], "b": "yes"}
    assert isinstance(out["errors"]["bad"], Failure)
    assert isinstance(out["figures"], Figures)


async def test_a_cancelled_run_cancels_its_sources_and_leaves_nothing():
    under_way, ended = asyncio.Event(), []

    async def long(query):
        try:
            under_way.set()
            await hangs(query)
        finally:
            ended.append(query)

    fan_out = FanOut([Source("a", answers), Source("long", long)])
    run = asyncio.create_task(fan_out.compile().ainvoke({"query": "q"}))
    await under_way.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended == ["q"]
    assert not fan_out._rounds._known


def copy_thread(saver, source, target):
    saver.storage[target] = saver.storage[source]
    for kept in (saver.writes, saver.blobs):
        kept.update({(target, *key[1:]): value for key, value in kept.items() if key[0] == source})


async def test_a_failed_run_asks_those_that_failed_again_in_another_thread():
    """As a server retries a failed workflow: from a copy of its checkpoints, in a thread of its own."""
    saver, good, bad = InMemorySaver(), Counted(), Counted(fails)
    fan_out = FanOut([Source("good", good), Source("bad", bad, required=True)])
    graph = within(fan_out, checkpointer=saver)
    with pytest.raises(SourcesFailed):
        await graph.ainvoke({"query": "q"}, THREAD)
    with pytest.raises(SourcesFailed):
        await graph.ainvoke(None, THREAD)
    assert (good.times, bad.times) == (1, 1)
    copy_thread(saver, "t", "t2")
    bad.ask = answers
    out = await graph.ainvoke(None, {"configurable": {"thread_id": "t2"}})
    assert (good.times, bad.times) == (1, 2)
    assert (out["results"], out["errors"]) == ({"good": "q!", "bad": "q!"}, {})
    assert out["figures"].available == ("good", "bad")


async def test_many_runs_of_one_graph_know_nothing_of_each_other():
    barrier = asyncio.Barrier(100)

    async def meets(query):
        await barrier.wait()
        if query % 7 == 0:
            raise ConnectionError
        return query

    fan_out = FanOut([Source("a", meets), Source("b", lambda query: query, threads_max=4)])
    graph = fan_out.compile()
    outs = await asyncio.gather(*(graph.ainvoke({"query": number}) for number in range(100)))
    for number, out in enumerate(outs):
        assert out["results"] == ({"b": number} if number % 7 == 0 else {"a": number, "b": number})
        assert len(out["figures"].branches) == 2
    assert not fan_out._rounds._known


async def test_nothing_is_remembered_of_a_run_that_failed():
    fan_out = FanOut([Source("a", fails)])
    with pytest.raises(SourcesFailed):
        await fan_out.compile().ainvoke({"query": "q"})
    assert not fan_out._rounds._known


async def test_an_item_can_ask_a_person_too():
    async def confirm(query, item):
        return interrupt(item)

    source = Source("confirm", confirm, items=lambda query: ["x", "y"])
    graph = within(FanOut([source]), checkpointer=InMemorySaver())
    out = await graph.ainvoke({"query": "q"}, THREAD)
    given = {each.id: f"{each.value} is fine" for each in out["__interrupt__"]}
    out = await graph.ainvoke(Command(resume=given), THREAD)
    assert out["results"] == {"confirm/x": "x is fine", "confirm/y": "y is fine"}


async def test_it_runs_by_itself():
    assert (await asked(Source("a", answers)))["results"] == {"a": "q!"}


async def test_what_answers_at_last_is_not_told_of_when_others_still_fail():
    saver, bad = InMemorySaver(), Counted(fails)
    graph = within(FanOut([Source("bad", bad), Source("worse", fails)], succeed_min=2), checkpointer=saver)
    with pytest.raises(SourcesFailed, match=r"0 of 2 .* bad: .*; worse: "):
        await graph.ainvoke({"query": "q"}, THREAD)
    copy_thread(saver, "t", "t2")
    bad.ask = answers
    with pytest.raises(SourcesFailed, match=r"1 of 2 sources answered, and 2 must\. worse: "):
        await graph.ainvoke(None, {"configurable": {"thread_id": "t2"}})


async def test_answers_are_loaded_in_their_types_while_others_are_asked():
    """The graph around may know nothing of them: it has not got them yet."""
    graph = within(FanOut([Source("load", measures, returns=Load), Source("b", asks)]), checkpointer=InMemorySaver())
    await graph.ainvoke({"query": "q"}, THREAD)
    out = await graph.ainvoke(Command(resume="yes"), THREAD)
    assert out["results"] == {"load": Load(percent=12.5), "b": "yes"}
