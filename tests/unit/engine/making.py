"""Small graphs that several tests run."""

import asyncio
import operator
from typing import Annotated

from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    text: str
    items: Annotated[list[str], operator.add]


def chain(**nodes):
    graph = StateGraph(State)
    before = START
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(before, name)
        before = name
    return graph


def gated():
    """A chain whose second step waits until it is let through, and what happened in it."""
    gate, ran = asyncio.Event(), []
    gate.entered = asyncio.Event()

    def mark(name):
        async def node(state):
            ran.append(name)
            return {"items": [name]}

        return node

    async def waits(state):
        ran.append("waits")
        gate.entered.set()
        await gate.wait()
        return {"items": ["waits"]}

    return chain(first=mark("first"), waits=waits, last=mark("last")), gate, ran


async def until_step(engine, workflow_id, step, attempt=1):
    async for event in engine.follow(workflow_id):
        if event.WhichOneof("kind") == "step_started" and (event.step, event.attempt) == (step, attempt):
            return
    raise AssertionError(f"{step} did not start")
