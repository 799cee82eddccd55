"""A real `stretto serve` on a private port, and a caller that has nothing but the generated stubs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.struct_pb2 import Struct

from benchmarks._processes import Service, free_address, stretto_argv
from stretto.workflow.v1 import progress_event_pb2 as events
from stretto.workflow.v1 import workflow_pb2 as model
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from tests.simulators.running import openai_api, openai_api_running  # noqa: F401 - a conftest offers its fixtures so.

GRAPHS = "tests.e2e.graphs:app"


class Serving:
    """One address and one store, and the servers that come and go there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "stretto.db"
        self.address = free_address()
        self.service: Service | None = None

    async def up(self, *flags: str, app: str = GRAPHS) -> Service:
        """Start it. Nobody talks with the graphs, so the process for turns, which starts slowly, is left out there."""
        silent = ["--no-orchestrator"] if app == GRAPHS else []
        argv = [*stretto_argv(self.address, self.store, app), *silent, *flags]
        self.service = Service(argv, self.address, self.folder / "log")
        await self.service.ready()
        return self.service

    def log(self) -> str:
        return (self.folder / "log").read_text()


class Caller:
    """Calls over a channel that finds a restarted server again at once."""

    def __init__(self, address: str) -> None:
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
        self.channel = grpc.aio.insecure_channel(address, options=options)
        self.stub = WorkflowServiceStub(self.channel)

    async def start(self, workflow_type: str, **values: Any) -> str:
        packed, struct = AnyProto(), Struct()
        struct.update(values)
        packed.Pack(struct)
        request = api.StartWorkflowRequest(workflow_type=workflow_type, input=packed)
        return (await self.stub.StartWorkflow(request, wait_for_ready=True, timeout=20)).workflow.workflow_id

    async def state(self, workflow_id: str) -> api.GetStateResponse:
        request = api.GetStateRequest(workflow_id=workflow_id)
        return await self.stub.GetState(request, wait_for_ready=True, timeout=20)

    async def watch(self, workflow_id: str, after: int = 0) -> AsyncIterator[events.ProgressEvent]:
        request = api.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after)
        async for response in self.stub.WatchProgress(request, wait_for_ready=True, timeout=60):
            if response.HasField("event"):
                yield response.event

    async def until(self, workflow_id: str, kind: str) -> events.ProgressEvent:
        async for event in self.watch(workflow_id):
            if event.WhichOneof("kind") == kind:
                return event
        raise AssertionError(f"no {kind}")

    async def until_status(self, workflow_id: str, status: int) -> model.Workflow:
        while (workflow := (await self.state(workflow_id)).workflow).status != status:
            await asyncio.sleep(0.01)
        return workflow


def children(parent: int) -> Iterator[int]:
    """The processes that a process has started. Others may end while they are looked for."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(stat.parent.name)


@pytest.fixture
async def serving(tmp_path):
    place = Serving(tmp_path)
    yield place
    if place.service is not None:
        place.service.kill()


@pytest.fixture
async def caller(serving):
    caller = Caller(serving.address)
    yield caller
    await caller.channel.close()


@pytest.fixture
def make_caller() -> Callable[[str], Caller]:
    return Caller
