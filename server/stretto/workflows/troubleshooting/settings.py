"""What can be set of `troubleshooting`."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from stretto.workflows._settings import VariableSettings

SHIPPED_RUNBOOKS: Final = Path(__file__).with_name("runbooks")
LOOK_SECONDS_MAX: Final = 1.0
"""Time to look whether there is a folder. A share that hangs must not keep an executor from starting."""


class TroubleshootingSettings(VariableSettings):
    """Which sources of evidence there are, and how much patience there is with them.

    Its variables are STRETTO_TROUBLESHOOTING_*.
    """

    prefix: ClassVar[str] = "STRETTO_TROUBLESHOOTING"

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

    @property
    def runbooks_folder(self) -> Path:
        """Where the runbooks are."""
        return self.runbooks or SHIPPED_RUNBOOKS

    @field_validator("scheduler_url", "metrics_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if value and not _is_plain_http(value):
            raise ValueError(
                "it must be a URL of http or https without blanks, user, password and query, such as "
                "http://127.0.0.1:8080"
            )
        return value

    @field_validator("scheduler_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("it must be of printable ASCII characters without blanks")
        return value

    @field_validator("runbooks", "logs")
    @classmethod
    def _may_be_a_folder(cls, value: Path | None) -> Path | None:
        if value is not None and _is_something_else(value):
            raise ValueError("it must be a folder, and that is something else")
        return value


def _is_plain_http(value: str) -> bool:
    try:
        parts = urlsplit(value)
        # Both raise for what nothing can be connected to.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    extra = parts.username or parts.password or parts.query or parts.fragment
    clean = value.isprintable() and " " not in value
    return clean and parts.scheme in ("http", "https") and bool(parts.hostname) and not extra


def _is_something_else(folder: Path) -> bool:
    """Whether there is something that is no folder. What does not exist may become one."""
    seen: list[bool] = []

    def look() -> None:
        with suppress(OSError):
            seen.append(folder.exists() and not folder.is_dir())

    looking = threading.Thread(target=look, name="stretto-folder", daemon=True)
    looking.start()
    looking.join(LOOK_SECONDS_MAX)
    return seen == [True]
