"""How a turn reaches its session: what its graph asks and orders goes to the server's desk, in the turn's name."""

from dataclasses import dataclass
from typing import Protocol

from stretto.server.domain.payload import JsonValue


@dataclass(frozen=True, slots=True)
class TurnName:
    """The run of a turn in whose name something is asked. Executors fill it in: no turn reaches another session."""

    project: str
    session_id: str
    turn_id: str
    epoch: int


class Desk(Protocol):
    """Answers turns. What cannot be done is an answer too; it raises only what a retry may mend."""

    async def ask(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        """Do what the verb says."""
        ...
