"""What can be set of audits: read from the environment once, checked at birth."""

import os
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_PREFIX = "STRETTO_AUDIT_"


class AuditMisconfigured(ValueError):
    """A setting of audits is wrong. The message is one line."""


class AuditSettings(BaseModel):
    """How much patience an audit has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_seconds_max: Annotated[
        float,
        Field(
            gt=0, le=600, description="Time for each query, which are asked side by side; for each role when staged."
        ),
    ] = 15.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that are set and not empty."""
        values = {field: environment.get(variable(field), "").strip() for field in cls.model_fields}
        try:
            return cls.model_validate({field: value for field, value in values.items() if value})
        except ValidationError as error:
            told = (
                f"{variable(str(fault['loc'][-1]))} is {fault['input']!r}: {fault['msg']}" for fault in error.errors()
            )
            raise AuditMisconfigured("; ".join(told)) from None


def variable(field: str) -> str:
    """The name of a setting's variable."""
    return _PREFIX + field.upper()
