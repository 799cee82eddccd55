"""Graphs whose steps leave a line in a file each time they run, so that what ran is known without the server."""

import asyncio
import json
import operator
import os
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.config import get_config, get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

Builder = StateGraph[Any, Any, Any, Any]
PAUSE_SECONDS_MAX = 0.04
LINES_PER_STEP = 20
LINE_SECONDS = 0.005


class Job(TypedDict, total=False):
    """Who asks, where to leave lines, how long to take, what was decided, and the marks of all that ran."""

    request_id: str
    effects: str
    pause: float
    decision: str
    ran: Annotated[list[str], operator.add]


class Talk(TypedDict, total=False):
    """How long to talk, and how much was said."""

    until: str
    said: int


def _leave_line(state: Job, step: str) -> str:
    """One write of one line: appends by several processes do not mix. Gives the mark of this execution.

    It begins with the epoch under which the graph was started; no other execution has the same one.
    """
    ours = get_config()["configurable"]
    mark = f"{ours['__stretto_epoch']}-{secrets.token_hex(6)}"
    line = {
        "request_id": state["request_id"],
        "step": step,
        "at": time.time(),
        "decision": state.get("decision", ""),
        "workflow_id": ours["thread_id"],
        "mark": mark,
        "group": os.getpgrp(),
    }
    file = os.open(state["effects"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, json.dumps(line).encode() + b"\n")
    finally:
        os.close(file)
    return mark


def _step(name: str) -> Callable[[Job], Awaitable[Job]]:
    async def run(state: Job) -> Job:
        mark, pause = _leave_line(state, name), state.get("pause", PAUSE_SECONDS_MAX)
        await asyncio.sleep(random.uniform(0, pause))
        get_stream_writer()({"message": mark, "fraction": 0.5})
        await asyncio.sleep(random.uniform(0, pause))
        return {"ran": [mark]}

    return run


async def _ask(_: Job) -> Job:
    return {"decision": str(interrupt("yes or no?"))}


def _line_of(*names: str) -> Builder:
    builder = StateGraph(Job)
    before = START
    for name in names:
        builder.add_node(name, _ask if name == "ask" else _step(name))
        builder.add_edge(before, name)
        before = name
    builder.add_edge(before, END)
    return builder


def steps() -> Builder:
    """Four steps, one after the other."""
    return _line_of("one", "two", "three", "four")


def approval() -> Builder:
    """A step, a question, a step that leaves the decision in its line."""
    return _line_of("before", "ask", "after")


def branches() -> Builder:
    """Three steps side by side between two others: a branch that is done stays done when its neighbour is killed."""
    builder = StateGraph(Job)
    for name in ("split", "left", "middle", "right", "join"):
        builder.add_node(name, _step(name))
    builder.add_edge(START, "split")
    for name in ("left", "middle", "right"):
        builder.add_edge("split", name)
    builder.add_edge(["left", "middle", "right"], "join")
    builder.add_edge("join", END)
    return builder


def talk() -> Builder:
    """Some 200 progress events in a second, in step after step, until somebody makes a file."""
    builder = StateGraph(Talk)
    builder.add_node("talk", _talk)
    builder.add_edge(START, "talk")
    builder.add_conditional_edges("talk", lambda state: END if Path(state["until"]).exists() else "talk")
    return builder


async def _talk(state: Talk) -> Talk:
    write, said = get_stream_writer(), int(state.get("said", 0))
    for number in range(said, said + LINES_PER_STEP):
        write({"message": f"line {number} " + "." * random.randrange(200)})
        await asyncio.sleep(LINE_SECONDS)
    return {"said": said + LINES_PER_STEP}
