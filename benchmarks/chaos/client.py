"""Callers that do not give up: they repeat with the same request id, and watch on after their last sequence."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2, struct_pb2

from benchmarks.chaos.checker import TERMINAL
from benchmarks.chaos.ledgers import Acknowledged, ClientLog, Decided, Seen
from stretto.workflow.v1 import workflow_service_pb2 as rpc
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Interrupt
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

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


@dataclass(frozen=True, slots=True)
class Habits:
    """What callers do."""

    effects: str
    """The file in which steps leave their lines."""
    pause: float = 0.04
    """Longest pause in a step, of two."""
    cut_share: float = 0.0
    """How likely a watcher breaks off after an event, to go on elsewhere."""
    told_to_wait: frozenset[grpc.StatusCode] = frozenset()
    """Refusals after which to try again, besides those that leave the outcome open."""


class Caller:
    """Starts workflows until it is stopped, and sees each to its end with two watchers. Each call may go elsewhere."""

    def __init__(self, addresses: Sequence[str], habits: Habits, log: ClientLog, random_source: random.Random) -> None:
        self._channels = [grpc.aio.insecure_channel(address, OPTIONS) for address in addresses]
        self._stubs = [WorkflowServiceStub(channel) for channel in self._channels]
        self._habits = habits
        self._log = log
        self._random = random_source
        self.stopping = False

    async def run(self) -> None:
        """Start one workflow after the other."""
        while not self.stopping:
            await self._one()

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()

    async def _one(self) -> None:
        request_id = str(uuid.UUID(int=self._random.getrandbits(128)))
        request = _start(self._random.choice(("steps", "approval", "branches")), request_id, self._habits)
        workflow_id = await self._start(request)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(workflow_id, "first", decides=True))
            group.create_task(self._watch(workflow_id, "second", decides=False))
            if self._random.random() < REPEAT_SHARE:
                group.create_task(self._start(request))
            if self._random.random() < CANCEL_SHARE:
                group.create_task(self._cancel(workflow_id))

    async def _start(self, request: rpc.StartWorkflowRequest) -> str:
        response = await self._call("StartWorkflow", request)
        assert response
        self._log.acknowledged.append(Acknowledged(request.request_id, response.workflow.workflow_id))
        return response.workflow.workflow_id

    async def _cancel(self, workflow_id: str) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.3))
        request = rpc.CancelWorkflowRequest(workflow_id=workflow_id, cause="chaos")
        # A workflow that ended before is no longer to be cancelled: the server may refuse.
        if await self._call("CancelWorkflow", request, may_refuse=True):
            self._log.cancelled.append(workflow_id)

    async def _decide(self, workflow_id: str, interrupt: Interrupt, decision: str) -> None:
        packed = any_pb2.Any()
        packed.Pack(struct_pb2.Value(string_value=decision))
        request = rpc.DecideRequest(workflow_id=workflow_id, interrupt_id=interrupt.interrupt_id, decision=packed)
        if await self._call("Decide", request, may_refuse=True):
            self._log.decided.append(Decided(workflow_id, interrupt.interrupt_id, decision))

    async def _watch(self, workflow_id: str, name: str, *, decides: bool) -> None:
        """See every event of a workflow; answer its question, twice and differently, when asked to."""
        watcher, last = f"{workflow_id} {name}", ProgressEvent()
        async with asyncio.TaskGroup() as group:
            while last.WhichOneof("kind") not in TERMINAL:
                await asyncio.sleep(PAUSE_SECONDS if last.sequence else 0)
                async for event in self._watch_on(workflow_id, watcher, last.sequence):
                    self._log.seen.append(Seen(watcher, event))
                    last = event
                    if decides and event.HasField("interrupt_raised"):
                        question = event.interrupt_raised.interrupt
                        group.create_task(self._decide(workflow_id, question, "yes"))
                        group.create_task(self._decide(workflow_id, question, "no"))

    async def _watch_on(self, workflow_id: str, watcher: str, after: int) -> AsyncIterator[ProgressEvent]:
        """What one stream brings, until it ends or breaks, or is broken off here."""
        request = rpc.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after, batch_size_max=100)
        call = self._random.choice(self._stubs).WatchProgress(request)
        kind: str | None = None
        try:
            async for response in call:
                for event in _events(response):
                    kind = event.WhichOneof("kind")
                    yield event
                if self._random.random() < self._habits.cut_share:
                    self._log.cuts += 1
                    return
            if kind not in TERMINAL:
                self._log.refused.append(f"{watcher}: the stream ended after {kind}, which is no end")
        except grpc.aio.AioRpcError as error:
            self._note(error, watcher)
        finally:
            call.cancel()

    async def _call(
        self,
        method: str,
        request: rpc.StartWorkflowRequest | rpc.DecideRequest | rpc.CancelWorkflowRequest,
        *,
        may_refuse: bool = False,
    ) -> Any:
        """Repeat a call until its outcome is known; None when it is refused and may be."""
        while True:
            try:
                return await getattr(self._random.choice(self._stubs), method)(request, timeout=CALL_SECONDS_MAX)
            except grpc.aio.AioRpcError as error:
                if may_refuse and error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    return None
                self._note(error, method)
                await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, error: grpc.aio.AioRpcError, what: str) -> None:
        if error.code() not in UNKNOWN_OUTCOME | self._habits.told_to_wait:
            self._log.refused.append(f"{what}: {error.code().name} {error.details()}")


def _start(workflow_type: str, request_id: str, habits: Habits) -> rpc.StartWorkflowRequest:
    fields = struct_pb2.Struct()
    fields.update({"request_id": request_id, "effects": habits.effects, "pause": habits.pause})
    packed = any_pb2.Any()
    packed.Pack(fields)
    return rpc.StartWorkflowRequest(workflow_type=workflow_type, request_id=request_id, input=packed)


def _events(response: rpc.WatchProgressResponse) -> list[ProgressEvent]:
    return [response.event] if response.HasField("event") else list(response.batch.events)
