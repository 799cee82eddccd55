"""`make test-wheel` runs these tests, and their servers, on the wheel; without it they run on the checkout."""

import sys
import sysconfig
from pathlib import Path

from google.protobuf.struct_pb2 import Struct
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

import stretto
from stretto.server import App

ROOT = Path(__file__).parents[2]


class Whereabouts(TypedDict, total=False):
    executable: str
    parts: list[str]


async def looks(state):
    return {"executable": sys.executable, "parts": list(stretto.__path__)}


graph = StateGraph(Whereabouts)
graph.add_node(looks)
graph.add_edge(START, "looks")
app = App()
app.workflow("looks", graph)


def expected():
    """Where `stretto` must lie: in the fresh environment of the wheel, or else in the checkout's three source roots."""
    if Path(sys.prefix) == ROOT / "build" / "installed":
        return [str(Path(sysconfig.get_path("purelib")) / "stretto")]
    return [str(ROOT / root / "stretto") for root in ("client", "generated", "server")]


async def test_the_tests_and_their_servers_run_the_same_installed_stretto(serving, caller):
    await serving.up("tests.e2e.test_installed:app")
    result = Struct()
    (await caller.until(await caller.start("looks"), "completed")).completed.result.Unpack(result)
    assert list(result["parts"]) == list(stretto.__path__) == expected()
    assert result["executable"] == sys.executable
