"""What can be set of `troubleshooting`: a frozen model, read from STRETTO_TROUBLESHOOTING_* once, checked at birth."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX: Final = "STRETTO_TROUBLESHOOTING"
SHIPPED_RUNBOOKS: Final = Path(__file__).with_name("runbooks")


class TroubleshootingMisconfigured(ValueError):
    """The settings of `troubleshooting` are wrong. The message is one line."""


class TroubleshootingSettings(BaseModel):
    """Which sources of evidence there are, and how much patience there is with them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    scheduler_url: Annotated[
        str,
        Field(
            description="Address of an Airflow 3 whose REST API is asked for jobs, such as `http://127.0.0.1:8080`. "
            "The scheduler is not asked when left out."
        ),
    ] = ""
    scheduler_token: Annotated[
        SecretStr, Field(description="Bearer token for it. It stands in no message and in no log line.")
    ] = SecretStr("")
    metrics_url: Annotated[
        str,
        Field(
            description="Address of a Prometheus that is asked for metrics, such as `http://127.0.0.1:9090`. "
            "Metrics are not asked for when left out."
        ),
    ] = ""
    runbooks: Annotated[
        Path | None, Field(description="Folder of runbooks in Markdown. The shipped ones when left out.")
    ] = None
    logs: Annotated[Path | None, Field(description="Folder of log files. Logs are not searched when left out.")] = None
    source_seconds_max: Annotated[
        float, Field(gt=0, le=600, description="Time for each source, about one job, its retries included.")
    ] = 5.0
    seconds_max: Annotated[
        float, Field(gt=0, le=600, description="Time for all sources together, which are asked side by side.")
    ] = 10.0
    log_cache_seconds: Annotated[
        float, Field(ge=0, le=3_600, description="Time for which log lines that were read are not read again.")
    ] = 10.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that are set and not empty."""
        values = {field: environment.get(variable(field), "").strip() for field in cls.model_fields}
        try:
            return cls.model_validate({field: value for field, value in values.items() if value})
        except ValidationError as error:
            raise TroubleshootingMisconfigured("; ".join(_told(fault) for fault in error.errors())) from None

    @property
    def runbooks_folder(self) -> Path:
        """Where the runbooks are."""
        return self.runbooks or SHIPPED_RUNBOOKS

    @field_validator("scheduler_url", "metrics_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if value and not _is_plain_http(value):
            raise ValueError(
                "it must be a URL of http or https without user, password and query, such as http://127.0.0.1:8080"
            )
        return value

    @field_validator("scheduler_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("it must be of printable ASCII characters without blanks")
        return value


def variable(field: str) -> str:
    """The variable of a field."""
    return f"{PREFIX}_{field.upper()}"


def _is_plain_http(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    extra = parts.username or parts.password or parts.query or parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not extra


def _told(fault: Mapping[str, Any]) -> str:
    """A wrong value in words: the variable, the value where it holds no secret, and what is allowed."""
    field, value = str(fault["loc"][0]), str(fault["input"])
    # A password stands before an @, and a key behind a question mark.
    shown = "of a wrong form" if field == "scheduler_token" or set("@?") & set(value) else repr(value)
    return f"{variable(field)} is {shown}: {str(fault['msg']).removeprefix('Value error, ')}"
