"""A real server on a free port, over the store that `--stores` names, whose workflows tests run by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

import stretto.models
from stretto.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from stretto.server.domain import transitions
from stretto.server.domain.change import Change, EncodedEvent, RunCommit, RunEnd, Saved
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.diagnosis import (
    CommitTimes,
    Diagnosis,
    Durability,
    ExecutorCounts,
    Sharing,
    StoreHealth,
    StoreKind,
    WorkflowCounts,
)
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.event import Event, Happening, InterruptRaised, StepStarted
from stretto.server.domain.member import Presence
from stretto.server.domain.payload import STRUCT
from stretto.server.domain.workflow import DEFAULT_PROJECT, Interrupt, Workflow
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.contracts import Contracts, contract_of
from stretto.server.rpc.errors import STATUS_DETAILS_KEY
from stretto.server.rpc.server import Limits, RpcServer
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import Store, open_store
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from tests.protos.generated.orders_pb2 import Item, OrderProgress, OrderRequest, Report, ReviewDecision
from tests.rpc.stores import NewStore, keep_all_in, kinds_for, stores_of
from tests.rpc.twins import client, connect  # noqa: F401 - as below
from tests.services.postgres_running import postgres_running  # noqa: F401 - as below
from tests.services.redis_running import redis, redis_running  # noqa: F401 - as below
from tests.simulators.running import (  # noqa: F401 - a conftest offers its fixtures so.
    openai_api,
    openai_api_running,
    prometheus_api,
    prometheus_api_running,
    scheduler_api,
    scheduler_api_running,
)

ORDER = WorkflowType(
    name="order",
    version="7",
    contract=contract_of(
        input=OrderRequest, result=Report, progress=OrderProgress, decision={"review": ReviewDecision}
    ),
)
DYNAMIC = WorkflowType(name="dynamic")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store_kind" in metafunc.fixturenames:
        kinds = kinds_for(metafunc.module.__name__, metafunc.config.getoption("stores"))
        metafunc.parametrize("store_kind", kinds, scope="session")


class HandDispatcher:
    """Accepts everything, unless told otherwise, and runs nothing."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.hints: list[Workflow] = []

    def admit(self) -> None:
        if self.refusal:
            raise self.refusal

    def check_queue(self, *, turn: bool = False) -> None:
        pass

    def changed(self, workflow: Workflow) -> None:
        self.hints.append(workflow)


DIAGNOSIS = Diagnosis(
    version="1.2.3",
    python_version="3.11.9",
    langgraph_version="1.2.22",
    started_at=1_000_000,
    answered_at=2_500_000,
    draining=False,
    store=StoreHealth(
        kind=StoreKind.SQLITE,
        durability=Durability.NORMAL,
        fault="",
        checked_at=2_000_000,
        free_bytes=5_000_000_000,
        free_bytes_min=64,
    ),
    executors=ExecutorCounts(wanted=3, alive=2, stalled=1),
    workflows=WorkflowCounts(running=4, concurrency_max=5, queued=6, queue_max=7, with_deadline=8),
    sharing=Sharing("server-1"),
)


class HandDiagnostics:
    """Tells what it is told to."""

    def __init__(self) -> None:
        self.told = DIAGNOSIS
        self.commits: CommitTimes | Exception = CommitTimes()
        self.asked: list[int] = []

    def diagnosis(self) -> Diagnosis:
        return self.told

    async def time_commits(self, count: int) -> CommitTimes:
        self.asked.append(count)
        if isinstance(self.commits, Exception):
            raise self.commits
        return self.commits


class HandMembership:
    """Has the members that it is given. All of them hear of a drain at once."""

    def __init__(self) -> None:
        self.present: tuple[Presence, ...] = ()
        self.asked: list[str] = []

    async def members(self) -> tuple[Presence, ...]:
        return self.present

    async def drain(self, member_id: str) -> Presence:
        self.asked.append(member_id)
        for presence in self.present:
            if member_id in ("", presence.member.member_id):
                return replace(presence, member=replace(presence.member, draining=True))
        raise MemberNotFound


@dataclass
class World:
    """A server, and the hands to run its workflows."""

    store: Store
    journal: Journal
    catalog: Catalog
    contracts: Contracts
    dispatcher: HandDispatcher
    diagnostics: HandDiagnostics
    membership: HandMembership
    rpc: RpcServer
    address: str = ""
    channels: list[grpc.aio.Channel] = field(default_factory=list)
    clock: SystemClock = field(default_factory=SystemClock)

    def channel(self) -> grpc.aio.Channel:
        self.channels.append(grpc.aio.insecure_channel(self.address))
        return self.channels[-1]

    @property
    def api(self) -> WorkflowServiceStub:
        return WorkflowServiceStub(self.channels[0])

    @property
    def sessions(self) -> SessionServiceStub:
        return SessionServiceStub(self.channels[0])

    @property
    def types(self) -> CatalogServiceStub:
        return CatalogServiceStub(self.channels[0])

    @property
    def operations(self) -> OperationsServiceStub:
        return OperationsServiceStub(self.channels[0])

    async def start(self, **fields) -> str:
        """Start a workflow of the typed kind, by RPC."""
        request = api.StartWorkflowRequest(**{"workflow_type": "order", **fields})
        if not request.HasField("input"):
            request.input.Pack(good_order())
        return (await self.api.StartWorkflow(request)).workflow.workflow_id

    async def claim(self, workflow_id: str) -> Workflow:
        """Own a workflow, as an executor does."""
        at = self.clock.now()
        committed = await self.store.update(
            DEFAULT_PROJECT, workflow_id, lambda workflow, _: transitions.claim(workflow, at)
        )
        return committed.workflow

    async def commit(
        self,
        workflow_id: str,
        *happenings: Happening,
        end: RunEnd | None = None,
        raised: tuple[Interrupt, ...] = (),
        saved: Saved | None = None,
    ) -> Workflow:
        """Record what an executor has to say."""
        at = self.clock.now()
        owned = await self.store.get(DEFAULT_PROJECT, workflow_id)
        events = tuple(
            EncodedEvent(self.contracts.encode_event(workflow_id, Event(at, what, step="node")))
            for what in (*happenings, *(InterruptRaised(interrupt) for interrupt in raised))
        )
        commit = RunCommit(
            project=DEFAULT_PROJECT,
            workflow_id=workflow_id,
            epoch=owned.epoch,
            at=at,
            events=events,
            raised=raised,
            saved=saved or Saved(),
            end=end,
        )
        committed = await self.store.update(
            DEFAULT_PROJECT,
            workflow_id,
            lambda workflow, interrupts: transitions.commit_run(workflow, interrupts, commit),
        )
        return committed.workflow

    async def run(self, workflow_id: str, steps: int, end: RunEnd | None = None) -> Workflow:
        """Claim a workflow and let steps happen: one event for the claim, one for each step, one for the end."""
        await self.claim(workflow_id)
        return await self.commit(workflow_id, *(StepStarted() for _ in range(steps)), end=end)

    async def expire(self, workflow_id: str) -> Workflow:
        """Let the deadline of a workflow pass."""

        def rule(workflow: Workflow, _: tuple[Interrupt, ...]) -> tuple[Change, ...]:
            return transitions.expire(workflow, workflow.deadline)

        return (await self.store.update(DEFAULT_PROJECT, workflow_id, rule)).workflow

    async def events(self, workflow_id: str) -> list[bytes]:
        return [stored.body for stored in await self.store.events(DEFAULT_PROJECT, workflow_id, 0, 10_000)]

    def question(self, interrupt_id: str, decision_type: str = STRUCT) -> Interrupt:
        return Interrupt(interrupt_id, "key", "review", "s1", "Well?", decision_type, self.clock.now())


def build(
    url: str, types: tuple[WorkflowType, ...] = (ORDER, DYNAMIC), limits: Limits | None = None, **journal
) -> World:
    contracts = Contracts(types)
    store = open_store(url, ENCODERS, synchronous="NORMAL")  # A test survives no loss of power.
    made = Journal(store, **journal)
    catalog = Catalog(types)
    dispatcher = HandDispatcher()
    workflows = Workflows(store, catalog, dispatcher, SystemClock())
    diagnostics = HandDiagnostics()
    membership = HandMembership()
    rpc = RpcServer(
        workflows=workflows,
        store=store,
        journal=made,
        sessions=SessionJournal(store, bookmark_seconds=journal.get("bookmark_seconds", 10.0)),
        catalog=catalog,
        contracts=contracts,
        diagnostics=diagnostics,
        membership=membership,
        limits=limits,
    )
    return World(store, made, catalog, contracts, dispatcher, diagnostics, membership, rpc)


class Worlds:
    """Builds worlds, and tears them down."""

    def __init__(self, new_store: NewStore) -> None:
        self._new_store = new_store
        self._made: list[World] = []

    async def __call__(self, **options) -> World:
        world = build(self._new_store(), **options)
        self._made.append(world)
        await world.store.open()
        world.address = await world.rpc.start("127.0.0.1:0")
        world.rpc.set_serving(True)
        world.channel()
        return world

    async def close(self) -> None:
        for world in self._made:
            for channel in world.channels:
                await channel.close()
            await world.rpc.drain(0)
            await world.store.close()


@pytest.fixture(scope="session")
def store_kind() -> str:
    raise AssertionError("pytest_generate_tests says what --stores does.")


@pytest.fixture
def new_store(request: pytest.FixtureRequest, store_kind: str) -> NewStore:
    return stores_of(store_kind, request)


@pytest.fixture(autouse=True)
def every_server_is_on_the_store(monkeypatch: pytest.MonkeyPatch, new_store: NewStore) -> None:
    keep_all_in(new_store, monkeypatch)


@pytest.fixture
async def worlds(new_store: NewStore) -> AsyncIterator[Worlds]:
    made = Worlds(new_store)
    async with asyncio.timeout(20):  # A test that hangs shall say where.
        yield made
        await made.close()


@pytest.fixture
async def world(worlds: Worlds) -> World:
    return await worlds()


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds that nobody tells of; the fixture bounds how long that may take."""
    while not condition():
        await asyncio.sleep(0.001)


def good_order() -> OrderRequest:
    return OrderRequest(customer="Ada", items=[Item(sku="ABC-1", quantity=2, price=1.5)])


@dataclass(frozen=True)
class Refusal:
    """What a refused call tells."""

    code: grpc.StatusCode
    text: str
    reason: str
    domain: str
    metadata: dict[str, str]
    fields: dict[str, str]
    retry_seconds: float | None
    trailing: dict[str, str | bytes]


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    trailing = dict(iter(error.trailing_metadata() or ()))  # Older grpcio's Metadata makes no dict by itself.
    status = Status.FromString(trailing[STATUS_DETAILS_KEY])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    kinds = (info, bad, retry)
    found = [kind.DESCRIPTOR.name for detail in status.details for kind in kinds if detail.Unpack(kind)]
    return Refusal(
        error.code(),
        error.details() or "",
        info.reason,
        info.domain,
        dict(info.metadata),
        {violation.field: violation.description for violation in bad.field_violations},
        retry.retry_delay.ToMilliseconds() / 1_000 if "RetryInfo" in found else None,
        trailing,
    )


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """No chat model, unless a test gives one."""

    def configure(made: object) -> None:
        monkeypatch.setattr(stretto.models, "configured", lambda: made)

    configure(None)
    return configure
