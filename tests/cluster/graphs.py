"""Small apps whose steps tell which member ran them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from stretto.server import App


class State(TypedDict, total=False):
    text: str
    seen: list[str]
    answer: Any


Step = Callable[[State], Awaitable[State]]


def app_of(*steps: Step, name: str = "line", **options: Any) -> App:
    """An app of one type whose steps follow on one another."""
    app = App()
    app.workflow(name, graph_of(*steps), **options)
    return app


def graph_of(*steps: Step) -> Any:
    graph = StateGraph(State)
    before = START
    for step in steps:
        graph.add_node(step.__name__, step)
        graph.add_edge(before, step.__name__)
        before = step.__name__
    graph.add_edge(before, END)
    return graph


def steps_of(
    member: str, count: int = 3, gate: asyncio.Event | None = None, log: list[str] | None = None
) -> list[Step]:
    """Steps that note who ran them; the second one waits at the gate."""

    def make(number: int) -> Step:
        async def step(state: State) -> State:
            if log is not None:
                log.append(f"{member}:{number}")
            if gate is not None and number == 2:
                await gate.wait()
            return {"seen": [*state.get("seen", []), f"{member}:{number}"]}

        step.__name__ = f"step_{number}"
        return step

    return [make(number) for number in range(1, count + 1)]


async def ask(state: State) -> State:
    return {"answer": interrupt({"question": "Go on?"})}
