"""A server with graphs to talk about, and short ways to talk to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

import grpc
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from stretto.server import App
from stretto.session.v1 import session_service_pb2 as api
from stretto.session.v1.session_pb2 import Message
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.testing import Serving, serving
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub


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

    async def say(self, text: str, **fields: Any) -> Message:
        request = api.SendMessageRequest(**{"session_id": self.session_id, "text": text, **fields})
        return (await self.api.SendMessage(request)).message

    async def messages(self) -> list[Message]:
        response = await self.api.ListMessages(api.ListMessagesRequest(session_id=self.session_id, page_size=500))
        return list(response.messages)

    async def until(self, kind: str, after: int = 0) -> Any:
        """The first event of a kind: of the session's own, or of a workflow's."""
        call = self.api.WatchSession(api.WatchSessionRequest(session_id=self.session_id, after_sequence=after))
        async for response in call:
            event = response.event
            of_workflow = event.progress.WhichOneof("kind") if event.HasField("progress") else None
            notice = event.message.notice.kind and "notice" if event.HasField("message") else None
            if kind in (event.WhichOneof("kind"), of_workflow, notice):
                call.cancel()
                return event
        raise AssertionError(f"the session ended without {kind}")

    async def close(self) -> None:
        await self._channel.close()


@asynccontextmanager
async def talking(app: App, **options: Any) -> AsyncIterator[Talk]:
    async with serving(app, **options) as world:
        talk = Talk(world)
        try:
            yield talk
        finally:
            await talk.close()
