"""Plain values <-> `google.protobuf.Value`. Never fails: what has no JSON form is shown as a string."""

import math
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from stretto.server.domain.payload import JsonValue

DEPTH_MAX: Final = 30
"""Levels of lists and dicts. Each takes up to three nested messages, and protobuf parsers stop at a hundred."""

INTEGER_MAX: Final = 2**53
"""Integers beyond it are not exact as doubles, which is what a Value holds."""

TOO_DEEP: Final = "… (nested too deeply to show)"


def fill_struct(struct: Struct, values: Mapping[str, Any], depth: int = 0) -> None:
    """Write a dict into a Struct."""
    fields = struct.fields
    for key, value in values.items():
        try:
            target = fields[key]
        except (TypeError, UnicodeEncodeError):
            target = fields[printable(str(key))]
        fill_value(target, value, depth + 1)


def fill_value(target: Value, value: Any, depth: int = 0) -> None:
    """Write a plain value into a Value."""
    if isinstance(value, str):
        try:
            target.string_value = value
        except UnicodeEncodeError:
            target.string_value = printable(value)
    elif value is None:
        target.null_value = 0  # type: ignore[assignment]  # The stub knows the enum's class, not its number.
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        fill_number(target, value)
    elif depth >= DEPTH_MAX:
        target.string_value = TOO_DEEP
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        fill_struct(target.struct_value, value, depth)
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        add = target.list_value.values.add
        for item in value:
            fill_value(add(), item, depth + 1)
    else:
        target.string_value = printable(str(value))


def fill_number(target: Value, value: float) -> None:
    """Write a number into a Value, or its digits where a double or JSON cannot say it."""
    if isinstance(value, int):
        if -INTEGER_MAX <= value <= INTEGER_MAX:
            target.number_value = value
        else:
            target.string_value = str(value)
    elif math.isfinite(value):
        target.number_value = value
    else:
        target.string_value = repr(value)


def too_deep(value: Any, left: int = DEPTH_MAX) -> bool:
    """Whether lists and dicts are nested beyond what a Value may hold."""
    if not isinstance(value, Mapping | list | tuple):
        return False
    items = value.values() if isinstance(value, Mapping) else value
    return left <= 0 or any(too_deep(item, left - 1) for item in items)


def printable(text: str) -> str:
    """The text without lone surrogates, which language models do emit and UTF-8 does not have."""
    return text.encode("utf-8", "replace").decode()


def struct_to_plain(struct: Struct) -> dict[str, JsonValue]:
    """Read a Struct."""
    return {key: value_to_plain(value) for key, value in struct.fields.items()}


def value_to_plain(value: Value) -> JsonValue:
    """Read a Value; whole numbers become integers, because JSON callers mean them."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < INTEGER_MAX else number
    if kind == "struct_value":
        return struct_to_plain(value.struct_value)
    if kind == "list_value":
        return list_to_plain(value.list_value)
    return None if kind in (None, "null_value") else getattr(value, kind)


def list_to_plain(values: ListValue) -> list[JsonValue]:
    """Read a ListValue."""
    return [value_to_plain(value) for value in values.values]
