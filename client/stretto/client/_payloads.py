"""Payloads: plain values and messages, in and out of `google.protobuf.Any`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar, overload

from google.protobuf import any_pb2, descriptor_pool, json_format, message_factory, struct_pb2
from google.protobuf.message import DecodeError, Message

from stretto.client.errors import InvalidInput, StrettoError, Violation

M = TypeVar("M", bound=Message)

Plain: TypeAlias = "None | bool | int | float | str | Sequence[Plain] | Mapping[str, Plain]"
"""What JSON can say."""

Payload: TypeAlias = "Message | Plain | Mapping[str, object]"
"""A message, or plain values; a TypedDict is a mapping of objects to type checkers."""

DYNAMIC: Final = frozenset({"", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})
"""Types that stand for plain values."""

_EXACT_MAX: Final = 2**53
"""Largest whole number that a Struct's double holds exactly."""

_DEPTH_MAX: Final = 64
"""The server's parser takes 100 levels of messages; a Struct has some for each level of values."""


def pack(payload: Payload) -> any_pb2.Any:
    """A message as it is; a mapping as a Struct, any other plain value as a Value."""
    packed = any_pb2.Any()
    if isinstance(payload, any_pb2.Any):
        return payload
    if isinstance(payload, Message):
        packed.Pack(payload, deterministic=True)
    elif isinstance(payload, Mapping):
        packed.Pack(struct(payload), deterministic=True)
    else:
        value = struct_pb2.Value()
        _fill(value, payload, "", 0)
        packed.Pack(value, deterministic=True)
    return packed


def struct(fields: Mapping[str, object]) -> struct_pb2.Struct:
    """A mapping as a Struct."""
    value = struct_pb2.Value()
    _fill(value, fields, "", 0)
    return value.struct_value


def _fill(value: struct_pb2.Value, plain: object, path: str, depth: int) -> None:  # noqa: C901 - One case a type.
    """Write a plain value; what does not survive the way is refused here, with its path."""
    if depth > _DEPTH_MAX:
        raise _wrong(path, f"is nested more than {_DEPTH_MAX} levels deep")
    match plain:
        case None:
            value.null_value = struct_pb2.NULL_VALUE
        case bool():
            value.bool_value = plain
        case int() | float():
            value.number_value = _number(plain, path)
        case str():
            value.string_value = _text(plain, path)
        case Mapping():
            value.struct_value.SetInParent()
            for key, item in plain.items():
                if not isinstance(key, str):
                    raise _wrong(path, f"has the key {key!r}, which is no text")
                _fill(value.struct_value.fields[_text(key, path)], item, f"{path}.{key}" if path else key, depth + 1)
        case Sequence() if not isinstance(plain, bytes | bytearray):
            value.list_value.SetInParent()
            for number, item in enumerate(plain):
                _fill(value.list_value.values.add(), item, f"{path}[{number}]", depth + 1)
        case _:
            raise _wrong(path, f"is of type {type(plain).__name__}, which JSON does not have")


def _number(number: float, path: str) -> float:
    if isinstance(number, int) and abs(number) > _EXACT_MAX:
        raise _wrong(path, "is a whole number beyond 2**53, which JSON's numbers do not hold; send it as text")
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - That is how NaN is told.
        raise _wrong(path, f"is {number}, which JSON does not have")
    return float(number)


def _text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _wrong(path, "holds half of a surrogate pair, which is no text") from None
    return text


def _wrong(path: str, what: str) -> InvalidInput:
    return InvalidInput(f"The payload cannot be sent: {path or 'it'} {what}.", violations=[Violation(path, what)])


@overload
def unpack(payload: any_pb2.Any, kind: type[M]) -> M: ...
@overload
def unpack(payload: any_pb2.Any, kind: None = None) -> Any: ...
def unpack(payload: any_pb2.Any, kind: type[Message] | None = None) -> Any:
    """What an Any holds: a message of `kind`, or else of its imported generated class; plain values for a Struct.

    Args:
        payload: A result, a progress detail or a decision.
        kind: The message class that it must be of.
    """
    name = type_name(payload)
    if kind is not None:
        if name != kind.DESCRIPTOR.full_name:
            raise StrettoError(f"The payload is of type {name or 'nothing'}, not {kind.DESCRIPTOR.full_name}.")
        return parsed(payload, kind)
    if (found := class_of(name)) is None:
        raise StrettoError(f"No generated class of {name} is imported; `client.decode` finds it in the catalog.")
    return read(payload, found)


def read(payload: any_pb2.Any, kind: type[Message]) -> Any:
    """The payload as a message of a class; as plain values where the class stands for them."""
    message = parsed(payload, kind)
    return plain(message) if kind.DESCRIPTOR.full_name in DYNAMIC else message


def parsed(payload: any_pb2.Any, kind: type[M]) -> M:
    """The payload as a message of a class, whose name it has."""
    try:
        return kind.FromString(payload.value)
    except DecodeError as error:
        raise StrettoError(f"The payload is no {kind.DESCRIPTOR.full_name}: {error}") from error


def type_name(payload: any_pb2.Any) -> str:
    """Full name of the message in an Any."""
    return payload.type_url.rpartition("/")[2]


def class_of(name: str, pool: descriptor_pool.DescriptorPool | None = None) -> type[Message] | None:
    """The message class of that name in a pool; by default among the generated classes that are imported."""
    try:
        descriptor = (pool or descriptor_pool.Default()).FindMessageTypeByName(name)
    except KeyError:
        return None
    return message_factory.GetMessageClass(descriptor)


def plain(message: Message) -> Plain:
    """A Struct, Value or ListValue as plain values; whole numbers become ints again."""
    values: Plain = _whole(json_format.MessageToDict(message))
    return values


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {key: _whole(value[key]) for key in sorted(value)}  # A Struct has no order of its own.
        case list():
            return [_whole(item) for item in value]
        case float() if value.is_integer() and abs(value) <= _EXACT_MAX:
            return int(value)
        case _:
            return value


def parse(fields: Payload, kind: type[M]) -> M:
    """Plain fields as a contract's message; a wrong field is named."""
    name = kind.DESCRIPTOR.full_name
    if not isinstance(fields, Mapping):
        raise InvalidInput(
            f"The payload is no {name}: it is of type {type(fields).__name__}, and must have fields with names.",
            violations=[Violation("", "must have fields with names")],
        )
    try:
        return json_format.ParseDict(dict(fields), kind())
    except json_format.ParseError as error:
        violation = _violation(str(error))
    told = f"{violation.field or 'it'} {violation.description}"
    raise InvalidInput(f"The payload is no {name}: {told}.", violations=[violation])


_OUTER: Final = re.compile(r"Failed to parse (\w+) field: ")
_AT: Final = re.compile(r' at "?\w+\.?([\w.\[\]]*)"?\.*$')


def _violation(told: str) -> Violation:
    """ParseDict's words in ours: which field, and what is wrong with it."""
    text, _, available = told.partition("Available Fields")
    outer = _OUTER.findall(text)
    text = _OUTER.sub("", text).strip().rstrip(".")
    at = _AT.search(text)
    field = at[1].rstrip(".") if at and at[1] else ".".join(outer)
    if unknown := re.search(r'no field named "([^"]*)"', text):
        known = ", ".join(re.sub("([A-Z])", r"_\1", name).lower() for name in re.findall(r"'([^']+)'", available))
        inside = at[1] if at else ""
        return Violation(
            f"{inside}.{unknown[1]}" if inside else unknown[1],
            "is no field of the contract" + (f", which has {known}" if known else ""),
        )
    return Violation(field, f"does not fit: {_AT.sub('', text)}")
