"""The main orchestrator as a workflow type: its graph, its contract, and how its turns reach the server."""

import os
from collections.abc import Mapping
from typing import Any, cast

from stretto.models import ModelMisconfigured
from stretto.orchestrator.brief import Brief, Example, JsonObject, KnownType, KnownWorkflow, OpenQuestion, Said
from stretto.orchestrator.desk import Done, Refused
from stretto.orchestrator.graph import TurnContext, build
from stretto.orchestrator.understanding import Understanding
from stretto.orchestrator.understanding.choice import chosen
from stretto.server.app.declare import App
from stretto.server.domain.clock import SECOND, Clock
from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.payload import JsonValue
from stretto.server.domain.session import TURN
from stretto.server.domain.settings import Settings
from stretto.server.engine.desk import Desk as Line
from stretto.server.engine.desk import TurnName
from stretto.server.engine.registration import Declaration
from stretto.server.rpc.contracts import contract_of
from stretto.session.v1.session_pb2 import Reply, Turn

__all__ = ["TARGET", "orchestrator"]

TARGET = f"{__name__}:app"
"""What an executor is told to load, to run turns."""

FRESH = SECOND // 50
"""A brief is not read again within this time: rules triage a message in a fraction of it, a model takes far longer."""

MODEL_SHARE = 0.5
"""How much of a turn's time a language model may take; the rules need next to none, and the store needs some."""

Fields = Mapping[str, Any]


class LineDesk:
    """The orchestrator's desk at the end of a line to the server's."""

    def __init__(self, turn: TurnName, line: Line, clock: Clock, types: "Types") -> None:
        self._turn = turn
        self._line = line
        self._clock = clock
        self._types = types
        self._history: tuple[Said, ...] | None = None
        self._last: Brief | None = None

    def now(self) -> int:
        """The time in microseconds."""
        return self._clock.now()

    async def brief(self, message: str) -> Brief:
        """What is known now; what was read a moment ago is."""
        if self._last is not None and self.now() - self._last.now < FRESH:
            return self._last
        self._last = await self._read(message)
        return self._last

    async def _read(self, message: str) -> Brief:
        types = await self._types.known(self._turn, self._line)
        wanted: dict[str, JsonValue] = {"history": self._history is None}
        fields = cast("dict[str, Any]", await self._line.ask(self._turn, "brief", wanted))
        if self._history is None:  # What was said before the turn does not change any more.
            self._history = tuple(Said(**said) for said in fields["history"])
        return Brief(
            message=message,
            now=fields["now"],
            history=self._history,
            types=types,
            workflows=tuple(_known(workflow) for workflow in fields["workflows"]),
            questions=tuple(OpenQuestion(**question) for question in fields["questions"]),
        )

    async def launch(self, number: int, workflow_type: str, values: JsonObject) -> Done | Refused:
        """Start a workflow."""
        return await self._order("launch", number, workflow_type=workflow_type, input=dict(values))

    async def decide(self, number: int, interrupt_id: str, workflow_id: str, decision: JsonObject) -> Done | Refused:
        """Decide an interrupt."""
        return await self._order(
            "decide", number, interrupt_id=interrupt_id, workflow_id=workflow_id, decision=dict(decision)
        )

    async def cancel(self, number: int, workflow_id: str) -> Done | Refused:
        """Ask for the end of a workflow."""
        return await self._order("cancel", number, workflow_id=workflow_id)

    async def _order(self, verb: str, number: int, **body: JsonValue) -> Done | Refused:
        answer = cast("dict[str, Any]", await self._line.ask(self._turn, verb, {"number": number, **body}))
        if "refused" in answer:
            fields = tuple((path, fault) for path, fault in answer["fields"])
            return Refused(answer["refused"], answer["text"], fields, answer.get("winner"))
        return Done(**answer)


class Types:
    """What can be launched: asked for once, since it does not change while the server runs."""

    def __init__(self) -> None:
        self._known: tuple[KnownType, ...] | None = None

    async def known(self, turn: TurnName, line: Line) -> tuple[KnownType, ...]:
        """All types."""
        if self._known is None:
            types = cast("list[dict[str, Any]]", await line.ask(turn, "types", {}))
            self._known = tuple(_type(fields) for fields in types)
        return self._known


def orchestrator(understanding: Understanding) -> App:
    """An app that runs turns."""
    types = Types()

    def context_of(turn: TurnName, line: Line, clock: Clock) -> TurnContext:
        return TurnContext(LineDesk(turn, line, clock, types), understanding)

    made = App()
    made.declarations[TURN] = Declaration(
        name=TURN,
        graph=build,
        contract=contract_of(input=Turn, result=Reply),
        to_result=lambda state: state["reply"],
        context_of=context_of,
        in_turn=True,
        reading_steps=frozenset({"triage", "launch", "answer", "ask_back"}),
        ending_steps=frozenset({"launch"}),
    )
    return made


def _type(fields: Fields) -> KnownType:
    return KnownType(**{**fields, "examples": tuple(Example(**example) for example in fields["examples"])})


def _known(fields: Fields) -> KnownWorkflow:
    return KnownWorkflow(**{**fields, "phases": tuple(fields["phases"])})


def __getattr__(name: str) -> App:
    """Build `app` when an executor asks for it: only then does it matter how messages are understood."""
    if name != "app":
        raise AttributeError(name)
    turn_seconds_max = float(os.environ.get("STRETTO_TURN_SECONDS_MAX", Settings().turn_seconds_max))
    try:
        return orchestrator(chosen(turn_seconds_max * MODEL_SHARE))
    except ModelMisconfigured as error:
        raise RegistrationError(str(error)) from error
