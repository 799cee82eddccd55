"""LangGraph's serializer in its strict form: known types only, nothing pickled, and unknown ones are an error."""

import threading
from collections.abc import Iterable
from typing import Any

from langgraph._internal._serde import build_serde_allowlist
from langgraph.checkpoint.serde import _msgpack
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.pregel import Pregel

from stretto.server.domain.change import Blob
from stretto.server.domain.errors import StrettoError

SAFE_TAGS = frozenset({"null", "bytes", "bytearray", "msgpack"})
"""The type tags of blobs that may be loaded; `json` and `pickle` may not."""


class StateInvalid(StrettoError):
    """The state holds something that cannot be saved or loaded."""


class _Blocked(threading.local):
    """The types that a load in this thread was denied. LangGraph would go on with something else in their place."""

    def __init__(self) -> None:
        self.names: list[str] = []


_blocked = _Blocked()


def _remember(event: SerdeEvent) -> None:
    if event["kind"] in ("msgpack_blocked", "msgpack_method_blocked"):
        _blocked.names.append(f"{event['module']}.{event['name']}")


register_serde_event_listener(_remember)


def require_strict_mode() -> None:
    """Refuse to go on unless LangGraph was imported with LANGGRAPH_STRICT_MSGPACK set."""
    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise StateInvalid("LANGGRAPH_STRICT_MSGPACK must be true before langgraph is imported.")


def strict_serializer(allowed: Iterable[type] = ()) -> JsonPlusSerializer:
    """A serializer that loads plain data and the allowed types."""
    return JsonPlusSerializer(
        allowed_msgpack_modules=[(kind.__module__, kind.__qualname__) for kind in allowed] or None
    )


def declared_types(graph: Pregel[Any, Any, Any, Any]) -> set[tuple[str, ...]]:
    """The types that a graph and its subgraphs declare: what a subgraph hands on stands in the state around it."""
    subgraphs = [subgraph for _, subgraph in graph.get_subgraphs(recurse=True)]
    return set().union(*(_noted_types(each) for each in (graph, *subgraphs)))


def _noted_types(graph: Any) -> set[tuple[str, ...]]:
    """The types of one graph: as LangGraph's strict mode noted them, or else found in the same places.

    In a test the graphs may well have been imported before anybody could set that mode.
    """
    noted: set[tuple[str, ...]] | None = getattr(graph, "_serde_allowlist", None)
    return _types_of(graph) if noted is None else noted


def _types_of(graph: Any) -> set[tuple[str, ...]]:
    builder = getattr(graph, "builder", None)
    parts = [builder, *builder.nodes.values()] if builder is not None else []
    names = ("state_schema", "input_schema", "output_schema", "context_schema")
    schemas = [schema for part in parts for name in names if (schema := getattr(part, name, None)) is not None]
    return build_serde_allowlist(schemas=schemas, channels=getattr(graph, "channels", {}))


def checked_loads(serde: SerializerProtocol, blob: Blob) -> Any:
    """Load a blob, or raise StateInvalid where LangGraph would put something else in the place of an unknown type."""
    if blob.tag not in SAFE_TAGS:
        raise StateInvalid(f"The state holds a blob of type {blob.tag!r}, which is never loaded.")
    _blocked.names.clear()
    value = serde.loads_typed((blob.tag, blob.body))
    if _blocked.names:
        names = ", ".join(sorted(set(_blocked.names)))
        raise StateInvalid(
            f"The state holds values of types that its graph does not declare: {names}. "
            "Declare them in the state's schema, or name them in allowed_types at the registration."
        )
    return value


def checked_dumps(serde: SerializerProtocol, value: Any) -> Blob:
    """Save a value as a blob, or raise StateInvalid where it has no such form."""
    try:
        return Blob(*serde.dumps_typed(value))
    except TypeError as error:  # ormsgpack's own error is one too.
        raise StateInvalid(f"The state holds something that cannot be saved: {error}") from error
