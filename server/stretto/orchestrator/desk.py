"""The port to the session: what a turn can learn of it and do in it."""

from dataclasses import dataclass
from typing import Any, Protocol

from stretto.orchestrator.brief import Brief, JsonObject


@dataclass(frozen=True, slots=True)
class Done:
    """An order that was carried out, on this workflow."""

    workflow_id: str
    workflow_type: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that was refused: why, and which fields of the input or the decision are wrong."""

    reason: str
    """Name of the server's error, such as `ContractViolation`."""
    text: str
    fields: tuple[tuple[str, str], ...] = ()
    """Path and fault of each wrong field."""
    winner: Any = None
    """The decision that was there first, where that is why."""


class Desk(Protocol):
    """What the graph asks of the server, in the name of its turn. `number` tells the orders of one turn apart: given
    again with the same number, an order is not carried out twice.
    """

    def now(self) -> int:
        """The server's time in microseconds."""
        ...

    async def brief(self, message: str) -> Brief:
        """What is known now, read at one moment."""
        ...

    async def launch(self, number: int, workflow_type: str, values: JsonObject) -> Done | Refused:
        """Start a workflow when the turn ends, and only then: a turn that breaks off has started none."""
        ...

    async def decide(self, number: int, interrupt_id: str, workflow_id: str, decision: JsonObject) -> Done | Refused:
        """Decide an interrupt."""
        ...

    async def cancel(self, number: int, workflow_id: str) -> Done | Refused:
        """Ask for the end of a workflow."""
        ...
