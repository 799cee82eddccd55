"""The rules of a contract's messages in a few words. The wire format is read here, as clients have no protovalidate."""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

__all__ = ["hints", "sentences"]

FIELD_RULES: Final = 1159
"""Number of the extension `buf.validate.field`, and of `buf.validate.message`."""

_REQUIRED: Final = 25
_RULE, _RULE_MESSAGE = 3, 2
_STRING, _BYTES, _ENUM, _REPEATED, _MAP = 14, 15, 16, 18, 19
_FLOAT, _DOUBLE = 1, 2
_NUMBERS: Final = range(1, 13)
_ITEMS: Final = 4
_SIGNED: Final = {3, 4}
_FORMATS: Final = {12: "e-mail address", 13: "host name", 14: "IP address", 17: "URI", 22: "UUID"}

_Rules = dict[int, list[Any]]


def hints(field: FieldDescriptor) -> str:
    """What a field's rules ask for, such as `1 to 64 characters`; empty when nothing that is known here."""
    rules = _rules_of(field.GetOptions())
    parts = ["required"] if rules.get(_REQUIRED, [0])[-1] else []
    for number, words in _WORDS.items():
        if number in rules:
            parts += words(_nested(rules[number][-1]), number)
    return ", ".join(part for part in parts if part)


def sentences(message: Descriptor) -> list[str]:
    """The rules of a whole message, each as its author put it."""
    rules = [_nested(rule) for rule in _rules_of(message.GetOptions()).get(_RULE, [])]
    return [rule[_RULE_MESSAGE][-1].decode(errors="replace") for rule in rules if _RULE_MESSAGE in rule]


def _rules_of(options: Message) -> _Rules:
    """Rules, known to the options where somebody has imported protovalidate, and else unknown bytes in them."""
    for field, value in options.ListFields():
        if field.number == FIELD_RULES:
            return _nested(value.SerializeToString())
    return _nested(found[-1]) if (found := _read(options).get(FIELD_RULES)) else {}


def _nested(body: bytes) -> _Rules:
    """The fields of a message of unknown type."""
    from google.protobuf.empty_pb2 import Empty  # noqa: PLC0415 - Any message without fields will do.

    return _read(Empty.FromString(body))


def _read(message: Message) -> _Rules:
    fields: _Rules = {}
    unknown: Any = UnknownFieldSet(message)  # The stubs do not know that it is a sequence.
    for field in unknown:
        fields.setdefault(field.field_number, []).append(field.data)
    return fields


def _span(least: Any, most: Any, unit: str) -> str:
    """A range of counts."""
    if (1 in {least, most} and None in {least, most}) or least == most == 1:
        unit = unit.removesuffix("s")
    if least is not None and most is not None:
        return f"{least} to {most} {unit}" if least != most else f"{least} {unit}"
    if least is not None:
        return f"at least {least} {unit}"
    return f"at most {most} {unit}" if most is not None else ""


def _last(rules: _Rules, number: int) -> Any:
    return rules[number][-1] if number in rules else None


def _string(rules: _Rules, _: int) -> Iterator[str]:
    yield _span(_last(rules, 2), _last(rules, 3), "characters")
    yield _span(_last(rules, 19), _last(rules, 19), "characters")
    for number, words in ((6, "matches"), (7, "begins with"), (8, "ends with"), (9, "contains")):
        if number in rules:
            yield f"{words} {rules[number][-1].decode(errors='replace')}"
    if allowed := rules.get(10):
        yield "one of " + ", ".join(one.decode(errors="replace") for one in allowed)
    yield from (name for number, name in _FORMATS.items() if number in rules)


def _bytes(rules: _Rules, _: int) -> Iterator[str]:
    yield _span(_last(rules, 2), _last(rules, 3), "bytes")


def _number(rules: _Rules, kind: int) -> Iterator[str]:
    for number, sign in ((4, ">"), (5, ">="), (2, "<"), (3, "<=")):
        if number in rules:
            yield f"{sign} {_figure(rules[number][-1], kind)}"
    if allowed := rules.get(6):
        yield f"one of {len(allowed)} numbers"


def _figure(raw: Any, kind: int) -> str:
    """A bound as the kind of number that it is; varints come as they are, fixed ones as bits."""
    if kind == _FLOAT:
        return f"{struct.unpack('<f', struct.pack('<I', raw))[0]:g}"
    if kind == _DOUBLE:
        return f"{struct.unpack('<d', struct.pack('<Q', raw))[0]:g}"
    if kind in {7, 8}:
        return str((raw >> 1) ^ -(raw & 1))
    bits = 32 if kind in {3, 11} else 64
    negative = kind in {3, 4, 11, 12} and raw >= 1 << (bits - 1)
    return str(raw - (1 << (64 if kind in _SIGNED else bits)) if negative else raw)


def _repeated(rules: _Rules, _: int) -> Iterator[str]:
    yield _span(_last(rules, 1), _last(rules, 2), "items")
    if _last(rules, 3):
        yield "no item twice"
    if _ITEMS in rules:
        inner = _nested(rules[_ITEMS][-1])
        each = [
            part
            for number, words in _WORDS.items()
            if number in inner
            for part in words(_nested(inner[number][-1]), number)
        ]
        yield f"each {', '.join(filter(None, each))}" if any(each) else ""


def _map(rules: _Rules, _: int) -> Iterator[str]:
    yield _span(_last(rules, 1), _last(rules, 2), "pairs")


_WORDS: Final[dict[int, Callable[[_Rules, int], Iterator[str]]]] = {
    **dict.fromkeys(_NUMBERS, _number),
    _STRING: _string,
    _BYTES: _bytes,
    _REPEATED: _repeated,
    _MAP: _map,
}
