"""What the tests of the fan-out have in common: to ask, and to hear what is told meanwhile."""

import asyncio

from langgraph.graph import START, StateGraph

from stretto.workflows.fan_out import FanOut, FanOutState


async def asked(*sources, query="q", kind="", without=(), **options):
    """What comes out of a fan-out over these sources."""
    graph = FanOut(sources, **options).compile()
    return await graph.ainvoke({"query": query, "kind": kind, "without": without})


async def heard(*sources, query="q", **options):
    """All that a fan-out over these sources tells, in order."""
    graph = FanOut(sources, **options).compile()
    return [chunk async for chunk in graph.astream({"query": query}, stream_mode="custom")]


def kinds_of(chunks, source, item=""):
    """What happened in one branch, in order."""
    told = [chunk["detail"]["branch"] for chunk in chunks]
    return [
        kind
        for each in told
        if (each["source"], each["item"]) == (source, item)
        for kind in each.keys() - {"source", "item"}
    ]


def within(fan_out, *, state=FanOutState, checkpointer=None):
    """A graph with the fan-out as its only node."""
    builder = StateGraph(state)
    builder.add_node("asking", fan_out.compile())
    builder.add_edge(START, "asking")
    return builder.compile(checkpointer=checkpointer)


async def answers(query):
    return f"{query}!"


async def fails(query):
    raise ConnectionError("line is dead")


async def hangs(query):
    await asyncio.Event().wait()
