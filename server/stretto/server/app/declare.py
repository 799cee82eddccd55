"""`App`: how a team tells Stretto about its graphs."""

import importlib
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.message import Message
from langgraph.types import RetryPolicy

from stretto.server.domain.clock import SECOND
from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow_type import Example
from stretto.server.engine.registration import Declaration, Graph, check_name
from stretto.server.rpc.contracts import contract_of


class App:
    """A set of workflow types. `stretto serve my_package.my_module:app` hosts it."""

    def __init__(self) -> None:
        self.declarations: dict[str, Declaration] = {}

    def workflow(
        self,
        name: str,
        graph: Graph,
        *,
        description: str = "",
        version: str = "1",
        input: type[Message] | None = None,  # noqa: A002 - the contract's own word
        result: type[Message] | None = None,
        progress: type[Message] | None = None,
        decision: type[Message] | Mapping[str, type[Message]] | None = None,
        examples: Sequence[tuple[str, Message | Mapping[str, Any]]] = (),
        total_timeout: float | timedelta = 0,
        concurrency_max: int = 0,
        retry: RetryPolicy | Sequence[RetryPolicy] = (),
        to_input: Callable[[Any], Any] | None = None,
        to_result: Callable[[Any], Any] | None = None,
        to_decision: Callable[[Any], Any] | None = None,
        allowed_types: Sequence[type] = (),
        context: Any = None,
        recursion_limit: int | None = None,
        at_start: Callable[[], None] | None = None,
    ) -> None:
        """Register a LangGraph graph under a name.

        Args:
            name: What StartWorkflow calls it.
            graph: A compiled graph, a StateGraph, an @entrypoint, or a function that returns one of them.
            description: What it does, for people and for language models that choose between types.
            version: Changes when old workflows could not go on with the new graph.
            input: Message that starts it; any Struct when left out.
            result: Message that it ends with; a Struct of the graph's output when left out.
            progress: Message of the details that nodes give to the stream writer.
            decision: Message that answers interrupts, for all nodes or by the path of the node that asks.
            examples: Sentences that a user might say, each with its input.
            total_timeout: Seconds from start to end when the caller gives no deadline; 0 for no limit.
            concurrency_max: How many may run at once on one server; 0 for the server's own limit.
            retry: Policies for nodes that have none of their own.
            to_input: Makes the graph's input of the input message's fields; they are the input when left out.
            to_result: Makes the result message's fields of the graph's output; they are picked by name when left out.
            to_decision: Makes what `interrupt()` returns of the decision message's fields.
            allowed_types: Classes in the state that its schema does not name; they are loaded from checkpoints.
            context: LangGraph's run context.
            recursion_limit: LangGraph's limit of supersteps in one run.
            at_start: Called in a thread of one executor when the server has started, to tell the log what it has found.
        """
        check_name(name)
        if name in self.declarations:
            raise RegistrationError(f"Workflow type {name!r} is registered twice.")
        timeout = total_timeout.total_seconds() if isinstance(total_timeout, timedelta) else total_timeout
        self.declarations[name] = Declaration(
            name=name,
            graph=graph,
            version=version,
            description=description,
            contract=contract_of(input=input, result=result, progress=progress, decision=decision),
            examples=tuple(Example(title, _example(value)) for title, value in examples),
            total_timeout=int(timeout * SECOND),
            concurrency_max=concurrency_max,
            retry=(retry,) if isinstance(retry, RetryPolicy) else tuple(retry),
            to_input=to_input,
            to_result=to_result,
            to_decision=to_decision,
            allowed_types=tuple(allowed_types),
            context=context,
            recursion_limit=recursion_limit,
            at_start=at_start,
        )


def _example(value: Message | Mapping[str, Any]) -> Payload:
    if isinstance(value, Message):
        return Payload(value.DESCRIPTOR.full_name, value.SerializeToString(deterministic=True))
    struct = struct_pb2.Struct()
    struct.update(dict(value))
    return Payload(STRUCT, struct.SerializeToString(deterministic=True))


def load(targets: Iterable[str]) -> list[Declaration]:
    """The declarations of all targets, each a `MODULE:NAME` that names an App. Modules are found from here as well."""
    sys.path.insert(0, str(pathlib.Path.cwd()))
    return declared(_app(target) for target in targets)


def declared(apps: Iterable[App]) -> list[Declaration]:
    """The declarations of several apps, whose names must differ."""
    found: dict[str, Declaration] = {}
    for app in apps:
        for name, declaration in app.declarations.items():
            if name in found:
                raise RegistrationError(f"Workflow type {name!r} is registered by two of the given apps.")
            found[name] = declaration
    return list(found.values())


def _app(target: str) -> App:
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise RegistrationError(f"{target!r} is no MODULE:NAME, such as my_package.my_workflows:app.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name and not module_name.startswith(f"{error.name}."):
            raise
        raise RegistrationError(
            f"There is no module {module_name!r} to import; modules are looked for in the present folder and in the "
            "installed packages."
        ) from None
    app = getattr(module, attribute, None)
    if isinstance(app, App):
        return app
    found = ", ".join(f"{module_name}:{name}" for name, value in vars(module).items() if isinstance(value, App))
    advice = f"it has {found}" if found else "say `app = App()` there, and register graphs with `app.workflow(…)`"
    raise RegistrationError(f"{module_name!r} has no App of the name {attribute!r}; {advice}.")
