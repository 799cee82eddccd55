"""The messages of a workflow type, read from the descriptors that the catalog sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from stretto.catalog.v1.workflow_type_pb2 import Contract
from stretto.cli._rules import hints

__all__ = ["DYNAMIC", "Messages", "Row", "choices", "entry_of", "rows", "short_name", "skeleton", "type_words"]

DYNAMIC: Final = frozenset({"", "google.protobuf.Struct", "google.protobuf.Value"})
"""Types that stand for any JSON."""

DEPTH_MAX: Final = 6
"""Levels of nested messages that are shown; deeper ones are for the .proto file itself."""

_SCALARS: Final = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
_BOOL, _FLOATS = FieldDescriptor.TYPE_BOOL, {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
_WELL_KNOWN_WORDS: Final = {
    "google.protobuf.Timestamp": "time",
    "google.protobuf.Duration": "duration",
    "google.protobuf.Struct": "JSON object",
    "google.protobuf.Value": "JSON",
    "google.protobuf.ListValue": "JSON list",
    "google.protobuf.Any": "any message",
}
_WELL_KNOWN_EXAMPLES: Final = {
    "google.protobuf.Timestamp": "2030-01-01T12:00:00Z",
    "google.protobuf.Duration": "30s",
    "google.protobuf.Struct": {},
    "google.protobuf.ListValue": [],
}
_GOOGLE: Final = "google.protobuf."


class Messages:
    """The messages of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._pool = DescriptorPool()
        for file in FileDescriptorSet.FromString(contract.file_descriptor_set).file:
            self._pool.Add(file)

    def find(self, full_name: str) -> Descriptor | None:
        """A message of the contract; None for the types that stand for any JSON."""
        return None if full_name in DYNAMIC else self._pool.FindMessageTypeByName(full_name)


@dataclass(frozen=True, slots=True)
class Row:
    """One field, as it is shown: how deep it lies, its name, its type, and what its rules ask for."""

    depth: int
    name: str
    type: str
    hints: str


def rows(message: Descriptor, outer: tuple[str, ...] = ()) -> Iterator[Row]:
    """The fields of a message, and below each the fields of the message that it holds."""
    for field in message.fields:
        yield Row(len(outer), field.name, type_words(field), hints(field))
        inner = _inner(field)
        if inner is not None and inner.full_name not in (*outer, message.full_name) and len(outer) < DEPTH_MAX:
            yield from rows(inner, (*outer, message.full_name))


def short_name(full_name: str) -> str:
    """A message's name for people who know where they are."""
    return "JSON" if full_name in DYNAMIC else full_name.rpartition(".")[2]


def entry_of(field: FieldDescriptor) -> Descriptor | None:
    """The message of a map's entries; None for fields that are no map."""
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None


def type_words(field: FieldDescriptor) -> str:
    """A field's type for people."""
    if entry := entry_of(field):
        return f"map of {type_words(entry.fields[0])} to {type_words(entry.fields[1])}"
    words = _single(field)
    if field.is_repeated:
        return f"list of {words}"
    oneof = field.containing_oneof
    return f"{words} (or another of {oneof.name})" if oneof and not oneof.name.startswith("_") else words


def choices(enum: EnumDescriptor) -> dict[str, str]:
    """What may be chosen of an enum: its names without what they have in common, each with its whole name.

    The zero value says that nothing was chosen.
    """
    names = [value.name for value in enum.values if value.number]
    prefix = _prefix(enum)
    return {name.removeprefix(prefix): name for name in names}


def skeleton(message: Descriptor, outer: tuple[str, ...] = ()) -> dict[str, Any]:
    """A value of each field that stands alone or in a list, to write an input from."""
    return {
        field.name: [value] if field.is_repeated else value
        for field in message.fields
        if not entry_of(field) and field.containing_oneof is None
        for value in [_example(field, (*outer, message.full_name))]
        if value is not None
    }


def _example(field: FieldDescriptor, outer: tuple[str, ...]) -> Any:
    if field.message_type is not None:
        name = field.message_type.full_name
        if name in outer or name.startswith(_GOOGLE):
            return _WELL_KNOWN_EXAMPLES.get(name)
        return skeleton(field.message_type, outer)
    if field.enum_type is not None:
        return next(iter(choices(field.enum_type).values()), None)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "" if field.type == FieldDescriptor.TYPE_BYTES else "..."
    return True if field.type == _BOOL else 1.5 if field.type in _FLOATS else 1


def _single(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return _WELL_KNOWN_WORDS.get(field.message_type.full_name, field.message_type.name)
    if field.enum_type is not None:
        return " | ".join(choices(field.enum_type).values())
    return _SCALARS[field.type]


def _inner(field: FieldDescriptor) -> Descriptor | None:
    """The message whose fields are shown below a field."""
    if entry := entry_of(field):
        return _inner(entry.fields[1])
    message = field.message_type
    return None if message is None or message.full_name.startswith(_GOOGLE) else message


def _prefix(enum: EnumDescriptor) -> str:
    """What buf's style puts before each value: the enum's name."""
    words = "".join(f"_{char}" if char.isupper() else char.upper() for char in enum.name).lstrip("_")
    return f"{words}_"
