"""What the roles hand on."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from stretto.workflows.fan_out import merged
from stretto.workflows.project_audit.spent import Spent


class Wrote(BaseModel):
    """What a role wrote, and what it took."""

    model_config = ConfigDict(frozen=True)

    text: str
    spent: Spent
    seconds: float


class State(TypedDict, total=False):
    """All that is known so far."""

    request: dict[str, Any]
    answerer: str
    began: float
    """When the first role began, in seconds since 1970: another process may go on with the work."""
    wrote: Annotated[dict[str, Wrote], merged]
    """By role, in the order in which they wrote."""
    result: dict[str, Any]
