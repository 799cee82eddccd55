"""A fan-out that the end-to-end tests interrupt; each time a source is asked is a line in a file."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

from langgraph.graph import START, StateGraph

from stretto.server import App
from stretto.workflows.fan_out import FanOut, FanOutState, Source

FOLDER = "STRETTO_TEST_EFFECTS"
"""Variable that names the folder of the file of effects, and of the files that open gates."""
LOOK_SECONDS = 0.01
SECONDS_MAX = 120.0
JOBS = ("quick", "quicker", "slow", "slower")


def effect(what: str) -> None:
    with Path(os.environ[FOLDER], "effects").open("a") as file:
        file.write(f"{what}\n")


def effects_in(folder: Path) -> Counter[str]:
    """How often each branch was asked."""
    return Counter((folder / "effects").read_text().splitlines())


def is_open(branch: str) -> bool:
    return Path(os.environ[FOLDER], f"gate-{branch}").exists()


def open_gate(folder: Path, branch: str) -> None:
    (folder / f"gate-{branch}").touch()


async def at_once(query: str) -> str:
    effect("at_once")
    return f"{query} at once"


async def failing(query: str) -> str:
    effect("failing")
    raise ConnectionError("line is dead")


async def waiting(query: str) -> str:
    effect("waiting")
    while not is_open("waiting"):
        await asyncio.sleep(LOOK_SECONDS)
    return f"{query} waited for"


def in_a_thread(query: str) -> str:
    effect("in_a_thread")
    while not is_open("in_a_thread"):
        time.sleep(LOOK_SECONDS)
    return f"{query} in a thread"


async def of_jobs(query: str, job: str) -> str:
    effect(job)
    while job.startswith("slow") and not is_open(job):
        await asyncio.sleep(LOOK_SECONDS)
    return f"{query} of {job}"


fan_out = FanOut(
    [
        Source("at_once", at_once),
        Source("failing", failing),
        Source("waiting", waiting, seconds_max=SECONDS_MAX, required=True),
        Source("in_a_thread", in_a_thread, seconds_max=SECONDS_MAX),
        Source("of_jobs", of_jobs, items=lambda query: JOBS, seconds_max=SECONDS_MAX),
    ],
    seconds_max=SECONDS_MAX,
    succeed_min=4,
    share=(0.0, 1.0),
)
graph = StateGraph(FanOutState)
graph.add_node("asking", fan_out.compile())
graph.add_edge(START, "asking")

app = App()
app.workflow("ask", graph)
