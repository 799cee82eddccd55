"""The server's desk: answers the turns of conversations, each about its own session and nothing else."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from stretto.server.domain.change import Request
from stretto.server.domain.clock import Clock
from stretto.server.domain.errors import (
    AlreadyDecided,
    ContractViolation,
    InterruptNotFound,
    InvalidRequest,
    Overloaded,
    StoreUnavailable,
    StrettoError,
    WorkflowNotFound,
)
from stretto.server.domain.payload import STRUCT, VALUE, JsonValue
from stretto.server.domain.session import StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.desk import TurnName
from stretto.server.engine.orders import Orders
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.context import Reading, reading_of
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.schemas import schema_of
from stretto.server.rpc.session_events import to_message
from stretto.server.store.port import Store
from stretto.session.v1.session_pb2 import MESSAGE_ROLE_ASSISTANT, MESSAGE_ROLE_USER, Message, MessageRole, TurnKind

__all__ = ["SessionDesk"]

HISTORY_MAX: Final = 60
"""Messages of a session that a turn looks back on."""

ACTIVE_MAX: Final = 100
"""Workflows that have not ended and that a turn looks at."""

ENDED_MAX: Final = 10
"""Workflows that have ended and that a turn looks at."""

_MENDS_ITSELF: Final = (Overloaded, StoreUnavailable)
"""What a later try may get through: the turn's step is tried again."""

Body = Mapping[str, Any]
Verb = Callable[[TurnName, Body], Awaitable[JsonValue]]


class SessionDesk:
    """Does what turns ask. Implements the engine's Desk."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: Store,
        catalog: Catalog,
        contracts: Contracts,
        clock: Clock,
        orders: Orders,
    ) -> None:
        self._workflows = workflows
        self._store = store
        self._catalog = catalog
        self._contracts = contracts
        self._clock = clock
        self._orders = orders
        self._verbs: dict[str, Verb] = {
            "types": self._types,
            "brief": self._brief,
            "launch": self._launch,
            "decide": self._decide,
            "cancel": self._cancel,
        }

    async def ask(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        """Do what the verb says. A refusal is an answer; only what a later try may get through is raised."""
        try:
            return await self._verbs[verb](turn, cast("Body", body))
        except _MENDS_ITSELF:
            raise
        except StrettoError as error:
            return _refusal(error)

    async def _types(self, _: TurnName, __: Body) -> JsonValue:
        return [self._described(info) for info in self._catalog]

    def _described(self, info: WorkflowType) -> dict[str, Any]:
        examples = [
            {"says": example.title, "input": self._contracts.decode(example.input)} for example in info.examples
        ]
        return {
            "name": info.name,
            "description": info.description,
            "input_schema": self._schema(info.contract.input_type) or _schema_of_graph(info, examples),
            "examples": examples,
        }

    def _schema(self, type_name: str) -> dict[str, Any]:
        """The JSON schema of a contract's message; none for the dynamic lane, and for types that are not served."""
        if type_name in (STRUCT, VALUE, ""):
            return {}
        try:
            return schema_of(self._contracts.pool.FindMessageTypeByName(type_name))
        except KeyError:
            return {}

    async def _brief(self, turn: TurnName, body: Body) -> JsonValue:
        """What was said, how the workflows are and what they ask. Orders come after the last of these."""
        self._orders.begin(turn)
        history, state = await asyncio.gather(
            self._history(turn, wanted=bool(body["history"])),
            self._store.session_state(
                turn.project, turn.session_id, active_max=ACTIVE_MAX, ended_max=ENDED_MAX, with_checkpoints=True
            ),
        )
        read_at = self._clock.now()
        readings = sorted(
            (reading_of(one, self._contracts) for one in state.workflows), key=lambda reading: reading.rank
        )
        return {
            "now": read_at,
            "history": [_said(message) for message in _before(history, turn)],
            "workflows": [_known(reading, read_at) for reading in readings],
            "questions": [
                self._question(reading.workflow, asked) for reading in readings for asked in reading.open_interrupts
            ],
        }

    async def _history(self, turn: TurnName, *, wanted: bool) -> tuple[StoredSessionEvent, ...]:
        """The newest messages; where so much was said since that the turn's own is not among them, those before it."""
        if not wanted:
            return ()
        session = (turn.project, turn.session_id)
        newest = await self._store.messages(*session, HISTORY_MAX, newest_first=True)
        if any(message.workflow_id == turn.turn_id for message in newest):
            return newest
        own = await self._store.turn_messages(*session, turn.turn_id)
        earlier = await self._store.messages(*session, HISTORY_MAX, before=own[0].sequence, newest_first=True)
        return (*newest, *own, *earlier)

    def _question(self, workflow: Workflow, asked: Interrupt) -> dict[str, Any]:
        return {
            "workflow_id": workflow.workflow_id,
            "workflow_type": workflow.workflow_type,
            "interrupt_id": asked.interrupt_id,
            "step": asked.step,
            "question": asked.question,
            "decision_schema": self._schema(asked.decision_type),
            "raised_at": asked.raised_at,
        }

    async def _launch(self, turn: TurnName, body: Body) -> JsonValue:
        """Order a workflow in the session: it starts in the transaction that ends the turn.

        It was admitted with the turn, so a drain that has begun since then does not break the reply; a full queue is a
        refusal, for it is not over in a moment.
        """
        info = self._catalog.public(body["workflow_type"])
        try:
            workflow = self._workflows.prepare(
                turn.project,
                info.name,
                self._contracts.encode(info.contract.input_type, body["input"]),
                request_id=self._request(turn, "launch", body).request_id,
                session_id=turn.session_id,
            )
        except Overloaded as error:
            return _refusal(error)
        self._orders.place(turn, body["number"], workflow)
        return _done(workflow)

    async def _decide(self, turn: TurnName, body: Body) -> JsonValue:
        await self._own(turn, body["workflow_id"])
        asked = await self._workflows.interrupt(turn.project, body["workflow_id"], body["interrupt_id"])
        try:
            workflow, _ = await self._workflows.decide(
                turn.project,
                body["workflow_id"],
                asked.interrupt_id,
                self._contracts.encode(asked.decision_type or STRUCT, body["decision"]),
                request=self._request(turn, "decide", body),
            )
        except AlreadyDecided as error:
            winner = await self._workflows.interrupt(turn.project, body["workflow_id"], asked.interrupt_id)
            return {**_refusal(error), "winner": winner.decision and self._contracts.decode(winner.decision)}
        return _done(workflow)

    async def _cancel(self, turn: TurnName, body: Body) -> JsonValue:
        await self._own(turn, body["workflow_id"])
        workflow = await self._workflows.cancel(
            turn.project,
            body["workflow_id"],
            "The user asked for it in the conversation.",
            request=self._request(turn, "cancel", body),
        )
        return _done(workflow)

    async def _own(self, turn: TurnName, workflow_id: str) -> None:
        """Refuse a workflow of another session in the words for one that is not there."""
        if not workflow_id:
            raise InterruptNotFound
        workflow = await self._store.get(turn.project, workflow_id)
        if workflow.session_id != turn.session_id:
            raise WorkflowNotFound(workflow_id=workflow_id)

    def _request(self, turn: TurnName, verb: str, body: Body) -> Request:
        """The request id of an order: a turn that runs again after a crash gives the same orders under the same ids."""
        told = json.dumps(body, sort_keys=True, default=str).encode()
        request_id = f"{turn.turn_id}/{verb}/{body['number']}"
        return Request(request_id, hashlib.sha256(told).digest(), self._clock.now())


def _schema_of_graph(info: WorkflowType, examples: list[dict[str, Any]]) -> dict[str, Any]:
    """Where there is no contract: what examples give, in the words of the graph's own schema where it has one.

    A graph's input is often its whole state, of which most is its own. Without examples all of it is shown.
    """
    schema = json.loads(info.input_json_schema) if info.input_json_schema else {}
    known = schema.get("properties") or {}
    given = {key: _type_of(value) for example in examples for key, value in (example["input"] or {}).items()}
    shown = {key: known.get(key, kind) for key, kind in given.items()} or known
    if not shown:
        return {}
    required = [key for key in schema.get("required", ()) if key in shown]
    return {"type": "object", "title": info.name, "properties": shown, "required": required}


def _type_of(value: JsonValue) -> dict[str, Any]:
    """The JSON schema of an example's value."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {key: _type_of(part) for key, part in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _type_of(value[0]) if value else {}}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return {"type": "integer" if isinstance(value, float) and value.is_integer() else name}
    return {}


def _before(history: tuple[StoredSessionEvent, ...], turn: TurnName) -> list[Message]:
    """The messages before the turn's own, oldest first and each reply behind what it replies to.

    A user may say more before there is a reply: the replies to what came before are known all the same, and what came
    after is another turn's to answer.
    """
    messages = [to_message(stored) for stored in history]
    asked = {message.turn_id: message.sequence for message in messages if message.role == MESSAGE_ROLE_USER}
    own = asked.get(turn.turn_id, 0)
    places = {message.sequence: asked.get(message.turn_id, message.sequence) for message in messages}
    before = [message for message in messages if places[message.sequence] < own]
    return sorted(before, key=lambda message: (places[message.sequence], message.sequence))[-HISTORY_MAX:]


def _said(message: Message) -> dict[str, Any]:
    reply = message.reply
    assistant = message.role == MESSAGE_ROLE_ASSISTANT
    return {
        "role": MessageRole.Name(message.role).removeprefix("MESSAGE_ROLE_").lower(),
        "text": message.text,
        "kind": TurnKind.Name(reply.kind).removeprefix("TURN_KIND_").lower() if assistant else "",
        "asks_about": reply.asks_about,
    }


def _known(reading: Reading, read_at: int) -> dict[str, Any]:
    workflow = reading.workflow
    return {
        "workflow_id": workflow.workflow_id,
        "workflow_type": workflow.workflow_type,
        "status": workflow.status.name,
        "phases": list(reading.phases),
        "fraction": workflow.fraction,
        "headline": workflow.headline,
        "facts": dict(reading.facts),
        "last_error": reading.last_error.message if reading.last_error else "",
        "as_of_sequence": workflow.last_sequence,
        "created_at": workflow.created_at,
        "updated_at": workflow.updated_at,
        "read_at": read_at,
    }


def _done(workflow: Workflow) -> JsonValue:
    return {"workflow_id": workflow.workflow_id, "workflow_type": workflow.workflow_type}


def _refusal(error: StrettoError) -> dict[str, Any]:
    """What was wrong, for whoever has to tell the user."""
    violations = error.violations if isinstance(error, ContractViolation | InvalidRequest) else ()
    return {
        "refused": type(error).__name__,
        "text": str(error),
        "fields": [[violation.field, violation.description] for violation in violations],
    }
