"""What the test of cut sessions serves: workflows that say how far they are until somebody makes a file."""

import asyncio
from pathlib import Path
from typing import TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

from stretto.server import App

LINES_PER_STEP = 10
LINE_SECONDS = 0.02


class State(TypedDict, total=False):
    until: str
    said: int


async def talk(state: State) -> State:
    said = state.get("said", 0)
    for number in range(said, said + LINES_PER_STEP):
        get_stream_writer()({"message": f"line {number} " + "." * (number % 100)})
        await asyncio.sleep(LINE_SECONDS)
    return {"said": said + LINES_PER_STEP}


graph = StateGraph(State)
graph.add_node("talk", talk)
graph.add_edge(START, "talk")
graph.add_conditional_edges("talk", lambda state: END if Path(state["until"]).exists() else "talk")

app = App()
app.workflow("talker", graph, description="Talks until it is enough.", recursion_limit=10**6)
