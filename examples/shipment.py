"""A graph whose carrier fails at first: LangGraph's own retry policy repeats the step, and each attempt is seen."""

import asyncio
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import get_runtime
from langgraph.types import RetryPolicy

WORK_SECONDS = 0.5
PAUSE_SECONDS = 2.0
FAILURES = 2


class Booking(TypedDict, total=False):
    """What a caller gets."""

    booking: str


class Shipment(Booking, total=False):
    """What to ship, and how far that is."""

    order: str
    parcel: str


class CarrierBusyError(Exception):
    """The carrier takes no bookings now."""


async def pack(state: Shipment) -> Shipment:
    """Pack the parcel."""
    await asyncio.sleep(WORK_SECONDS)
    return {"parcel": f"parcel of {state['order']}"}


async def book(state: Shipment) -> Shipment:
    """Book the carrier, who is busy the first two times."""
    await asyncio.sleep(WORK_SECONDS)
    info = get_runtime().execution_info
    if info is not None and info.node_attempt <= FAILURES:
        raise CarrierBusyError(f"no van is free for {state['parcel']}")
    return {"booking": f"van for {state['parcel']}"}


builder = StateGraph(Shipment, output_schema=Booking)
builder.add_node(pack)
builder.add_node(
    book,
    retry_policy=RetryPolicy(
        max_attempts=4, initial_interval=PAUSE_SECONDS, backoff_factor=1, jitter=False, retry_on=CarrierBusyError
    ),
)
builder.add_edge(START, "pack")
builder.add_edge("pack", "book")
builder.add_edge("book", END)
graph = builder.compile()
