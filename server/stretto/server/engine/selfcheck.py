"""A look, before any workflow runs, at whether the installed LangGraph tells us what it must."""

import importlib.metadata
from typing import Any

from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from stretto.server.domain.errors import RegistrationError
from stretto.server.engine.observer import Observer


class _Listener:
    """Counts steps."""

    def __init__(self) -> None:
        self.started = 0
        self.finished = 0

    async def step_started(self, namespace: str) -> None:  # noqa: ARG002 - the protocol's, here and below
        self.started += 1

    def step_finished(self, namespace: str, output: Any) -> None:  # noqa: ARG002
        self.finished += 1

    def step_failed(self, namespace: str, error: BaseException) -> None:
        """There is none."""

    def step_cut_off(self, namespace: str) -> None:
        """There is none."""

    def token(self, namespace: str, message_id: str, text: str) -> None:
        """There is none."""


class _State(TypedDict, total=False):
    done: bool


async def check_langgraph() -> None:
    """Run a graph of one node and see its step, or refuse to serve.

    Steps are seen through a callback handler that some releases of LangGraph take off: workflows would run on them
    without a word in their journals, and a cancel would stop no step.
    """
    listener = _Listener()
    graph = StateGraph(_State)
    graph.add_node("node", lambda _: {"done": True})
    graph.add_edge(START, "node")
    await graph.compile().ainvoke({}, {"callbacks": [Observer(listener)]})
    if (listener.started, listener.finished) != (1, 1):
        version = importlib.metadata.version("langgraph")
        raise RegistrationError(f"LangGraph {version} does not tell of its steps; install langgraph 1.2.22 or later.")
