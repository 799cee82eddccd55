"""Apps of small graphs, for the tests of `stretto.testing`."""

import asyncio
import threading
from collections.abc import Callable

from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, interrupt
from typing_extensions import TypedDict

from stretto.server import App
from tests.protos.generated.orders_pb2 import Item, OrderRequest, Report, ReviewDecision

PATIENT = RetryPolicy(initial_interval=30, max_interval=60, jitter=True, max_attempts=3)


class State(TypedDict, total=False):
    items: list
    answer: object
    total: int
    total_cents: int
    summary: str


def app_of(*nodes: Callable, name: str = "line", retry_policy: RetryPolicy | None = None, **options) -> App:
    """An app of one graph whose nodes follow on one another."""
    graph = StateGraph(State)
    before = START
    for node in nodes:
        graph.add_node(node.__name__, node, retry_policy=retry_policy)
        graph.add_edge(before, node.__name__)
        before = node.__name__
    app = App()
    app.workflow(name, graph.compile(), **options)
    return app


def order_app(*nodes: Callable) -> App:
    return app_of(*nodes, name="order", input=OrderRequest, result=Report, decision=ReviewDecision)


def order() -> OrderRequest:
    return OrderRequest(customer="Ada", items=[Item(sku="ABC-1", quantity=2, price=1.5)])


async def add_up(state: State) -> State:
    return {"total": len(state.get("items", []))}


def add_up_in_a_thread(state: State) -> State:
    return {"total": len(state.get("items", []))}


async def price(state: State) -> State:
    cents = sum(round(item["price"] * 100) * item["quantity"] for item in state["items"])
    return {"total_cents": cents, "summary": "paid"}


async def ask(_: State) -> State:
    return {"answer": interrupt({"question": "Well?"})}


async def hang(_: State) -> State:
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


def failing(times: int) -> Callable:
    """A node that fails several times before it does not."""
    left = [times]

    async def flaky(_: State) -> State:
        left[0] -= 1
        if left[0] >= 0:
            raise ConnectionError(f"line is dead, {left[0]} more times")
        return {"total": 1}

    return flaky


def threads_of_ours() -> list[str]:
    """Those that do not end by themselves within a second."""
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("stretto")]
    for thread in ours:
        thread.join(1)
    return [thread.name for thread in ours if thread.is_alive()]
