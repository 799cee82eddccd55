"""The form of an answer in few words: its JSON schema says the same with several times as many, in each prompt."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def form_of(shape: type[BaseModel]) -> str:
    """The object that is asked for: a line for each field, with its type and what it means."""
    return "\n".join(_object(shape, ""))


def _object(shape: type[BaseModel], indent: str) -> Iterator[str]:
    yield "{"
    for name in shape.model_json_schema()["properties"]:
        field = shape.model_fields[name]
        head, *more = ["string"] if _says_values(field) else _value(field.annotation, f"{indent} ")
        yield f'{indent} "{name}": {head}  // {field.description}'
        yield from more
    yield f"{indent}}}"


def _says_values(field: FieldInfo) -> bool:
    """Whether the description says already which values there are."""
    kind, said = field.annotation, field.description or ""
    return isinstance(kind, type) and issubclass(kind, StrEnum) and all(each.value in said for each in kind)


def _value(kind: Any, indent: str) -> list[str]:
    """How a value is written: one line, or those of an object, or of a list of one."""
    if not isinstance(kind, type):
        item = get_args(kind)[0]
        first, *more = _value(item, indent)
        return [f"[{first}", *more[:-1], f"{more[-1]}, ...]"] if more else [f"[{first}, ...]"]
    if issubclass(kind, BaseModel):
        return list(_object(kind, indent))
    if issubclass(kind, StrEnum):
        return [" | ".join(f'"{each.value}"' for each in kind)]
    return ["integer" if kind is int else "string"]
