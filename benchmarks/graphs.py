"""The graphs that are measured. They know nothing of Stretto, and run on bare LangGraph too."""

import asyncio
import operator
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

PULSES, PULSE_SECONDS = 100, 0.01
AGENT_STEPS, PATIENT_SECONDS, HASTY_SECONDS = 5, 4.0, 0.25
SAID = "A language model says this and that at such a length. " * 10

Builder = StateGraph[Any, Any, Any, Any]


class Number(TypedDict):
    """One number."""

    value: int


class Branches(TypedDict):
    """What each branch found."""

    value: int
    found: Annotated[list[int], operator.add]


class Talk(TypedDict):
    """What was said so far."""

    value: int
    said: Annotated[list[str], operator.add]


async def add_one(state: Number) -> Number:
    """The most trivial of steps."""
    return {"value": int(state["value"]) + 1}


def chain(length: int, node: Callable[[Number], Awaitable[Number]] = add_one) -> Builder:
    """Steps one after the other."""
    builder = StateGraph(Number)
    before = START
    for number in range(length):
        name = f"step_{number}"
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    builder.add_edge(before, END)
    return builder


def chain3() -> Builder:
    """Three trivial steps: what is left is the engine's own cost."""
    return chain(3)


def fan4() -> Builder:
    """Four branches of 300, 500, 100 and 50 ms at once: 500 ms if nothing is added."""
    builder = StateGraph(Branches)
    builder.add_node("route", _nothing)
    builder.add_node("gather", _nothing)
    for milliseconds in (300, 500, 100, 50):
        name = f"branch_{milliseconds}"
        builder.add_node(name, _branch(milliseconds))
        builder.add_edge("route", name)
        builder.add_edge(name, "gather")
    builder.add_edge(START, "route")
    builder.add_edge("gather", END)
    return builder


def ticker() -> Builder:
    """Runs for 20 seconds or more in 100 short steps."""
    return chain(100, _tick)


def blocker() -> Builder:
    """Blocks its event loop for five seconds, as bad user code does."""
    return chain(1, _block)


def chatty() -> Builder:
    """Writes 1,100 progress events in one step."""
    return chain(1, _chat)


def asker() -> Builder:
    """Asks a question at once and waits."""
    return chain(1, _ask)


def sleeper() -> Builder:
    """Runs for an hour and does nothing."""
    return chain(1, _sleep)


def steps_of(length: int) -> Builder:
    """Steps one after the other that take a while each, as calls of other services do."""

    async def work(state: Number) -> Number:
        await asyncio.sleep(step_seconds(length))
        return state

    return chain(length, work)


def step_seconds(length: int) -> float:
    """How long each step takes: not the same in all of them, or they would all be done in the same moment."""
    return 0.1 + 0.01 * length


def agent(seconds: float) -> Builder:
    """Steps that wait as long as a language model takes, and add what it says to what was said before."""

    async def ask(_: Talk) -> dict[str, list[str]]:
        await asyncio.sleep(seconds)
        return {"said": [SAID]}

    builder = StateGraph(Talk)
    builder.add_sequence([(f"step_{number}", ask) for number in range(AGENT_STEPS)])
    builder.add_edge(START, "step_0")
    return builder


def pulse() -> Builder:
    """Says something every few milliseconds for a second."""
    return chain(1, _pulse)


async def _nothing(_: Branches) -> dict[str, list[int]]:
    return {"found": []}


def _branch(milliseconds: int) -> Callable[[Branches], Awaitable[dict[str, list[int]]]]:
    async def run(_: Branches) -> dict[str, list[int]]:
        await asyncio.sleep(milliseconds / 1e3)
        return {"found": [milliseconds]}

    return run


async def _tick(state: Number) -> Number:
    await asyncio.sleep(0.2)
    return state


async def _block(state: Number) -> Number:
    time.sleep(5)  # noqa: ASYNC251 - to block the loop is what it is for
    return state


async def _chat(state: Number) -> Number:
    write = get_stream_writer()
    for number in range(1_100):
        write({"message": f"line {number}", "fraction": number / 1_100})
        if not number % 50:
            await asyncio.sleep(0)
    return state


async def _pulse(state: Number) -> Number:
    write = get_stream_writer()
    for number in range(PULSES):
        write({"message": f"beat {number}", "fraction": number / PULSES})
        await asyncio.sleep(PULSE_SECONDS)
    return state


async def _ask(state: Number) -> Number:
    interrupt("go on?")
    return state


async def _sleep(state: Number) -> Number:
    await asyncio.sleep(3_600)
    return state
