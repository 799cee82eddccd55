"""The graph. It is plain LangGraph: it knows nothing of Stretto and runs without it."""

import asyncio
from typing import TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy, interrupt

from expenses import bank


class Receipt(TypedDict):
    """One thing that was bought."""

    text: str
    cents: int


class State(TypedDict, total=False):
    """What the steps share. It begins with the fields of the input, and the result is picked out of it by name."""

    claim_id: str
    employee: str
    receipts: list[Receipt]
    total_cents: int
    approved: bool
    reason: str
    paid: bool
    transfer: str


async def check(state: State) -> State:
    """Check one receipt after the other, and tell how far that is."""
    tell = get_stream_writer()
    total_cents = 0
    for number, receipt in enumerate(state["receipts"], start=1):
        await asyncio.sleep(0.2)  # Stands for the work.
        total_cents += receipt["cents"]
        tell(
            {
                "fraction": number / len(state["receipts"]),
                "message": f"checked: {receipt['text']}",
                "detail": {"receipts": number, "total_cents": total_cents},
            }
        )
    return {"total_cents": total_cents}


async def approve(state: State) -> State:
    """Ask a person, and wait for as long as it takes. What stands above `interrupt` runs again after the answer."""
    verdict = interrupt(f"Pay {state['total_cents'] / 100:.2f} to {state['employee']}?")
    return {"approved": verdict["approved"], "reason": verdict["reason"]}


async def pay(state: State) -> State:
    """Have the bank pay. If it is busy the step is tried again, after a crash it may be too: hence the claim's id."""
    transfer = await bank.transfer(state["claim_id"], state["employee"], state["total_cents"])
    return {"paid": True, "transfer": transfer}


def verdict_of(state: State) -> str:
    """Where to go after `approve`."""
    return "pay" if state["approved"] else END


builder = StateGraph(State)
builder.add_node(check)
builder.add_node(approve)
builder.add_node(pay, retry_policy=RetryPolicy(max_attempts=5, initial_interval=0.2, retry_on=bank.BankBusyError))
builder.add_edge(START, "check")
builder.add_edge("check", "approve")
builder.add_conditional_edges("approve", verdict_of, ["pay", END])
builder.add_edge("pay", END)
graph = builder.compile()
