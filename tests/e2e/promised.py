"""Graphs whose journals the tests of the promises read."""

import asyncio
from pathlib import Path
from typing import Any

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from stretto.server import App
from tests.protos.generated.orders_pb2 import OrderProgress, OrderRequest, Report


class State(TypedDict, total=False):
    path: str
    count: int
    answer: str


def line(*nodes):
    graph, before = StateGraph(State), START
    for node in nodes:
        graph.add_node(node.__name__, node)
        graph.add_edge(before, node.__name__)
        before = node.__name__
    return graph


async def counts(state):
    """Tell of one thing after another."""
    for number in range(int(state["count"])):
        get_stream_writer()({"fraction": number / state["count"], "message": f"{number}"})
        await asyncio.sleep(0)
    return {}


async def gates(state):
    """Tell of each gate, and wait until the test opens it by making a file."""
    for number in range(int(state["count"])):
        get_stream_writer()(f"gate {number}")
        while not Path(f"{state['path']}.{number}").exists():
            await asyncio.sleep(0.005)
    return {"answer": "through"}


async def fails(state):
    raise ValueError("not today")


class Order(TypedDict, total=False):
    customer: str
    items: list[dict[str, Any]]


async def reckons(state):
    get_stream_writer()({"items_done": len(state["items"])})
    return {}


order = StateGraph(Order)
order.add_node("reckons", reckons)
order.add_edge(START, "reckons")

app = App()
app.workflow("counts", line(counts))
app.workflow("gates", line(gates))
app.workflow("fails", line(fails))
app.workflow(
    "order",
    order,
    input=OrderRequest,
    result=Report,
    progress=OrderProgress,
    to_result=lambda state: {
        "summary": f"For {state['customer']}",
        "total_cents": round(sum(item["quantity"] * item["price"] * 100 for item in state["items"])),
    },
)
