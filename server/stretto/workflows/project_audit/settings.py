"""What can be set of audits."""

from typing import Annotated, ClassVar

from pydantic import Field

from stretto.workflows._settings import VariableSettings


class AuditSettings(VariableSettings):
    """How much patience an audit has. Its variables are STRETTO_AUDIT_*."""

    prefix: ClassVar[str] = "STRETTO_AUDIT"

    query_seconds_max: Annotated[
        float,
        Field(
            gt=0, le=600, description="Time for each query, which are asked side by side; for each role when staged."
        ),
    ] = 15.0
