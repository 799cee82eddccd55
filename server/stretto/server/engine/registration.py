"""How a team tells Stretto about its graphs: one `App`, one declaration for each workflow type."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from langgraph.graph.state import StateGraph
from langgraph.pregel import Pregel
from langgraph.types import RetryPolicy

from stretto.server.domain import workflow_type as domain
from stretto.server.domain.clock import SECOND, Clock, Micros
from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.payload import JsonValue
from stretto.server.engine.desk import Desk, TurnName
from stretto.server.engine.serializer import declared_types

Graph: TypeAlias = "Pregel[Any, Any, Any, Any] | StateGraph[Any, Any, Any, Any] | Callable[[], Any]"

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_NAME_CHARACTERS_MAX = 128


DYNAMIC = domain.Contract()
"""The contract of a type that declares none."""

ContextOf: TypeAlias = Callable[[TurnName, Desk, Clock], Any]
"""Makes the run context of one turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One workflow type as its author declared it."""

    name: str
    graph: Graph
    version: str = "1"
    description: str = ""
    contract: domain.Contract = DYNAMIC
    examples: tuple[domain.Example, ...] = ()
    total_timeout: Micros = 0
    concurrency_max: int = 0
    retry: tuple[RetryPolicy, ...] = ()
    to_input: Callable[[Any], Any] | None = None
    to_result: Callable[[Any], Any] | None = None
    to_decision: Callable[[Any], Any] | None = None
    allowed_types: tuple[type, ...] = ()
    context: Any = None
    context_of: ContextOf | None = None
    in_turn: bool = False
    reading_steps: frozenset[str] = frozenset()
    """Paths of steps that only read: one of them may start before that is durable, and after a cancel."""
    ending_steps: frozenset[str] = frozenset()
    """Paths of steps of which nothing is durable before the run's end: what they have ordered is in memory until then,
    so a run that breaks off has to take them again."""
    recursion_limit: int | None = None
    at_start: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class RegisteredGraph:
    """A workflow type that this process can run: what the catalog says of it, and the graph itself."""

    info: domain.WorkflowType
    graph: Pregel[Any, Any, Any, Any]
    declaration: Declaration
    retry_policies: Mapping[str, tuple[RetryPolicy, ...]]
    """Retry policies by path of the step."""
    breakpoints: bool
    """Whether the graph stops before or after some of its nodes."""


def check_name(name: str) -> None:
    """Refuse names that do not read well on a command line or in a URL, and those of the server's own."""
    if name.startswith(domain.RESERVED):
        raise RegistrationError(f"The workflow type name {name!r} is reserved: {domain.RESERVED}… is Stretto's own.")
    if not name or len(name) > _NAME_CHARACTERS_MAX or not _NAME_CHARACTERS.issuperset(name):
        raise RegistrationError(
            f"The workflow type name {name!r} must have 1 to {_NAME_CHARACTERS_MAX} characters out of letters, "
            "digits, `_`, `-` and `.`."
        )


def build(declaration: Declaration, checkpointer_for: Callable[[Any, tuple[type, ...]], Any]) -> RegisteredGraph:
    """Compile the graph if need be, give a copy of it our checkpointer, describe it; the author's does not change."""
    compiled = _compile(declaration)
    graph = copy.copy(compiled)
    if declaration.retry:
        graph.retry_policy = declaration.retry
    graph.checkpointer = checkpointer_for(declared_types(graph), declaration.allowed_types)
    graph.cache = (
        None  # A cache could hand one tenant what another one computed, and its values are not in the journal.
    )
    steps = _steps(graph)
    return RegisteredGraph(
        info=_describe(declaration, graph, steps),
        graph=graph,
        declaration=declaration,
        retry_policies={path: policies for path, policies, _ in steps if policies},
        breakpoints=bool(graph.interrupt_before_nodes or graph.interrupt_after_nodes),
    )


def _compile(declaration: Declaration) -> Pregel[Any, Any, Any, Any]:
    graph: Any = declaration.graph
    if not isinstance(graph, Pregel | StateGraph) and callable(graph):
        graph = graph()
    if isinstance(graph, StateGraph):
        graph = graph.compile()
    if isinstance(graph, Pregel):
        return graph
    raise RegistrationError(
        f"Workflow type {declaration.name!r}: {type(graph).__name__} is no LangGraph graph. Give a compiled graph, a "
        "StateGraph, an @entrypoint, or a function that returns one of them."
    )


def _steps(graph: Pregel[Any, Any, Any, Any]) -> list[tuple[str, tuple[RetryPolicy, ...], Micros]]:
    """The graph's nodes and those of its subgraphs: path, retry policies, timeout."""
    found = _nodes(graph, "")
    for namespace, subgraph in graph.get_subgraphs(recurse=True):
        if isinstance(subgraph, Pregel):
            found += _nodes(subgraph, namespace.replace("|", "/") + "/")
    return found


def _nodes(graph: Pregel[Any, Any, Any, Any], prefix: str) -> list[tuple[str, tuple[RetryPolicy, ...], Micros]]:
    nodes = []
    for name, node in graph.nodes.items():
        if name == "__start__":
            continue
        own = node.retry_policy or graph.retry_policy or ()
        policies = (own,) if isinstance(own, RetryPolicy) else tuple(own)
        timeout = getattr(getattr(node, "timeout", None), "run_timeout", None)
        nodes.append((prefix + name, policies, _micros(timeout)))
    return nodes


def _micros(duration: float | timedelta | None) -> Micros:
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration or 0
    return int(seconds * SECOND)


def _describe(
    declaration: Declaration,
    graph: Pregel[Any, Any, Any, Any],
    steps: Sequence[tuple[str, tuple[RetryPolicy, ...], Micros]],
) -> domain.WorkflowType:
    return domain.WorkflowType(
        name=declaration.name,
        version=declaration.version,
        description=declaration.description,
        contract=declaration.contract,
        mermaid=_drawing(graph),
        steps=tuple(
            domain.StepType(path, tuple(_policy(policy) for policy in policies), timeout)
            for path, policies, timeout in steps
        ),
        total_timeout=declaration.total_timeout,
        concurrency_max=declaration.concurrency_max,
        examples=declaration.examples,
        input_json_schema=_input_schema(graph),
        in_turn=declaration.in_turn,
    )


def _drawing(graph: Pregel[Any, Any, Any, Any]) -> str:
    """The graph in Mermaid's language, with its subgraphs where they can be told apart by their names."""
    try:
        return graph.get_graph(xray=True).draw_mermaid()
    except ValueError:  # LangChain draws no two subgraphs of one name, though such a graph runs well.
        return graph.get_graph().draw_mermaid()


def _policy(policy: RetryPolicy) -> domain.RetryPolicy:
    kinds: Any = policy.retry_on
    if isinstance(kinds, type):
        kinds = (kinds,)
    names = tuple(kind.__name__ for kind in kinds) if isinstance(kinds, Sequence) else ()
    return domain.RetryPolicy(
        attempts_max=policy.max_attempts,
        initial_interval=_micros(policy.initial_interval),
        backoff_factor=policy.backoff_factor,
        interval_max=_micros(policy.max_interval),
        jitter=policy.jitter,
        retry_on=names,
    )


def _input_schema(graph: Pregel[Any, Any, Any, Any]) -> str:
    """The graph's input as a JSON schema; empty where its types have none."""
    try:
        return json.dumps(graph.get_input_jsonschema())
    except Exception:  # noqa: BLE001 - pydantic raises many kinds for types that have no schema; the schema is a courtesy.
        return ""


__all__ = ["Declaration", "Graph", "JsonValue", "RegisteredGraph", "build", "check_name"]
