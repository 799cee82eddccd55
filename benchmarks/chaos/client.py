"""Callers that do not give up: they repeat with the same request id, and watch on after their last sequence."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf import any_pb2, struct_pb2

from benchmarks.chaos.checker import TERMINAL
from benchmarks.chaos.ledgers import Acknowledged, ClientLog, Decided, Seen
from stretto.workflow.v1 import workflow_service_pb2 as rpc
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Interrupt
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

Response = TypeVar("Response")
UNKNOWN_OUTCOME = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
CALL_SECONDS_MAX = 10.0
PAUSE_SECONDS = 0.05
CANCEL_SHARE = 0.05
REPEAT_SHARE = 0.3
# The server is back soon; gRPC would wait for up to two minutes before it looks.
OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)


class Caller:
    """Starts workflows until it is stopped, and sees each to its end with two watchers."""

    def __init__(self, address: str, effects: str, log: ClientLog, random_source: random.Random) -> None:
        self._channel = grpc.aio.insecure_channel(address, OPTIONS)
        self._stub = WorkflowServiceStub(self._channel)
        self._effects = effects
        self._log = log
        self._random = random_source
        self.stopping = False

    async def run(self) -> None:
        """Start one workflow after the other."""
        while not self.stopping:
            await self._one()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def _one(self) -> None:
        request_id = str(uuid.UUID(int=self._random.getrandbits(128)))
        request = _start(self._random.choice(("steps", "approval", "branches")), request_id, self._effects)
        workflow_id = await self._start(request)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(workflow_id, "first", decides=True))
            group.create_task(self._watch(workflow_id, "second", decides=False))
            if self._random.random() < REPEAT_SHARE:
                group.create_task(self._start(request))
            if self._random.random() < CANCEL_SHARE:
                group.create_task(self._cancel(workflow_id))

    async def _start(self, request: rpc.StartWorkflowRequest) -> str:
        response = await self._call(self._stub.StartWorkflow, request)
        assert response
        self._log.acknowledged.append(Acknowledged(request.request_id, response.workflow.workflow_id))
        return response.workflow.workflow_id

    async def _cancel(self, workflow_id: str) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.3))
        request = rpc.CancelWorkflowRequest(workflow_id=workflow_id, cause="chaos")
        # A workflow that ended before is no longer to be cancelled: the server may refuse.
        if await self._call(self._stub.CancelWorkflow, request, may_refuse=True):
            self._log.cancelled.append(workflow_id)

    async def _decide(self, workflow_id: str, interrupt: Interrupt, decision: str) -> None:
        packed = any_pb2.Any()
        packed.Pack(struct_pb2.Value(string_value=decision))
        request = rpc.DecideRequest(workflow_id=workflow_id, interrupt_id=interrupt.interrupt_id, decision=packed)
        if await self._call(self._stub.Decide, request, may_refuse=True):
            self._log.decided.append(Decided(workflow_id, interrupt.interrupt_id, decision))

    async def _watch(self, workflow_id: str, name: str, *, decides: bool) -> None:
        """See every event of a workflow; answer its question, twice and differently, when asked to."""
        watcher, last, ended = f"{workflow_id} {name}", 0, False
        async with asyncio.TaskGroup() as group:
            while not ended:
                request = rpc.WatchProgressRequest(workflow_id=workflow_id, after_sequence=last, batch_size_max=100)
                try:
                    async for response in self._stub.WatchProgress(request):
                        for event in _events(response):
                            self._log.seen.append(Seen(watcher, event))
                            last, ended = event.sequence, event.WhichOneof("kind") in TERMINAL
                            if decides and event.HasField("interrupt_raised"):
                                question = event.interrupt_raised.interrupt
                                group.create_task(self._decide(workflow_id, question, "yes"))
                                group.create_task(self._decide(workflow_id, question, "no"))
                    if not ended:
                        self._log.refused.append(f"{watcher}: the stream ended after {last}")
                except grpc.aio.AioRpcError as error:
                    self._note(error, watcher)
                await asyncio.sleep(0 if ended else PAUSE_SECONDS)

    async def _call(
        self,
        method: Callable[..., Awaitable[Response]],
        request: rpc.StartWorkflowRequest | rpc.DecideRequest | rpc.CancelWorkflowRequest,
        *,
        may_refuse: bool = False,
    ) -> Response | None:
        """Repeat a call until its outcome is known; None when it is refused and may be."""
        while True:
            try:
                return await method(request, timeout=CALL_SECONDS_MAX)
            except grpc.aio.AioRpcError as error:
                if may_refuse and error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    return None
                self._note(error, type(request).__name__)
                await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, error: grpc.aio.AioRpcError, what: str) -> None:
        if error.code() not in UNKNOWN_OUTCOME:
            self._log.refused.append(f"{what}: {error.code().name} {error.details()}")


def _start(workflow_type: str, request_id: str, effects: str) -> rpc.StartWorkflowRequest:
    fields = struct_pb2.Struct()
    fields.update({"request_id": request_id, "effects": effects})
    packed = any_pb2.Any()
    packed.Pack(fields)
    return rpc.StartWorkflowRequest(workflow_type=workflow_type, request_id=request_id, input=packed)


def _events(response: rpc.WatchProgressResponse) -> list[ProgressEvent]:
    return [response.event] if response.HasField("event") else list(response.batch.events)
