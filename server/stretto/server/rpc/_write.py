"""Plain values -> messages: strict about types, and each fault is told with the path of its field."""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from stretto.server.domain.payload import JsonValue, Violation
from stretto.server.rpc._plain import DEPTH_MAX, fill_struct, fill_value, too_deep
from stretto.server.rpc._read import WRAPPERS

TYPE_RULE: Final = "type"
"""Rule id of values that are not of their field's type."""

_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED32,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
_FLOATS: Final = frozenset({FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT})
_NANOS: Final = 1_000_000_000
_DURATION: Final = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12})(?:\.(?P<part>\d{1,9}))?S)?)?"
)
_SECONDS: Final = re.compile(r"(?P<sign>-?)(?P<seconds>\d{1,12})(?:\.(?P<part>\d{1,9}))?s")
_FRACTION: Final = re.compile(r"\.(\d{1,9})")


class _WrongError(Exception):
    """A value that its field does not take."""


def write(message: Any, value: JsonValue) -> list[Violation]:
    """Write a plain value into an empty message; say what does not fit. Keys that it has no field for are left out."""
    faults: list[Violation] = []
    _write_message(message, value, "", faults)
    return faults


def _write_message(message: Any, value: Any, path: str, faults: list[Violation]) -> None:
    """Write into a message of any type, well-known ones included."""
    descriptor = message.DESCRIPTOR
    special = _WELL_KNOWN.get(descriptor.full_name)
    try:
        if special is not None:
            special(message, value)
        elif descriptor.full_name in WRAPPERS:
            message.value = _scalar(descriptor.fields_by_name["value"], value)
        elif isinstance(value, Mapping):
            _write_fields(message, descriptor, value, path, faults)
        else:
            described = f"must be an object with the fields of {descriptor.full_name}, not {_named(value)}"
            faults.append(Violation(path, described, TYPE_RULE))
    except _WrongError as wrong:
        faults.append(Violation(path, str(wrong), TYPE_RULE))


def _write_fields(
    message: Any, descriptor: Descriptor, values: Mapping[str, Any], path: str, faults: list[Violation]
) -> None:
    for field in descriptor.fields:
        value = values.get(field.name)
        if value is None and not (field.name in values and _takes_null(field)):
            continue
        where = f"{path}.{field.name}" if path else field.name
        if field.is_repeated:
            _write_repeated(message, field, value, where, faults)
        elif field.message_type is not None:
            target = getattr(message, field.name)
            target.SetInParent()
            _write_message(target, value, where, faults)
        else:
            _try(where, faults, lambda f=field, v=value: setattr(message, f.name, _scalar(f, v)))  # type: ignore[misc]


def _write_repeated(message: Any, field: FieldDescriptor, value: Any, path: str, faults: list[Violation]) -> None:
    target = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        if isinstance(value, Mapping):
            _write_map(target, field.message_type.fields_by_name, value, path, faults)
        else:
            faults.append(Violation(path, f"must be an object, not {_named(value)}", TYPE_RULE))
        return
    if not isinstance(value, list | tuple):
        faults.append(Violation(path, f"must be a list, not {_named(value)}", TYPE_RULE))
        return
    for index, item in enumerate(value):
        where = f"{path}[{index}]"
        if field.message_type is not None:
            _write_message(target.add(), item, where, faults)
        else:
            _try(where, faults, lambda v=item: target.append(_scalar(field, v)))  # type: ignore[misc]


def _write_map(
    target: Any, entry: Mapping[str, FieldDescriptor], values: Mapping[str, Any], path: str, faults: list[Violation]
) -> None:
    for name, value in values.items():
        where = f"{path}[{name!r}]"
        try:
            key = _key(entry["key"], name)
            if entry["value"].message_type is None:
                target[key] = _scalar(entry["value"], value)
            else:
                _write_message(target[key], value, where, faults)
        except (_WrongError, ValueError, OverflowError) as error:
            faults.append(Violation(where, _told(error), TYPE_RULE))


def _try(path: str, faults: list[Violation], step: Callable[[], None]) -> None:
    """Do a step that protobuf or we may refuse."""
    try:
        step()
    except (_WrongError, ValueError, OverflowError) as error:
        faults.append(Violation(path, _told(error), TYPE_RULE))


def _told(error: Exception) -> str:
    if isinstance(error, _WrongError):
        return str(error)
    return "must be valid Unicode" if isinstance(error, UnicodeError) else "is out of its type's range"


def _takes_null(field: FieldDescriptor) -> bool:
    """Whether None is a value of the field, and not its absence."""
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"


def _key(field: FieldDescriptor, name: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return _scalar(field, name)
    if field.type == FieldDescriptor.TYPE_BOOL:
        if name in ("true", "false"):
            return name == "true"
        raise _WrongError("must have keys `true` or `false`")
    try:
        return int(name)
    except ValueError:
        raise _WrongError("must have a whole number as its key") from None


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    """The value as its field takes it, or _WrongError."""
    kind = field.type
    if field.enum_type is not None:
        return _enum(field, value)
    if kind in _INTEGERS:
        return _whole(value)
    if kind in _FLOATS:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        raise _WrongError(f"must be a number, not {_named(value)}")
    if kind == FieldDescriptor.TYPE_BYTES:
        return _bytes(value)
    wanted, name = (bool, "true or false") if kind == FieldDescriptor.TYPE_BOOL else (str, "text")
    if isinstance(value, wanted):
        return value
    raise _WrongError(f"must be {name}, not {_named(value)}")


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _WrongError(f"must be a whole number, not {_named(value)}")


def _enum(field: FieldDescriptor, value: Any) -> int:
    assert field.enum_type is not None
    if isinstance(value, str) and value in field.enum_type.values_by_name:
        return field.enum_type.values_by_name[value].number
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    names = ", ".join(list(field.enum_type.values_by_name)[:20])
    raise _WrongError(f"must be one of {names}, not {_named(value)}")


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise _WrongError(f"must be base64 text, not {_named(value)}")


def _write_value(message: Any, value: Any) -> None:
    if too_deep(value):
        raise _WrongError(f"must not be nested more than {DEPTH_MAX} levels deep")
    fill_value(message, value)


def _write_struct(message: Any, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise _WrongError(f"must be an object, not {_named(value)}")
    if too_deep(value):
        raise _WrongError(f"must not be nested more than {DEPTH_MAX} levels deep")
    fill_struct(message, value)


def _write_list(message: Any, value: Any) -> None:
    if not isinstance(value, list | tuple):
        raise _WrongError(f"must be a list, not {_named(value)}")
    for item in value:
        _write_value(message.values.add(), item)


def _write_any(message: Any, value: Any) -> None:
    if not (isinstance(value, Mapping) and isinstance(value.get("@type"), str)):
        raise _WrongError("must be an object with `@type` and, in base64, `value`")
    message.type_url = value["@type"]
    message.value = _bytes(value.get("value", ""))


def _write_timestamp(message: Any, value: Any) -> None:
    try:
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _WrongError(f"must be a time such as `2026-01-31T12:00:00Z`, not {_named(value)}") from None
    if moment.tzinfo is None:
        raise _WrongError("must be a time with a zone, such as `2026-01-31T12:00:00Z`")
    since = moment - dt.datetime.fromtimestamp(0, dt.UTC)
    message.seconds = since.days * 86_400 + since.seconds
    part = _FRACTION.search(value)  # Python keeps six digits of it.
    message.nanos = int(part[1].ljust(9, "0")) if part else 0


def _write_duration(message: Any, value: Any) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**12:
        whole = round(value * _NANOS)
        seconds, nanos = divmod(abs(whole), _NANOS)
        sign = -1 if whole < 0 else 1
    else:
        found = (_DURATION.fullmatch(value) or _SECONDS.fullmatch(value)) if isinstance(value, str) else None
        if found is None:
            raise _WrongError(f"must be a duration such as `PT1.5S`, or seconds, not {_named(value)}")
        parts = found.groupdict()
        seconds = sum(
            int(parts.get(unit) or 0) * size
            for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
        )
        nanos = int((parts["part"] or "").ljust(9, "0"))
        sign = -1 if parts["sign"] else 1
    message.seconds, message.nanos = sign * seconds, sign * nanos


def _named(value: Any) -> str:
    """What the value is, without showing much of it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}…"  # noqa: PLR2004 - Enough to recognise it.


_WELL_KNOWN: Final[dict[str, Callable[[Any, Any], None]]] = {
    "google.protobuf.Any": _write_any,
    "google.protobuf.Duration": _write_duration,
    "google.protobuf.ListValue": _write_list,
    "google.protobuf.Struct": _write_struct,
    "google.protobuf.Timestamp": _write_timestamp,
    "google.protobuf.Value": _write_value,
}
