"""A whole engine in one process, for tests that need no network: the real parts over the in-memory store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict

from stretto.server import App
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.payload import STRUCT, VALUE, Payload
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.dispatcher import DispatchLimits, LocalDispatcher
from stretto.server.engine.executor import Executor, Graphs
from stretto.server.engine.journal import Journal
from stretto.server.engine.ledger import StoreLedger
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.events import to_event
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import Store, open_store
from stretto.testing._executor import LocalExecutor
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

PROJECT = "default"


class Engine:
    """Store, journal, dispatcher and executor of one test."""

    def __init__(self, app: App, store: Store, **limits: Any) -> None:
        self.clock = SystemClock()
        self.graphs = Graphs(app.declarations.values())
        infos = [registered.info for registered in self.graphs.by_name.values()]
        self.store = store
        self.contracts = Contracts(infos)
        self.catalog = Catalog(infos)
        self.journal = Journal(store, bookmark_seconds=5)
        limits = {
            "concurrency_max": 100,
            "turns_max": 100,
            "queue_max": 1000,
            "crashes_max": 3,
            "cancel_grace_seconds": 0.5,
        } | limits
        self.dispatcher = LocalDispatcher(store, self.catalog, self.clock, DispatchLimits(**limits))
        executor = Executor(self.graphs, StoreLedger(store), self.contracts, self.clock, self.dispatcher.run_ended)
        self.executor = LocalExecutor(executor)
        self.workflows = Workflows(store, self.catalog, self.dispatcher, self.clock)
        self.dispatcher.executor_joined(self.executor)

    async def start(self, name: str, value: Any = None, **more: Any) -> Workflow:
        return await self.workflows.start(PROJECT, name, struct(value if value is not None else {}), **more)

    async def follow(self, workflow_id: str, after: int = 0) -> AsyncIterator[ProgressEvent]:
        async for batch in self.journal.follow(PROJECT, workflow_id, after, 100):
            for event in batch:
                yield to_event(event)

    async def events(self, workflow_id: str) -> list[ProgressEvent]:
        """All events up to the terminal one."""
        return [event async for event in self.follow(workflow_id)]

    async def until(self, workflow_id: str, *kinds: str) -> list[ProgressEvent]:
        """All events up to the first one of these kinds."""
        seen = []
        async for event in self.follow(workflow_id):
            seen.append(event)
            if event.WhichOneof("kind") in kinds:
                return seen
        raise AssertionError(f"none of {kinds} in {kinds_of(seen)}")

    async def until_status(self, workflow_id: str, status: Status) -> Workflow:
        """The workflow once it has a status, told by the store's publications."""
        changed = asyncio.Event()
        self.store.on_publication(lambda _: changed.set())
        while True:
            changed.clear()  # Before it reads: what is published meanwhile must not be missed.
            workflow = await self.store.get(PROJECT, workflow_id)
            if workflow.status is status:
                return workflow
            await changed.wait()

    async def run(self, name: str, value: Any = None, **more: Any) -> tuple[Workflow, list[ProgressEvent]]:
        """Start a workflow and wait for its end."""
        workflow = await self.start(name, value, **more)
        events = await self.events(workflow.workflow_id)
        return await self.store.get(PROJECT, workflow.workflow_id), events

    async def decide(self, workflow_id: str, interrupt_id: str, value: Any) -> None:
        await self.workflows.decide(PROJECT, workflow_id, interrupt_id, struct(value))

    def result(self, workflow: Workflow) -> Any:
        assert workflow.result is not None, workflow.failure
        return self.contracts.decode(workflow.result)


def struct(value: Any) -> Payload:
    """Plain values as the dynamic lane carries them."""
    if isinstance(value, dict):
        message = struct_pb2.Struct()
        message.update(value)
        return Payload(STRUCT, message.SerializeToString(deterministic=True))
    holder = struct_pb2.ListValue()
    holder.append(value)
    return Payload(VALUE, holder.values[0].SerializeToString(deterministic=True))


def kinds_of(events: list[ProgressEvent]) -> list[str]:
    return [event.WhichOneof("kind") or "" for event in events]


def steps_of(events: list[ProgressEvent], kind: str) -> list[str]:
    """The steps of the events of a kind, in order."""
    return [event.step for event in events if event.WhichOneof("kind") == kind]


def as_dict(message: Any) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True)


@contextlib.asynccontextmanager
async def engine_of(app: App, url: str = "memory:", **limits: Any) -> AsyncIterator[Engine]:
    store = open_store(url, ENCODERS)
    await store.open()
    engine = Engine(app, store, **limits)
    try:
        yield engine
    finally:
        await engine.executor.close()
        await store.close()


def app_of(**graphs: Any) -> App:
    app = App()
    for name, graph in graphs.items():
        app.workflow(name, graph)
    return app
