"""The form of an answer in few words: its JSON schema says the same with many times as many, in each prompt."""

from typing import Any, get_args

from pydantic import BaseModel


def form_of(shape: type[BaseModel]) -> str:
    """The JSON object that is asked for, with what each value means in its place."""
    fields = [f'"{name}":{_value(field.annotation, field.description)}' for name, field in shape.model_fields.items()]
    return f"{{{','.join(fields)}}}"


def _value(kind: Any, means: str | None) -> str:
    """A value in words; those of an object, or of a list of such, have their own words inside."""
    if not isinstance(kind, type):
        [item, *_] = get_args(kind)
        return f"{_marked(means)}[{form_of(item)}]" if issubclass(item, BaseModel) else f"[{_value(item, means)}]"
    if issubclass(kind, BaseModel):
        return _marked(means) + form_of(kind)
    return f'"{means}"' if issubclass(kind, str) else _marked(means)


def _marked(means: str | None) -> str:
    """Words that are no part of the answer. What its own fields explain has none."""
    return f"<{means}>" if means else ""
