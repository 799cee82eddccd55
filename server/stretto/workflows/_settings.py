"""Settings of a shipped workflow type: a frozen model, read from its variables once, checked at birth."""

import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from stretto.server import Misconfigured


class VariableSettings(BaseModel):
    """The base of such settings. `prefix` is what the names of their variables begin with."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    prefix: ClassVar[str]

    @classmethod
    def variable(cls, field: str) -> str:
        """The variable of a field."""
        return f"{cls.prefix}_{field.upper()}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that are set and not empty. One that nobody reads is refused: it must be misspelt."""
        fields = {cls.variable(field): field for field in cls.model_fields}
        found = {name: value.strip() for name, value in environment.items() if name.startswith(f"{cls.prefix}_")}
        values = {name: value for name, value in found.items() if value}
        if wrong := [*_misspelt(values, fields)]:
            raise Misconfigured("; ".join(wrong))
        try:
            return cls.model_validate({fields[name]: value for name, value in values.items()})
        except ValidationError as error:
            raise Misconfigured("; ".join(cls._told(fault) for fault in error.errors())) from None

    @classmethod
    def _told(cls, fault: Mapping[str, Any]) -> str:
        """A wrong value in words: the variable, the value where it holds no secret, and what is allowed."""
        field, value = str(fault["loc"][0]), str(fault["input"])
        # A password stands before an @, and a key behind a question mark.
        secret = cls.model_fields[field].annotation is SecretStr or set("@?") & set(value)
        shown = "of a wrong form" if secret else repr(value)
        return f"{cls.variable(field)} is {shown}: {str(fault['msg']).removeprefix('Value error, ')}"


def _misspelt(names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    for name in sorted({*names} - {*known}):
        [nearest] = get_close_matches(name, known, n=1, cutoff=0)
        yield f"{name} is no variable of Stretto's; did you mean {nearest}?"
