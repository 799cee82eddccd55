"""A plain LangGraph graph that knows nothing of Stretto: it reads a text section by section and sums it up."""

import asyncio
from typing import TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

WORK_SECONDS = 0.3


class Summary(TypedDict, total=False):
    """What a caller gets."""

    summary: str


class Digest(Summary, total=False):
    """The text, and what was found in it."""

    text: str
    sections: list[str]
    words: list[int]


async def split(state: Digest) -> Digest:
    """Split the text into sections."""
    await asyncio.sleep(WORK_SECONDS)
    return {"sections": [part.strip() for part in state["text"].split(".") if part.strip()]}


async def count(state: Digest) -> Digest:
    """Count the words of each section, and tell how far it is."""
    tell = get_stream_writer()
    words: list[int] = []
    for number, section in enumerate(state["sections"], 1):
        await asyncio.sleep(WORK_SECONDS)
        words.append(len(section.split()))
        tell({"fraction": number / len(state["sections"]), "message": f"section {number} has {words[-1]} words"})
    return {"words": words}


async def sum_up(state: Digest) -> Digest:
    """Say it in a sentence."""
    await asyncio.sleep(WORK_SECONDS)
    return {"summary": f"{sum(state['words'])} words in {len(state['sections'])} sections"}


builder = StateGraph(Digest, output_schema=Summary)
builder.add_sequence([split, count, sum_up])
builder.add_edge(START, "split")
builder.add_edge("sum_up", END)
graph = builder.compile()
