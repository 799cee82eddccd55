"""Messages as JSON for programs: proto field names, defaults present, payloads unpacked to what they say."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from stretto.client import Client

__all__ = ["plain", "readable"]

_Path = tuple[str | int, ...]
_OURS: Final = "stretto."


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
    return fields


def plain(value: Any) -> Any:
    """A decoded payload as JSON: a message's fields, or the plain value that it is."""
    if not isinstance(value, Message):
        return value
    return MessageToDict(value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


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
