"""Messages -> plain values, by walking descriptors: no json_format, so nothing nested is ever unpacked by name."""

import base64
import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from stretto.server.domain.payload import JsonValue
from stretto.server.rpc._plain import list_to_plain, struct_to_plain, value_to_plain
from stretto.server.rpc._spoken import duration_in_words, enum_in_words

Read = Callable[[Any], JsonValue]

_NANO_DIGITS: Final = 9
_DURATION: Final = "google.protobuf.Duration"


class Unreadable(ValueError):
    """A field holds what its well-known type forbids, such as a time in the year 10,000."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(description)
        self.field = field
        self.description = description


class Reader:
    """Reads messages as plain values, with one plan per message type.

    Fields stand under their proto names. Integers stay integers, enums are names (numbers where they have none),
    bytes are base64, times and durations ISO 8601. Unset scalars are there with their defaults; unset messages,
    `optional` fields and members of a oneof are None. An Any is not looked into: its type URL and base64.
    With `spoken`, enums and durations are as a person would say them, which cannot be written back.
    """

    def __init__(self, *, spoken: bool = False) -> None:
        self._enum_names = enum_in_words if spoken else _names
        self._well_known = {**WELL_KNOWN, _DURATION: duration_in_words} if spoken else WELL_KNOWN
        self._plans: dict[str, Read] = {}

    def read(self, message: Any) -> JsonValue:
        """The message's plain value."""
        return self._plan(message.DESCRIPTOR)(message)

    def _plan(self, descriptor: Descriptor) -> Read:
        name = descriptor.full_name
        if name in self._well_known:
            return self._well_known[name]
        if name in WRAPPERS:
            return _read_wrapper(descriptor)
        if name not in self._plans:
            fields: list[tuple[str, Read]] = []
            self._plans[name] = lambda message: {field: read(message) for field, read in fields}
            fields.extend((field.name, self._field(field)) for field in descriptor.fields)
        return self._plans[name]

    def _field(self, field: FieldDescriptor) -> Read:
        """How to read one field of a message."""
        name = field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(field)
        read = self._element(field)
        if field.is_repeated:
            return lambda message: [
                _at(f"{name}[{index}]", read, item) for index, item in enumerate(getattr(message, name))
            ]
        if field.has_presence and not field.has_default_value:
            return lambda message: _at(name, read, getattr(message, name)) if message.HasField(name) else None
        return lambda message: read(getattr(message, name))

    def _map(self, field: FieldDescriptor) -> Read:
        name = field.name
        assert field.message_type is not None
        read = self._element(field.message_type.fields_by_name["value"])
        return lambda message: {
            map_key(key): _at(f"{name}[{key!r}]", read, value) for key, value in getattr(message, name).items()
        }

    def _element(self, field: FieldDescriptor) -> Read:
        """How to read one value of a field."""
        if field.message_type is not None:
            return self._plan(field.message_type)
        if field.enum_type is not None:
            names = self._enum_names(field.enum_type)
            return lambda number: names.get(number, number)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return lambda data: base64.b64encode(data).decode()
        return lambda scalar: scalar


def _names(enum: EnumDescriptor) -> dict[int, str]:
    return {number: value.name for number, value in enum.values_by_number.items()}


def map_key(key: object) -> str:
    """A map's key as JSON has it."""
    return str(key).lower() if isinstance(key, bool) else str(key)


def _at(path: str, read: Read, value: Any) -> JsonValue:
    try:
        return read(value)
    except Unreadable as error:
        joint = "." if error.field else ""
        raise Unreadable(f"{path}{joint}{error.field}", error.description) from None


def _read_wrapper(descriptor: Descriptor) -> Read:
    if descriptor.fields_by_name["value"].type == FieldDescriptor.TYPE_BYTES:
        return lambda message: base64.b64encode(message.value).decode()
    return lambda message: message.value


def _read_timestamp(message: Any) -> str:
    try:
        moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(seconds=message.seconds)
    except OverflowError:
        raise Unreadable("", "must be a time of the years 1 to 9999") from None
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(message.nanos)}Z"


def _read_duration(message: Any) -> str:
    seconds, nanos = message.seconds, message.nanos
    if seconds * nanos < 0:
        raise Unreadable("", "must have seconds and nanos of one sign")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}PT{abs(seconds)}{_fraction(abs(nanos))}S"


def _fraction(nanos: int) -> str:
    if not 0 <= nanos < 10**_NANO_DIGITS:
        raise Unreadable("", "must have nanos between 0 and 999,999,999")
    if not nanos:
        return ""
    digits = f"{nanos:09d}"
    return "." + digits.removesuffix("000").removesuffix("000")


def _read_any(message: Any) -> dict[str, JsonValue]:
    return {"@type": message.type_url, "value": base64.b64encode(message.value).decode()}


WELL_KNOWN: Final[dict[str, Read]] = {
    "google.protobuf.Any": _read_any,
    _DURATION: _read_duration,
    "google.protobuf.ListValue": list_to_plain,
    "google.protobuf.Struct": struct_to_plain,
    "google.protobuf.Timestamp": _read_timestamp,
    "google.protobuf.Value": value_to_plain,
}
"""Message types with a plain form of their own."""

WRAPPERS: Final = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
"""Message types that hold one scalar and stand for it."""
