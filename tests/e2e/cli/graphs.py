"""What the tests of the command line serve: an order with a contract, and graphs without one."""

import asyncio
import operator
from pathlib import Path
from typing import Annotated, Any

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, Send, interrupt
from typing_extensions import TypedDict

from stretto.server import App
from tests.protos.generated.orders_pb2 import Item, OrderProgress, OrderRequest, Report, ReviewDecision
from tests.protos.generated.sources_pb2 import Query, QueryAnswer, QueryProgress


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


class Asked(TypedDict, total=False):
    path: str
    jobs: list[str]
    answered: Annotated[list[str], operator.add]


def tell_branch(source, item="", **kind):
    get_stream_writer()({"detail": {"branch": {"source": source, "item": item, **kind}}})


async def metrics(state):
    tell_branch("metrics", started={"timeout": "5s"})
    tell_branch("metrics", succeeded={"latency": "0.05s", "attempts": 1})
    return {"answered": ["metrics"]}


async def logs(state):
    """Fail as a branch does: its step completes."""
    tell_branch("logs", started={"timeout": "5s"})
    reason = "BRANCH_FAILURE_REASON_TIMEOUT"
    tell_branch("logs", failed={"reason": reason, "message": "no answer", "latency": "5s", "attempts": 3})


async def jobs(state):
    """Ask about one job; the last one waits until the test makes a file."""
    tell_branch("jobs", state["job"], started={"timeout": "50s"})
    while state["job"] == "last" and not Path(state["path"]).exists():
        await asyncio.sleep(0.01)
    tell_branch("jobs", state["job"], advanced={"fraction": 0.5})
    tell_branch("jobs", state["job"], succeeded={"latency": "0.31s", "attempts": 2})
    return {"answered": [f"jobs of {state['job']}"]}


def choose(state):
    about = [Send("jobs", {"job": job, "path": state["path"]}) for job in ("first", "last")] if "path" in state else []
    return [Send("metrics", state), Send("logs", state), *about]


asking = StateGraph(Asked)
for source in (metrics, logs, jobs):
    asking.add_node(source)
asking.add_conditional_edges(START, choose, ["metrics", "logs", "jobs"])
asks_sources = StateGraph(Asked)
asks_sources.add_node("asking", asking.compile())
asks_sources.add_edge(START, "asking")

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
app.workflow("asks_sources", asks_sources, input=Query, progress=QueryProgress, result=QueryAnswer)
app.workflow("asks_sources_freely", asks_sources)
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
