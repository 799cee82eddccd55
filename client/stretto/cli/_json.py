"""Messages as JSON for programs: proto field names, defaults present, payloads unpacked to what they say."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from stretto.client import Client

__all__ = ["plain", "readable", "whole"]

_Path = tuple[str | int, ...]
_OURS: Final = "stretto."
_GOOGLE: Final = "google.protobuf."
_EXACT_MAX: Final = 2**53
"""Largest whole number that a double holds exactly."""


async def readable(message: Message, client: Client) -> dict[str, Any]:
    """A message of the API as JSON. The payloads in it come without their type's name: the contract says it."""
    outer = type(message)()
    outer.CopyFrom(message)
    payloads = [(path, AnyProto.FromString(found.SerializeToString())) for path, found in _payloads(outer, ())]
    _drop_payloads(outer)
    fields: dict[str, Any] = plain(outer)
    for path, payload in payloads:
        place: Any = fields
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = plain(await client.decode(payload))
    ordered: dict[str, Any] = _ordered(fields, message.DESCRIPTOR)
    return ordered


def plain(value: Any, *, defaults: bool = True) -> Any:
    """A decoded payload as JSON: a message's fields in their order, or the plain value that it is."""
    if not isinstance(value, Message):
        return whole(value)
    made = MessageToDict(value, preserving_proto_field_name=True, always_print_fields_with_no_presence=defaults)
    return _ordered(whole(made), value.DESCRIPTOR)


def whole(value: Any) -> Any:
    """The same JSON with whole numbers written as such and keys sorted: a Struct has only floats, and no order."""
    match value:
        case dict():
            return {key: whole(value[key]) for key in sorted(value)}
        case list():
            return [whole(item) for item in value]
        case float() if value.is_integer() and abs(value) <= _EXACT_MAX:
            return int(value)
    return value


def _ordered(made: Any, message: Any) -> Any:
    """The fields in the order of the .proto file; JSON of a well-known type is left alone."""
    if not isinstance(made, dict) or message.full_name.startswith(_GOOGLE):
        return made
    return {field.name: _ordered_field(made[field.name], field) for field in message.fields if field.name in made}


def _ordered_field(made: Any, field: FieldDescriptor) -> Any:
    inner = field.message_type
    if inner is None or inner.GetOptions().map_entry:
        return made
    return [_ordered(item, inner) for item in made] if field.is_repeated else _ordered(made, inner)


def _payloads(message: Message, path: _Path) -> Iterator[tuple[_Path, Message]]:
    """The payloads in a message of the API, with the way to them in its JSON."""
    for name, number, part in _parts(message):
        way = (*path, name) if number is None else (*path, name, number)
        if isinstance(part, AnyProto):
            yield way, part
        else:
            yield from _payloads(part, way)


def _drop_payloads(message: Message) -> None:
    """Take the payloads out, which JSON cannot be made of before their type is known."""
    for name, _, part in list(_parts(message)):
        if isinstance(part, AnyProto):
            message.ClearField(name)
        else:
            _drop_payloads(part)


def _parts(message: Message) -> Iterator[tuple[str, int | None, Message]]:
    """The messages of the API in a message, and the payloads; no repeated field of the API holds bare payloads."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if isinstance(value, Message):
            if isinstance(value, AnyProto) or field.message_type.full_name.startswith(_OURS):
                yield field.name, None, value
        elif field.message_type.full_name.startswith(_OURS):
            for number, item in enumerate(value):
                yield field.name, number, item
