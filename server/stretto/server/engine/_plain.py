"""Plain values of anything that a graph may hold, for people and for JSON."""

import base64
import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any

from stretto.server.domain.payload import JsonValue

DEPTH_MAX = 50
"""Deeper values are shown as their type's name."""


def to_plain(value: Any, depth: int = 0) -> JsonValue:  # noqa: PLR0911 - one line for each sort of value
    """The value in JSON's terms; what has no such form is shown as its type's name."""
    if isinstance(value, enum.Enum):
        return to_plain(value.value, depth + 1)
    if type(value) is int and not -(2**63) <= value < 2**63:
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if depth > DEPTH_MAX:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return _of_object(value, depth)


def _of_object(value: Any, depth: int) -> JsonValue:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return to_plain(fields, depth + 1)
    if hasattr(value, "model_dump"):  # pydantic, which LangChain's messages are too
        return to_plain(value.model_dump(), depth + 1)
    if type(value).__module__ in ("uuid", "decimal", "pathlib", "ipaddress", "fractions"):
        return str(value)
    return f"<{type(value).__name__}>"
