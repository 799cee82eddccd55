"""A graph that asks a person: a refund is paid once somebody has approved it."""

import asyncio
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

WORK_SECONDS = 0.5


class Refund(TypedDict, total=False):
    """What is asked for, and what came of it."""

    order: str
    amount: float
    approved: bool
    outcome: str


async def look_up(state: Refund) -> Refund:
    """Find out what the order was worth."""
    await asyncio.sleep(WORK_SECONDS)
    return {"amount": float(len(state["order"]) * 10)}


async def approve(state: Refund) -> Refund:
    """Wait for a person, for as long as it takes; meanwhile the workflow costs a row."""
    answer = interrupt({"question": f"Pay {state['amount']:.2f} back for order {state['order']}?"})
    return {"approved": bool(answer["approved"])}


async def settle(state: Refund) -> Refund:
    """Pay, or say why not."""
    await asyncio.sleep(WORK_SECONDS)
    return {"outcome": f"paid {state['amount']:.2f}" if state["approved"] else "refused"}


builder = StateGraph(Refund)
builder.add_sequence([look_up, approve, settle])
builder.add_edge(START, "look_up")
builder.add_edge("settle", END)
graph = builder.compile()
