"""What can be set of the chat model: one frozen model, read from STRETTO_MODEL* once, checked at birth."""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stretto.models.errors import ModelMisconfigured

_PREFIX = "STRETTO_MODEL"


class ModelSettings(BaseModel):
    """Which chat model is used, and how much patience there is with it. Keys stay in the provider's own variables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[
        str,
        Field(description="`STRETTO_MODEL`: PROVIDER:NAME, such as `openai:gpt-4o-mini`. No model when left out."),
    ] = ""
    url: Annotated[
        str,
        Field(
            description="`STRETTO_MODEL_URL`: base URL of the model's API, such as `http://127.0.0.1:8080/v1`. "
            "The provider's own when left out."
        ),
    ] = ""
    seconds_max: Annotated[
        float,
        Field(
            gt=0, le=600, description="`STRETTO_MODEL_SECONDS_MAX`: time for a call, its retries and repairs included."
        ),
    ] = 8.0
    attempts_max: Annotated[
        int, Field(ge=1, le=10, description="`STRETTO_MODEL_ATTEMPTS_MAX`: attempts at a call that fails for a while.")
    ] = 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that are set and not empty. One that nobody reads is refused: it must be misspelt."""
        values = {field: environment.get(_variable(field), "").strip() for field in cls.model_fields}
        _check_names(name for name, value in environment.items() if value.strip())
        try:
            return cls.model_validate({field: value for field, value in values.items() if value})
        except ValidationError as error:
            raise ModelMisconfigured("; ".join(_told(fault) for fault in error.errors())) from None

    @property
    def provider(self) -> str:
        """The part before the colon."""
        return self.model.partition(":")[0]

    @field_validator("model")
    @classmethod
    def _names_a_provider(cls, value: str) -> str:
        provider, _, name = value.partition(":")
        if value and not (provider.isidentifier() and name):
            raise ValueError("it must be PROVIDER:NAME, such as openai:gpt-4o-mini")
        return value

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("it must be a URL of http or https, such as http://127.0.0.1:8080/v1")
        return value


def _variable(field: str) -> str:
    return _PREFIX if field == "model" else f"{_PREFIX}_{field.upper()}"


def _check_names(names: Iterable[str]) -> None:
    known = [_variable(field) for field in ModelSettings.model_fields]
    for name in sorted(names):
        if name.startswith(f"{_PREFIX}_") and name not in known:
            [nearest] = get_close_matches(name, known, n=1, cutoff=0)
            raise ModelMisconfigured(f"{name} is no variable of Stretto's; did you mean {nearest}?")


def _told(fault: Mapping[str, object]) -> str:
    """A wrong value in words: the variable, the value and what is allowed."""
    location = fault["loc"]
    assert isinstance(location, tuple)
    return f"{_variable(location[-1])} is {fault['input']!r}: {str(fault['msg']).removeprefix('Value error, ')}"
