"""Graphs that the end-to-end tests serve, some of them ill-behaved."""

import asyncio
import os
import time
from pathlib import Path

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from stretto.server import App

if Path(os.environ.get("STRETTO_TEST_BROKEN", "/nowhere/at/all")).exists():
    os._exit(9)  # A module that takes its process down while it is imported.


class State(TypedDict, total=False):
    path: str
    seconds: float
    answer: str
    lines: int


def one(name, node):
    graph = StateGraph(State)
    graph.add_node(name, node)
    graph.add_edge(START, name)
    return graph


async def sleeps(state):
    await asyncio.sleep(state["seconds"])
    return {}


async def blocks(state):
    time.sleep(state["seconds"])  # noqa: ASYNC251 - this is what the test is about.
    return {}


async def waits_for_file(state):
    """Note that it runs, then wait until the test makes a file."""
    with Path(state["path"] + ".ran").open("a") as ran:
        ran.write("x")
    while not Path(state["path"]).exists():
        await asyncio.sleep(0.01)
    return {"answer": "done"}


async def dies(state):
    if not Path(state["path"]).exists():
        os._exit(7)
    return {"answer": "alive"}


async def talks(state):
    """Tell of some progress, no faster than it is taken up."""
    write = get_stream_writer()
    for number in range(int(state["lines"])):
        write({"message": f"line {number}"})
        if not number % 100:
            await asyncio.sleep(0.005)
    return {}


async def asks(state):
    return {"answer": interrupt("go?")}


app = App()
app.workflow("sleeps", one("sleeps", sleeps))
app.workflow("blocks", one("blocks", blocks))
app.workflow("waits_for_file", one("waits_for_file", waits_for_file))
app.workflow("dies", one("dies", dies))
app.workflow("talks", one("talks", talks))
app.workflow("asks", one("asks", asks))
app.workflow("quick", one("quick", lambda state: {"answer": "quick"}))
