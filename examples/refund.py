"""A graph that asks a person: a refund is paid once somebody has approved it. Its contract is in `protos`."""

import asyncio
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

WORK_SECONDS = 0.5


class State(TypedDict, total=False):
    """It begins with the fields of the input, and the result is picked out of it by name."""

    order: str
    cents: int
    approved: bool
    reason: str


async def check(state: State) -> State:
    """Pay back no more than a hundred francs."""
    await asyncio.sleep(WORK_SECONDS)
    return {"cents": min(state["cents"], 100_00)}


async def approve(state: State) -> State:
    """Wait for a person, for as long as it takes; meanwhile the workflow costs a row."""
    verdict = interrupt(f"Pay {state['cents'] / 100:.2f} back for order {state['order']}?")
    return {"approved": verdict["approved"], "reason": verdict["reason"]}


async def settle(state: State) -> State:
    """Pay, if the person said so."""
    await asyncio.sleep(WORK_SECONDS)
    return {"cents": state["cents"] if state["approved"] else 0}


builder = StateGraph(State)
builder.add_sequence([check, approve, settle])
builder.add_edge(START, "check")
builder.add_edge("settle", END)
graph = builder.compile()
