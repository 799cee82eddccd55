"""Bare turns: the orchestrator's graph in this process, with no server, no store and no network around it."""

import time
from collections.abc import Sequence
from typing import Any, cast

from benchmarks.app import app as measured
from stretto.orchestrator.brief import Brief, Example, JsonObject, KnownType, KnownWorkflow, Said
from stretto.orchestrator.desk import Done, Refused
from stretto.orchestrator.graph import TurnContext, build
from stretto.orchestrator.understanding.offline import Offline
from stretto.server.domain.payload import STRUCT
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.schemas import schema_of
from stretto.workflows import app as shipped

SAID = 12
"""Messages that were said before."""


class Turns:
    """Runs turns of a session in which so many workflows run."""

    def __init__(self, running: int) -> None:
        self._graph = build().compile()
        self._context = TurnContext(_Desk(_types(), running), Offline())

    async def take(self, text: str) -> dict[str, Any]:
        """The reply to a message, as the fields of a Reply."""
        return cast("dict[str, Any]", (await self._graph.ainvoke({"text": text}, context=self._context))["reply"])


class _Desk:
    """Answers at once."""

    def __init__(self, types: Sequence[KnownType], running: int) -> None:
        self._brief = Brief(
            message="",
            now=self.now(),
            types=tuple(types),
            history=(Said(role="user", text="Hello"), Said(role="assistant", text="Hello", kind="answer"))
            * (SAID // 2),
            workflows=tuple(_running(number, self.now()) for number in range(running)),
        )

    def now(self) -> int:
        return time.time_ns() // 1_000

    async def brief(self, message: str) -> Brief:
        known = self._brief
        return Brief(
            message=message, now=self.now(), types=known.types, history=known.history, workflows=known.workflows
        )

    async def launch(self, number: int, workflow_type: str, values: JsonObject) -> Done | Refused:  # noqa: ARG002
        return Done(f"wf_{number}", workflow_type)

    async def decide(self, number: int, interrupt_id: str, workflow_id: str, decision: JsonObject) -> Done | Refused:
        raise NotImplementedError

    async def cancel(self, number: int, workflow_id: str) -> Done | Refused:
        raise NotImplementedError


def _types() -> list[KnownType]:
    """What a server with the same apps would tell a turn."""
    declared = [*shipped.declarations.values(), *measured.declarations.values()]
    contracts = Contracts(WorkflowType(name=one.name, contract=one.contract) for one in declared)
    return [
        KnownType(
            name=one.name,
            description=one.description,
            input_schema={}
            if one.contract.input_type == STRUCT
            else schema_of(contracts.pool.FindMessageTypeByName(one.contract.input_type)),
            examples=tuple(
                Example(example.title, cast("JsonObject", contracts.decode(example.input))) for example in one.examples
            ),
        )
        for one in declared
    ]


def _running(number: int, now: int) -> KnownWorkflow:
    return KnownWorkflow(
        workflow_id=f"wf_{number}",
        workflow_type="ticker",
        status="RUNNING",
        phases=("step_17",),
        fraction=0.0,
        headline="",
        facts={"value": 1},
        last_error="",
        as_of_sequence=36,
        created_at=now,
        updated_at=now,
        read_at=now,
    )
