"""Graphs that the end-to-end tests talk about; what their steps do is written to a file, a line each time."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any, TypedDict

from langgraph.config import get_config, get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from stretto.server import App

EFFECTS = "STRETTO_TEST_EFFECTS"
"""Variable that names the folder of the file of effects, and of the file that opens the gate."""


class Trip(TypedDict, total=False):
    city: str
    approved: bool


def effect(what: str) -> None:
    with Path(os.environ[EFFECTS], "effects").open("a") as file:
        file.write(f"{get_config()['configurable']['thread_id']} {what}\n")


def effects_in(folder: Path) -> list[tuple[str, str]]:
    """What steps have done, in order: workflow and effect."""
    file = folder / "effects"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines]


def gate_is_open() -> bool:
    return Path(os.environ[EFFECTS], "gate").exists()


async def looking_for_hotels(state: Trip) -> Trip:
    get_stream_writer()({"fraction": 0.3, "message": f"Looking for hotels in {state.get('city', '?')}"})
    effect("looked")
    return {}


async def comparing_prices(_: Trip) -> Trip:
    effect("compared")
    return {}


async def asking(state: Trip) -> Trip:
    answer: Any = interrupt({"question": f"Book the hotel in {state.get('city', '?')}?"})
    return {"approved": bool(answer.get("approved"))}


async def booking(state: Trip) -> Trip:
    effect("booked" if state["approved"] else "declined")
    get_stream_writer()({"message": "Booked" if state["approved"] else "Not booked"})
    return {}


async def blocking(_: Trip) -> Trip:
    """Hold the executor's loop up again and again, until the gate opens."""
    while not gate_is_open():
        time.sleep(0.02)  # noqa: ASYNC251 - this is what the test is about.
        await asyncio.sleep(0)
    return {}


async def freezing(_: Trip) -> Trip:
    """Hold the executor's loop up for good, until the gate opens."""
    while not gate_is_open():
        time.sleep(0.01)  # noqa: ASYNC251 - as above.
    return {}


async def waiting(_: Trip) -> Trip:
    """Run until the gate opens, and disturb nobody."""
    while not gate_is_open():
        await asyncio.sleep(0.01)
    return {}


async def quoting(state: Trip) -> Trip:
    raise LookupError(f"There is no {state.get('city', '?')} on this map")


def line(*nodes: Any) -> StateGraph[Trip, None, Trip, Trip]:
    graph = StateGraph(Trip)
    graph.add_sequence(nodes)
    graph.add_edge(START, nodes[0].__name__)
    return graph


app = App()
app.workflow(
    "trip_booking",
    line(looking_for_hotels, comparing_prices, asking, booking),
    description="Plans a trip: finds hotels in a city and books one of them.",
    examples=[
        ("Book me a trip to Lisbon", {"city": "Lisbon"}),
        ("Find a hotel in Rome for my holiday", {"city": "Rome"}),
    ],
)
app.workflow("map_reading", line(quoting), description="Reads a map.")
app.workflow("blocking", line(blocking), description="Grinds a lens.")
app.workflow("freezing", line(freezing), description="Freezes a pond.")
app.workflow("waiting", line(waiting), description="Watches paint dry.")
