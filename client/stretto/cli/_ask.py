"""Asking a person for a value: of a contract's message field by field, or of anything that JSON can say."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from stretto.cli._contract import choices, entry_of, type_words
from stretto.cli._rules import hints

__all__ = ["Asker"]

_INTS: Final = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}
_UINTS: Final = {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}
_FLOATS: Final = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}
_YES_NO: Final = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}
_JSON_TYPES: Final = {
    "google.protobuf.Struct",
    "google.protobuf.Value",
    "google.protobuf.ListValue",
    "google.protobuf.Any",
}
_TEXT_TYPES: Final = {
    "google.protobuf.Timestamp": "such as 2030-01-01T12:00:00Z",
    "google.protobuf.Duration": "such as 30s",
}
_GOOGLE: Final = "google.protobuf."


class Asker:
    """Asks until the answer fits. `read` gives a line for a prompt; `tell` says why another one is needed.

    An empty answer leaves a field unset.
    """

    def __init__(self, read: Callable[[str], str], tell: Callable[[str], None]) -> None:
        self._read = read
        self._tell = tell

    def message(self, message: Descriptor, path: str = "") -> dict[str, Any]:
        """The fields of a message, as JSON."""
        fields: dict[str, Any] = {}
        for field in message.fields:
            oneof = field.containing_oneof
            if oneof is None or oneof.name.startswith("_"):
                self._into(fields, field, path)
            elif field.number == oneof.fields[0].number:
                chosen = self._choice({one.name: one for one in oneof.fields}, f"{path}{oneof.name}: which one?")
                if chosen is not None:
                    self._into(fields, chosen, path)
        return fields

    def anything(self) -> Any:
        """Any JSON. What is none is a text, as long as it does not look like an attempt at JSON."""
        while True:
            text = self._read("answer (a text, or JSON)").strip()
            try:
                return json.loads(text)
            except json.JSONDecodeError as error:
                if text and text[0] not in '{["':
                    return text
                self._tell(f"{error.msg} at column {error.colno}" if text else "an answer is needed")

    def choose(self, count: int) -> int:
        """One of several, by its number."""
        while True:
            text = self._read(f"which one? (1 to {count})").strip()
            if text.isdecimal() and 1 <= int(text) <= count:
                return int(text) - 1
            self._tell(f"{text!r} is no number from 1 to {count}")

    def _into(self, fields: dict[str, Any], field: FieldDescriptor, path: str) -> None:
        value = self._field(field, f"{path}{field.name}")
        if value is not None:
            fields[field.name] = value

    def _field(self, field: FieldDescriptor, path: str) -> Any:
        if field.is_repeated:
            return self._several(field, path)
        return self._one(field, path, _what(field))

    def _several(self, field: FieldDescriptor, path: str) -> Any:
        """A list one by one until an empty answer; a map as JSON."""
        if entry_of(field) is not None:
            return self._until_fits(f"{path} ({type_words(field)}, as a JSON object)", _json_of(dict))
        items: list[Any] = []
        while (item := self._one(field, f"{path}[{len(items)}]", f"{_what(field)}; empty ends the list")) is not None:
            items.append(item)
        return items or None

    def _one(self, field: FieldDescriptor, path: str, what: str) -> Any:
        if field.enum_type is not None:
            return self._choice(choices(field.enum_type), f"{path}:")
        if field.message_type is not None:
            return self._nested(field.message_type, path)
        return self._until_fits(f"{path} ({what})", _READERS.get(field.cpp_type, str))

    def _nested(self, message: Descriptor, path: str) -> Any:
        name = message.full_name
        if name in _JSON_TYPES:
            return self._until_fits(f"{path} (JSON)", json.loads)
        if name in _TEXT_TYPES:
            return self._until_fits(f"{path} ({_TEXT_TYPES[name]})", str)
        if name.startswith(_GOOGLE):
            return self._field(message.fields[0], path)
        wanted = self._until_fits(f"{path}: give a {message.name}? (y/n)", _yes_no)
        return self.message(message, f"{path}.") if wanted else None

    def _choice(self, options: Mapping[str, Any], prompt: str) -> Any:
        """One of some names, by name or number."""
        names = {name.lower(): value for name, value in options.items()}
        names |= {str(value).lower(): value for value in options.values()}
        names |= {str(number): value for number, value in enumerate(options.values(), 1)}

        def read(text: str) -> Any:
            if text.lower() in names:
                return names[text.lower()]
            raise ValueError(f"must be one of {', '.join(options)}")

        shown = "  ".join(f"{number}) {name}" for number, name in enumerate(options, 1))
        return self._until_fits(f"{prompt} {shown}", read)

    def _until_fits(self, prompt: str, read: Callable[[str], Any]) -> Any:
        while text := self._read(prompt).strip():
            try:
                return read(text)
            except ValueError as error:
                self._tell(str(error))
        return None


def _what(field: FieldDescriptor) -> str:
    """What a scalar must be."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "y/n"
    words = type_words(field).removeprefix("list of ")
    return ", ".join(filter(None, (words, hints(field))))


def _yes_no(text: str) -> bool:
    if text.lower() in _YES_NO:
        return _YES_NO[text.lower()]
    raise ValueError("must be yes or no")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no whole number") from None


def _natural(text: str) -> int:
    number = _whole(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _json_of(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = json.loads(text)
        if isinstance(value, kind):
            return value
        raise ValueError("must be a JSON object")

    return read


_READERS: Final[dict[int, Callable[[str], Any]]] = {
    **dict.fromkeys(_INTS, _whole),
    **dict.fromkeys(_UINTS, _natural),
    **dict.fromkeys(_FLOATS, _number),
    FieldDescriptor.CPPTYPE_BOOL: _yes_no,
}
