"""A client on bare generated stubs, the same for Stretto and for the echo server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

import grpc
from google.protobuf import any_pb2, struct_pb2

from benchmarks._echo import ECHO
from stretto.session.v1.session_event_pb2 import SessionEvent, SessionEventKind
from stretto.session.v1.session_pb2 import Message
from stretto.session.v1.session_service_pb2 import SendMessageRequest, WatchSessionRequest
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.workflow.v1 import workflow_service_pb2 as rpc
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

BATCH = 1_000
TERMINAL = {"completed", "failed", "cancelled", "quarantined", "timed_out"}
# One connection per client: by default gRPC shares them between channels, and a server bounds the streams of each.
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 64 << 20))


def start_request(workflow_type: str, session_id: str = "") -> rpc.StartWorkflowRequest:
    """A start with a small input."""
    fields = struct_pb2.Struct()
    fields["value"] = 1
    packed = any_pb2.Any()
    packed.Pack(fields)
    return rpc.StartWorkflowRequest(workflow_type=workflow_type, input=packed, session_id=session_id)


class Client:
    """One connection and its stubs."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, OPTIONS)
        self.stub = WorkflowServiceStub(self._channel)
        self.sessions = SessionServiceStub(self._channel)
        self.echo: grpc.aio.UnaryUnaryMultiCallable[rpc.StartWorkflowRequest, rpc.StartWorkflowRequest]
        self.echo = self._channel.unary_unary(
            ECHO,
            request_serializer=rpc.StartWorkflowRequest.SerializeToString,
            response_deserializer=rpc.StartWorkflowRequest.FromString,
        )

    async def __aenter__(self) -> Self:
        await self._channel.channel_ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def start(self, workflow_type: str, session_id: str = "") -> str:
        """Start a workflow and give its id."""
        response = await self.stub.StartWorkflow(start_request(workflow_type, session_id))
        return response.workflow.workflow_id

    async def say(self, session_id: str, text: str) -> Message:
        """Say something in a session and give the reply."""
        response = await self.sessions.SendMessage(SendMessageRequest(session_id=session_id, text=text))
        return response.message

    async def watch_session(
        self, session_id: str, after: int = 0, kinds: "Sequence[SessionEventKind.ValueType]" = (), batch: int = BATCH
    ) -> AsyncIterator[SessionEvent]:
        """Each event of a session after a sequence, for as long as the caller listens."""
        request = WatchSessionRequest(
            session_id=session_id, after_sequence=after, kinds=kinds, batch_size_max=batch, allow_missing=True
        )
        async for response in self.sessions.WatchSession(request):
            if response.HasField("event"):
                yield response.event
            for event in response.batch.events:
                yield event

    async def watch(self, workflow_id: str, after: int = 0, batch: int = BATCH) -> AsyncIterator[ProgressEvent]:
        """Each event after a sequence, until the terminal one."""
        request = rpc.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after, batch_size_max=batch)
        async for response in self.stub.WatchProgress(request):
            if response.HasField("event"):
                yield response.event
            for event in response.batch.events:
                yield event

    async def finish(self, workflow_id: str, after: int = 0, batch: int = BATCH) -> ProgressEvent:
        """Watch a workflow to its end and give its terminal event."""
        event = None
        async for event in self.watch(workflow_id, after, batch):  # noqa: B007 - the last one is what counts
            pass
        if event is None or event.WhichOneof("kind") != "completed":
            raise RuntimeError(f"{workflow_id} ended with {event}")
        return event

    async def count(self, workflow_type: str, status: WorkflowStatus.ValueType) -> int:
        """How many workflows of a type have a status."""
        found, token = 0, ""
        while True:
            page = await self.stub.ListWorkflows(
                rpc.ListWorkflowsRequest(
                    workflow_types=[workflow_type], statuses=[status], page_size=500, page_token=token
                )
            )
            found, token = found + len(page.workflows), page.next_page_token
            if not token:
                return found


async def latencies(call: Callable[[], Awaitable[object]], concurrency: int, samples: int) -> list[float]:
    """How long each call took, in milliseconds, with so many under way at all times."""
    took: list[float] = []

    async def caller() -> None:
        for _ in range(samples // concurrency):
            began = time.perf_counter()
            await call()
            took.append((time.perf_counter() - began) * 1e3)

    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return took


async def in_flight(work: Callable[[], Awaitable[object]], concurrency: int, runs: int) -> float:
    """Do the work so many times, so many at once, and give the seconds that all of it took."""
    began = time.perf_counter()
    await latencies(work, concurrency, runs)
    return time.perf_counter() - began
