"""A server with graphs to talk about, and short ways to talk to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from typing import Any, TypedDict

import grpc
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.message import Message as AnyMessage
from google.protobuf.struct_pb2 import Struct
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from stretto.orchestrator.brief import Brief
from stretto.orchestrator.plan import Launch, Plan
from stretto.orchestrator.understanding import Insight
from stretto.server import App
from stretto.session.v1 import session_service_pb2 as api
from stretto.session.v1.session_event_pb2 import SessionEvent
from stretto.session.v1.session_pb2 import (
    NOTICE_KIND_SUCCEEDED,
    TOUCH_KIND_LAUNCHED,
    TURN_KIND_LAUNCH,
    Message,
    NoticeKind,
)
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.testing import Serving, serving
from stretto.workflow.v1 import workflow_service_pb2 as workflow_api
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Interrupt
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

HANG_SECONDS = 60
"""A test that hangs shall say where."""


class Trip(TypedDict, total=False):
    city: str
    found: int
    approved: bool


def trips(gate: asyncio.Event) -> App:
    """An app with one type: it looks for hotels, waits at a gate, asks a person, and books."""

    async def looking_for_hotels(state: Trip) -> Trip:
        get_stream_writer()({"fraction": 0.2, "message": f"Looking for hotels in {state.get('city', '?')}"})
        await gate.wait()
        return {"found": 7}

    async def asking(state: Trip) -> Trip:
        answer: Any = interrupt({"question": f"Book one of {state['found']} hotels?", "options": ["approve", "reject"]})
        return {"approved": bool(answer.get("approved"))}

    async def booking(state: Trip) -> Trip:
        get_stream_writer()({"fraction": 0.9, "message": "Booked" if state["approved"] else "Not booked"})
        return {}

    graph = StateGraph(Trip)
    graph.add_node(looking_for_hotels)
    graph.add_node(asking)
    graph.add_node(booking)
    graph.add_edge(START, "looking_for_hotels")
    graph.add_edge("looking_for_hotels", "asking")
    graph.add_edge("asking", "booking")
    graph.add_edge("booking", END)
    app = App()
    app.workflow(
        "trip_booking",
        graph,
        description="Plans a trip: finds hotels in a city and books one of them.",
        examples=[
            ("Book me a trip to Lisbon", {"city": "Lisbon"}),
            ("Find a hotel in Rome for my holiday", {"city": "Rome"}),
        ],
    )
    return app


class Talk:
    """One session of a server."""

    def __init__(self, world: Serving, session_id: str = "s1") -> None:
        self.world = world
        self.session_id = session_id
        self._channel = grpc.aio.insecure_channel(world.address)
        self.api = SessionServiceStub(self._channel)
        self.workflows = WorkflowServiceStub(self._channel)

    def other(self, session_id: str) -> "Talk":
        """Another session, over the same channel."""
        talk = copy(self)
        talk.session_id = session_id
        return talk

    async def say(self, text: str, **fields: Any) -> Message:
        request = api.SendMessageRequest(**{"session_id": self.session_id, "text": text, **fields})
        return (await self.api.SendMessage(request)).message

    async def messages(self) -> list[Message]:
        response = await self.api.ListMessages(api.ListMessagesRequest(session_id=self.session_id, page_size=500))
        return list(response.messages)

    async def context(self, **fields: Any) -> api.GetSessionContextResponse:
        request = {"session_id": self.session_id, "token_budget": 32_000, **fields}
        return await self.api.GetSessionContext(api.GetSessionContextRequest(**request))

    async def start(self, workflow_type: str, given: AnyMessage | dict[str, Any]) -> str:
        """Start a workflow of the session by RPC; its id."""
        request = workflow_api.StartWorkflowRequest(
            workflow_type=workflow_type, session_id=self.session_id, input=packed(given)
        )
        return (await self.workflows.StartWorkflow(request)).workflow.workflow_id

    async def decide(self, workflow_id: str, interrupt_id: str, decision: AnyMessage | dict[str, Any]) -> Any:
        """Decide a question by RPC."""
        request = workflow_api.DecideRequest(
            workflow_id=workflow_id, interrupt_id=interrupt_id, decision=packed(decision)
        )
        return await self.workflows.Decide(request)

    async def events(self) -> list[SessionEvent]:
        """All that has happened in the session up to now."""
        session = await self.api.GetSession(api.GetSessionRequest(session_id=self.session_id))
        watch = self.watch()
        events = [(await watch.read()).event for _ in range(session.session.last_sequence)]
        watch.cancel()
        return events

    async def journal(self, workflow_id: str) -> list[ProgressEvent]:
        """All that has happened in a workflow up to now."""
        state = await self.workflows.GetState(workflow_api.GetStateRequest(workflow_id=workflow_id))
        watch = self.workflows.WatchProgress(workflow_api.WatchProgressRequest(workflow_id=workflow_id))
        events = [(await watch.read()).event for _ in range(state.workflow.last_sequence)]
        watch.cancel()
        return events

    async def delete(self, **fields: Any) -> None:
        await self.api.DeleteSession(api.DeleteSessionRequest(session_id=self.session_id, **fields))

    def watch(self, **fields: Any) -> Any:
        return self.api.WatchSession(api.WatchSessionRequest(**{"session_id": self.session_id, **fields}))

    async def until(self, kind: str, after: int = 0) -> Any:
        """The first event of a kind: of the session's own, or of a workflow's."""
        call = self.watch(after_sequence=after)
        async for response in call:
            event = response.event
            of_workflow = event.progress.WhichOneof("kind") if event.HasField("progress") else None
            notice = event.message.notice.kind and "notice" if event.HasField("message") else None
            if kind in (event.WhichOneof("kind"), of_workflow, notice):
                call.cancel()
                return event
        raise AssertionError(f"the session ended without {kind}")

    async def reached(self, workflow_id: str, step: str, kind: str = "step_started") -> ProgressEvent:
        """The first event of a kind that comes from a step of a workflow."""
        call = self.workflows.WatchProgress(workflow_api.WatchProgressRequest(workflow_id=workflow_id))
        async for response in call:
            if (response.event.WhichOneof("kind"), response.event.step) == (kind, step):
                call.cancel()
                return response.event
        raise AssertionError(f"it ended without {kind} of {step}")

    async def noticed(self, workflow_id: str, kind: "NoticeKind.ValueType") -> Message:
        """The newest notice of a kind about a workflow, once there is one."""
        call = self.watch(kinds=["SESSION_EVENT_KIND_NOTICE"])
        async for response in call:
            message = response.event.message
            if (message.notice.workflow_id, message.notice.kind) == (workflow_id, kind):
                call.cancel()
                return message
        raise AssertionError(f"no notice {kind} about {workflow_id}")

    async def asked(self, workflow_id: str, *, besides: str = "") -> Interrupt:
        """The question that a workflow waits with, once there is one besides a question that is known."""
        waiting = self.watch(kinds=["SESSION_EVENT_KIND_NOTICE"])
        async for response in waiting:
            notice = response.event.message.notice
            if notice.workflow_id == workflow_id and notice.interrupt.interrupt_id not in ("", besides):
                waiting.cancel()
                return notice.interrupt
        raise AssertionError(f"{workflow_id} asks nothing")

    async def done(self, workflow_id: str) -> Message:
        """The notice of a workflow's good end."""
        return await self.noticed(workflow_id, NOTICE_KIND_SUCCEEDED)

    async def close(self) -> None:
        await self._channel.close()


def launched(reply: Message) -> str:
    """The workflow that a reply has launched."""
    assert reply.reply.kind == TURN_KIND_LAUNCH, reply.text
    [touched] = reply.reply.workflows
    assert touched.kind == TOUCH_KIND_LAUNCHED
    return touched.workflow_id


class ByRule:
    """Understands messages by a rule of the test's; questions it answers with the same words each time."""

    def __init__(self, rule: Callable[[Brief], Awaitable[Plan]]) -> None:
        self._rule = rule

    async def triage(self, brief: Brief) -> Insight[Plan]:
        return Insight(await self._rule(brief), "offline")

    async def answer(self, brief: Brief) -> Insight[str]:
        return Insight(f"You said: {brief.message}", "offline")


def launch(workflow_type: str, **values: Any) -> Plan:
    return Plan(kind="launch", launches=(Launch(workflow_type=workflow_type, input=values),))


def packed(given: AnyMessage | dict[str, Any]) -> AnyProto:
    """A message, or the fields of a Struct, as the API takes them."""
    made = AnyProto()
    if isinstance(given, dict):
        struct = Struct()
        struct.update(given)
        made.Pack(struct)
    else:
        made.Pack(given)
    return made


@asynccontextmanager
async def talking(*apps: App, **options: Any) -> AsyncIterator[Talk]:
    async with asyncio.timeout(HANG_SECONDS), serving(*apps, **options) as world:
        talk = Talk(world)
        try:
            yield talk
        finally:
            await talk.close()
