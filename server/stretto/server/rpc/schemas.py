"""JSON schemas of contracts: what a form, a chat model or a script must know to write a message as plain values.

Names and forms are those that `Contracts.encode` takes. Rules that JSON Schema cannot say stand in descriptions.
"""

from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from stretto.server.rpc._read import WRAPPERS
from stretto.server.rpc._rules import violations_of
from stretto.server.rpc._schema_rules import field_rules, oneof_required, restrict, sentences
from stretto.server.rpc._spoken import prefix_of

__all__ = ["schema_of"]

Schema = dict[str, Any]

_SCALARS: Final[dict[int, str]] = {
    FieldDescriptor.TYPE_BOOL: "boolean",
    FieldDescriptor.TYPE_DOUBLE: "number",
    FieldDescriptor.TYPE_FLOAT: "number",
    FieldDescriptor.TYPE_STRING: "string",
}
_UNSIGNED: Final = frozenset(
    {
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_FIXED64,
    }
)
_WELL_KNOWN: Final[dict[str, Schema]] = {
    "google.protobuf.Any": {"type": "object"},
    "google.protobuf.Duration": {"type": "string", "format": "duration"},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Value": {},
}


def schema_of(descriptor: Descriptor) -> Schema:
    """The JSON schema of a message. A message inside itself is any object, which ends the recursion."""
    return _message(descriptor, ())


def _message(descriptor: Descriptor, around: tuple[str, ...]) -> Schema:
    """The schema of a message of any type that stands within the messages named by `around`."""
    name = descriptor.full_name
    if name in _WELL_KNOWN:
        return dict(_WELL_KNOWN[name])
    if name in WRAPPERS:
        return _value(descriptor.fields_by_name["value"], ())
    if name in around:
        return {"type": "object"}
    fields = {field.name: _field(field, (*around, name)) for field in descriptor.fields}
    schema: Schema = {"type": "object", "title": name, "properties": fields, "required": _required(descriptor)}
    _add_oneofs(schema, descriptor)
    if told := sentences(descriptor):
        schema["description"] = " ".join(told)
    return schema


def _required(descriptor: Descriptor) -> list[str]:
    """The fields that may not be left out: those that an empty message is refused for."""
    refused = {fault.field for fault in violations_of(GetMessageClass(descriptor)())}
    return [field.name for field in descriptor.fields if field.name in refused]


def _add_oneofs(schema: Schema, descriptor: Descriptor) -> None:
    # An `optional` field is a oneof of its own, which says nothing to anybody.
    oneofs = [oneof for oneof in descriptor.oneofs if not oneof.name.startswith("_")]
    if oneofs:
        schema["x-oneof"] = {oneof.name: [field.name for field in oneof.fields] for oneof in oneofs}
    if needed := [oneof.name for oneof in oneofs if oneof_required(oneof)]:
        schema["x-oneof-required"] = needed


def _field(field: FieldDescriptor, around: tuple[str, ...]) -> Schema:
    """The schema of a field, with its rules."""
    rules = field_rules(field)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        schema: Schema = {"type": "object", "additionalProperties": _value(entry["value"], around)}
    elif field.is_repeated:
        schema = {"type": "array", "items": _value(field, around)}
    else:
        schema = _value(field, around)
    return restrict(schema, rules, field)


def _value(field: FieldDescriptor, around: tuple[str, ...]) -> Schema:
    """The schema of one value of a field."""
    if field.message_type is not None:
        return _message(field.message_type, around)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    if field.type in _SCALARS:
        return {"type": _SCALARS[field.type]}
    return {"type": "integer", "minimum": 0} if field.type in _UNSIGNED else {"type": "integer"}


def _enum(enum: EnumDescriptor) -> Schema:
    """The names of the values; zero means that nothing was said, so it is no choice."""
    prefix = prefix_of(enum)
    schema: Schema = {"type": "string", "enum": [value.name for value in enum.values if value.number]}
    return {**schema, "x-prefix": prefix} if prefix else schema
