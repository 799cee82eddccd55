"""Whether a value keeps the bounds of its schema, told in the words of a person."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

__all__ = ["bounds_of", "fault_of", "matches"]


def fault_of(schema: Mapping[str, Any], value: Any) -> str:
    """What a value should be and is not, such as `between 1 and 7`; empty when it is right."""
    if isinstance(value, bool):
        return "" if schema.get("const", value) == value else f"{str(schema['const']).lower()}"
    if "enum" in schema and value not in schema["enum"]:
        return "one of the given values"
    if "const" in schema and value != schema["const"]:
        return f"{schema['const']}"
    if isinstance(value, int | float):
        return "" if _within(schema, value) else bounds_of(schema)
    for kind, check in _CHECKS:
        if isinstance(value, kind):
            return check(schema, value)
    return ""


def bounds_of(schema: Mapping[str, Any]) -> str:
    """The bounds of a number in words; empty when it has none."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"between {_figure(low)} and {_figure(high)}"
    parts = [
        f"{words} {_figure(bound)}"
        for words, bound in (("at least", low), ("more than", above), ("at most", high), ("less than", below))
        if bound is not None
    ]
    return " and ".join(parts)


@lru_cache(maxsize=256)
def matches(pattern: str, text: str) -> bool:
    """Whether a text has the form; a pattern that Python does not know is not judged here."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


def _within(schema: Mapping[str, Any], value: float) -> bool:
    tests: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("minimum", lambda bound: value >= bound),
        ("exclusiveMinimum", lambda bound: value > bound),
        ("maximum", lambda bound: value <= bound),
        ("exclusiveMaximum", lambda bound: value < bound),
    )
    return all(schema.get(word) is None or test(schema[word]) for word, test in tests)


def _figure(value: float) -> str:
    return f"{Decimal(str(value)).normalize():f}"


def _text_fault(schema: Mapping[str, Any], value: str) -> str:
    if len(value) < schema.get("minLength", 0):
        return f"at least {schema['minLength']} characters long"
    if len(value) > schema.get("maxLength", len(value)):
        return f"at most {schema['maxLength']} characters long"
    if "pattern" in schema and not matches(schema["pattern"], value):
        return "in another form"
    return ""


def _list_fault(schema: Mapping[str, Any], value: list[Any]) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if len(value) < least:
        return f"at least {least}"
    if len(value) > most:
        return f"at most {most}"
    item = schema.get("items")
    faults = (fault_of(item, each) for each in value) if isinstance(item, Mapping) else iter(())
    return next(filter(None, faults), "")


def _object_fault(schema: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    if missing := [name for name in schema.get("required", ()) if name not in value]:
        return f"given with {missing[0]}"
    known = schema.get("properties", {})
    extra = schema.get("additionalProperties")
    for name, each in value.items():
        inner = known.get(name, extra)
        if isinstance(inner, Mapping) and (fault := fault_of(inner, each)):
            return fault
    most = schema.get("maxProperties", len(value))
    return f"at most {most}" if len(value) > most else ""


_CHECKS: tuple[tuple[Any, Callable[[Any, Any], str]], ...] = (
    (str, _text_fault),
    (list, _list_fault),
    (Mapping, _object_fault),
)
