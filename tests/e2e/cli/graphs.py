"""What the tests of the command line serve: an order with a contract, and graphs without one."""

import asyncio
from pathlib import Path
from typing import Any

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, interrupt
from typing_extensions import TypedDict

from stretto.server import App
from tests.protos.generated.orders_pb2 import Item, OrderProgress, OrderRequest, Report, ReviewDecision


class Order(TypedDict, total=False):
    customer: str
    items: list[dict[str, Any]]
    priority: str
    notes: dict[str, str]
    deliver_by: Any
    summary: str
    total_cents: int
    lines: list[str]


async def price(order: Order) -> Order:
    items = order.get("items", [])
    get_stream_writer()({"fraction": 0.5, "message": "adding up", "items_done": len(items)})
    return {
        "total_cents": round(sum(item["price"] * item.get("quantity", 1) for item in items) * 100),
        "lines": [item["sku"] for item in items],
    }


async def review(order: Order) -> Order:
    decision = interrupt({"text": "Ship it?", "total_cents": order["total_cents"]})
    return {"summary": f"{decision['verdict']} {decision.get('comment', '')}".strip()}


class State(TypedDict, total=False):
    path: str
    text: str
    answer: Any
    other: Any


def one(name, node, **more):
    graph = StateGraph(State)
    graph.add_node(name, node, **more)
    graph.add_edge(START, name)
    return graph


async def waits(state):
    """Wait until the test makes a file; without a path, for as long as it takes."""
    get_stream_writer()({"fraction": 0.25, "message": "waiting for a file"})
    while not Path(state.get("path", "/nowhere/at/all")).exists():
        await asyncio.sleep(0.01)
    return {"answer": "done"}


async def fails(state):
    if not Path(state.get("path", "/nowhere/at/all")).exists():
        raise ValueError("there is no file")
    return {"answer": "better now"}


async def left(state):
    return {"answer": interrupt("left?")}


async def right(state):
    return {"other": interrupt("right?")}


orders = StateGraph(Order)
orders.add_sequence([price, review])
orders.add_edge(START, "price")

two = StateGraph(State)
two.add_node("left", left)
two.add_node("right", right)
two.add_edge(START, "left")
two.add_edge(START, "right")

app = App()
app.workflow(
    "orders",
    orders,
    description="Prices an order and asks a person whether to ship it.",
    version="7",
    input=OrderRequest,
    result=Report,
    progress=OrderProgress,
    decision={"review": ReviewDecision},
    examples=[("Order one thing", OrderRequest(customer="Ann", items=[Item(sku="ABC-1", quantity=2, price=1.5)]))],
    total_timeout=3600,
    concurrency_max=50,
)
app.workflow("asks", one("asks", lambda state: {"answer": interrupt("go?")}), description="Asks, and answers that.")
app.workflow("asks_twice", two)
app.workflow("echo", one("echo", lambda state: {"answer": state.get("text", "")}))
app.workflow(
    "fails",
    one(
        "fails",
        fails,
        retry_policy=RetryPolicy(max_attempts=2, initial_interval=0.01, jitter=False, retry_on=ValueError),
    ),
)
app.workflow("waits", one("waits", waits))
