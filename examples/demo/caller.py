"""A caller on bare generated stubs: starts a workflow, watches it through every break, answers its question."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field

import grpc
from google.protobuf import any_pb2, struct_pb2

from examples.demo.timeline import Timeline
from stretto.workflow.v1 import workflow_service_pb2 as rpc
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

HALFWAY = 0.8
THINKING_SECONDS = 1.0
PAUSE_SECONDS = 0.2
TERMINAL = {"completed", "failed", "cancelled", "quarantined"}
# The server is back soon; gRPC would wait longer before it looks again.
OPTIONS = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))


@dataclass(slots=True)
class Story:
    """What one workflow's watcher lived through."""

    name: str
    acknowledged_ms: float = 0.0
    first_event_ms: float = 0.0
    seconds: float = 0.0
    sequences: list[int] = field(default_factory=list)
    breaks: int = 0
    end: str = ""

    @property
    def missed(self) -> int:
        """Events that should have come and did not, or came twice."""
        return (
            len(set(range(1, self.sequences[-1] + 1)) ^ set(self.sequences))
            + len(self.sequences)
            - len(set(self.sequences))
        )


class Caller:
    """One connection. It sets `halfway` when the work is well under way and answers once `may_decide` is set."""

    def __init__(self, address: str, timeline: Timeline) -> None:
        self.halfway = asyncio.Event()
        self.may_decide = asyncio.Event()
        self._channel = grpc.aio.insecure_channel(address, OPTIONS)
        self._stub = WorkflowServiceStub(self._channel)
        self._timeline = timeline

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def tell(self, name: str, workflow_type: str, **fields: str) -> Story:
        """Start a workflow and watch it to its end."""
        story, began = Story(name), time.perf_counter()
        request = rpc.StartWorkflowRequest(
            workflow_type=workflow_type, request_id=str(uuid.uuid4()), input=_packed(fields)
        )
        response = await self._stub.StartWorkflow(request)
        story.acknowledged_ms = (time.perf_counter() - began) * 1e3
        async with asyncio.TaskGroup() as group:
            while not story.end:
                await self._watch(response.workflow.workflow_id, story, began, group)
        story.seconds = time.perf_counter() - began
        return story

    async def _watch(self, workflow_id: str, story: Story, began: float, group: asyncio.TaskGroup) -> None:
        """One stream, from the last event on, until it ends or breaks."""
        after = story.sequences[-1] if story.sequences else 0
        try:
            async for response in self._stub.WatchProgress(
                rpc.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after)
            ):
                if response.HasField("event"):
                    story.first_event_ms = story.first_event_ms or (time.perf_counter() - began) * 1e3
                    self._take(workflow_id, story, response.event, group)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            story.breaks += not story.breaks or bool(story.sequences[-1] > after)
            await asyncio.sleep(PAUSE_SECONDS)

    def _take(self, workflow_id: str, story: Story, event: ProgressEvent, group: asyncio.TaskGroup) -> None:
        story.sequences.append(event.sequence)
        self._timeline.event(story.name, event)
        kind = event.WhichOneof("kind") or ""
        if kind in TERMINAL:
            story.end = kind
        if event.step_progress.fraction >= HALFWAY:
            self.halfway.set()
        if kind == "interrupt_raised":
            group.create_task(self._decide(workflow_id, event.interrupt_raised.interrupt.interrupt_id))

    async def _decide(self, workflow_id: str, interrupt_id: str) -> None:
        await self.may_decide.wait()
        await asyncio.sleep(THINKING_SECONDS)
        self._timeline.note("a person says yes", "asks")
        decision = _packed({"approved": True})
        await self._stub.Decide(
            rpc.DecideRequest(workflow_id=workflow_id, interrupt_id=interrupt_id, decision=decision)
        )


def _packed(fields: dict[str, str] | dict[str, bool]) -> any_pb2.Any:
    """Plain values as the Struct that a graph without a contract takes."""
    struct = struct_pb2.Struct()
    struct.update(fields)
    packed = any_pb2.Any()
    packed.Pack(struct)
    return packed
