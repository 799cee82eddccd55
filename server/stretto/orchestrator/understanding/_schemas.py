"""Values against the JSON schemas of contracts: the faults that a chat model can mend. The server checks the rest."""

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list, tuple),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (Mapping,),
    "string": (str,),
}


def faults_in(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """What of a value is wrong by its schema, one sentence each."""
    wanted = schema.get("type", "")
    if wanted in _TYPES and not _is_a(value, wanted):
        yield f"{path}: it must be of type {wanted}"
    elif isinstance(value, Mapping):
        yield from _of_object(value, schema, path)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from faults_in(item, schema.get("items", {}), f"{path}.{number}")
    else:
        yield from _of_scalar(value, schema, path)


def _is_a(value: Any, wanted: str) -> bool:
    # Python takes True for a number.
    return isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))


def _of_object(value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if value.get(name) in (None, "", [], {}):
            yield f"{path}: {name} is needed; where the user has not said it, ask back instead"
    properties = schema.get("properties")
    for name, item in value.items():
        if properties is None:
            yield from faults_in(item, schema.get("additionalProperties", {}), f"{path}.{name}")
        elif name in properties:
            yield from faults_in(item, properties[name], f"{path}.{name}")
        else:
            yield f"{path}: there is no {name!r}, only {', '.join(properties) or 'an empty object'}"


def _of_scalar(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        yield f"{path}: it must be one of {', '.join(map(str, allowed))}"
    if isinstance(value, int | float):
        if value < schema.get("minimum", value):
            yield f"{path}: it must be at least {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"{path}: it must be at most {schema['maximum']}"
