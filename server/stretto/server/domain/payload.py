"""Typed payloads, as they travel in an Any, and plain values, as they travel in JSON."""

from dataclasses import dataclass
from typing import TypeAlias

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"

STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"


@dataclass(frozen=True, slots=True)
class Payload:
    """A serialized protobuf message and its full name."""

    type_name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that breaks a rule."""

    field: str
    description: str
    rule_id: str = ""
