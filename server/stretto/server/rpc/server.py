"""The gRPC server: what it serves, within which limits, and how it comes and goes."""

from collections.abc import Mapping
from typing import Final, cast

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # The package has no types.
from grpc_reflection.v1alpha import reflection_pb2_grpc  # type: ignore[import-untyped]

from stretto.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from stretto.operations.v1 import operations_service_pb2, operations_service_pb2_grpc
from stretto.server.domain.clock import Clock, SystemClock
from stretto.server.domain.errors import CannotListen
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.journal import Journal
from stretto.server.engine.news import News
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc._admission import Admission, CallClass, Limits
from stretto.server.rpc._calls import Calls, Recorder
from stretto.server.rpc._health import Health
from stretto.server.rpc._reflection import ALPHA, STABLE, new_reflection
from stretto.server.rpc.catalog_service import CatalogServicer
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.operations_service import Diagnostics, Membership, OperationsServicer
from stretto.server.rpc.replies import Replies
from stretto.server.rpc.session_service import SessionServicer
from stretto.server.rpc.workflow_service import WorkflowServicer
from stretto.server.store.port import Store
from stretto.session.v1 import session_service_pb2, session_service_pb2_grpc
from stretto.workflow.v1 import workflow_service_pb2, workflow_service_pb2_grpc

__all__ = ["Limits", "RpcServer"]

WORKFLOWS: Final = workflow_service_pb2.DESCRIPTOR.services_by_name["WorkflowService"].full_name
CATALOG: Final = catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name
OPERATIONS: Final = operations_service_pb2.DESCRIPTOR.services_by_name["OperationsService"].full_name
SESSIONS: Final = session_service_pb2.DESCRIPTOR.services_by_name["SessionService"].full_name
OURS: Final = (WORKFLOWS, SESSIONS, CATALOG, OPERATIONS)
HEALTH: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

CLASSES: Final[Mapping[str, CallClass]] = {
    f"{WORKFLOWS}/StartWorkflow": CallClass.START,
    f"{WORKFLOWS}/RetryWorkflow": CallClass.START,
    f"{WORKFLOWS}/ForkWorkflow": CallClass.START,
    f"{WORKFLOWS}/WatchProgress": CallClass.WATCH,
    f"{WORKFLOWS}/GetState": CallClass.READ,
    f"{WORKFLOWS}/ListWorkflows": CallClass.READ,
    f"{WORKFLOWS}/ListCheckpoints": CallClass.READ,
    f"{WORKFLOWS}/Decide": CallClass.CONTROL,
    f"{WORKFLOWS}/CancelWorkflow": CallClass.CONTROL,
    f"{SESSIONS}/SendMessage": CallClass.TALK,
    f"{SESSIONS}/WatchSession": CallClass.WATCH,
    f"{SESSIONS}/GetSession": CallClass.READ,
    f"{SESSIONS}/ListSessions": CallClass.READ,
    f"{SESSIONS}/ListMessages": CallClass.READ,
    f"{SESSIONS}/GetSessionContext": CallClass.READ,
    f"{SESSIONS}/DeleteSession": CallClass.CONTROL,
    f"{CATALOG}/ListWorkflowTypes": CallClass.READ,
    f"{CATALOG}/DescribeWorkflowType": CallClass.READ,
    f"{OPERATIONS}/Diagnose": CallClass.CONTROL,
    f"{OPERATIONS}/ListMembers": CallClass.CONTROL,
    f"{OPERATIONS}/DrainMember": CallClass.CONTROL,
    f"{HEALTH}/Check": CallClass.CONTROL,
    f"{HEALTH}/List": CallClass.CONTROL,
    f"{HEALTH}/Watch": CallClass.HEALTH,
    f"{ALPHA}/ServerReflectionInfo": CallClass.CONTROL,
    f"{STABLE}/ServerReflectionInfo": CallClass.CONTROL,
}
"""Which bound each method counts against. A method that is not here is not served."""

_log = structlog.stdlib.get_logger("stretto.rpc")


class RpcServer:
    """Serves workflows, catalog, operations, health and reflection."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: Store,
        journal: Journal,
        sessions: SessionJournal,
        catalog: Catalog,
        contracts: Contracts,
        diagnostics: Diagnostics,
        membership: Membership,
        limits: Limits | None = None,
        clock: Clock | None = None,
        reflection: bool = True,
        shared: bool = False,
    ) -> None:
        self._limits = limits or Limits()
        self._journal = journal
        self._sessions = sessions
        self._replies = Replies(store, shared=shared)
        self._health = Health(OURS)
        admission = Admission(self._limits)
        self._calls = Calls(admission)
        self._recorder = Recorder(self._calls, CLASSES)
        self._server: grpc.aio.Server | None = None
        servicer = WorkflowServicer(
            workflows=workflows,
            store=store,
            journal=journal,
            catalog=catalog,
            contracts=contracts,
            clock=clock or SystemClock(),
            min_sequence_wait_seconds=self._limits.min_sequence_wait_seconds,
        )
        talker = SessionServicer(
            workflows=workflows,
            store=store,
            journal=sessions,
            catalog=catalog,
            contracts=contracts,
            replies=self._replies,
            clock=clock or SystemClock(),
            turn_seconds_max=self._limits.turn_seconds_max,
        )
        recorder = cast("grpc.aio.Server", self._recorder)  # It has the two methods that generated code calls.
        workflow_service_pb2_grpc.add_WorkflowServiceServicer_to_server(servicer, recorder)
        session_service_pb2_grpc.add_SessionServiceServicer_to_server(talker, recorder)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(catalog), recorder)
        operations = OperationsServicer(
            diagnostics,
            membership,
            services=OURS,
            watches=lambda: admission.in_flight(CallClass.WATCH),
            watches_max=self._limits.watches_max,
        )
        operations_service_pb2_grpc.add_OperationsServiceServicer_to_server(operations, recorder)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, recorder)
        if reflection:
            described = new_reflection((*OURS, HEALTH), contracts.pool)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(described, recorder)
            self._recorder.handlers[STABLE] = self._recorder.handlers[ALPHA]

    async def start(self, listen: str) -> str:
        """Listen on `host:port` or `unix:path` and say where; port 0 is any free one. NOT_SERVING until told."""
        self._server = grpc.aio.server(options=_options(self._limits))
        self._recorder.serve_on(self._server)
        try:
            port = self._server.add_insecure_port(listen)
        except RuntimeError:
            raise CannotListen(
                f"Cannot listen on {listen}: it is in use, or no address of this machine; name another with --listen."
            ) from None
        await self._server.start()
        bound = listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"
        _log.info("listening", address=bound)
        return bound

    def hear(self, news: News) -> None:
        """Take in what other processes have committed to a store that is shared."""
        self._sessions.hear(news.sessions)
        self._journal.hear(news.workflows)
        self._replies.hear(news.sessions)

    def set_serving(self, serving: bool) -> None:  # noqa: FBT001 - The one thing that it takes.
        """Tell health checks whether calls are welcome."""
        self._health.set_serving(serving)

    async def drain(self, grace_seconds: float) -> None:
        """Say NOT_SERVING, end all streams, take no more calls and let those in flight finish, up to a time."""
        self._health.end()
        self._journal.close()
        self._sessions.close()
        self._replies.close()
        self._calls.end_streams()
        if self._server is not None:
            await self._server.stop(grace_seconds)


def _options(limits: Limits) -> list[tuple[str, int]]:
    """Arguments of gRPC's core; the limits have their reasons in `Limits`."""
    ping_timeout_ms = _milliseconds(limits.ping_timeout_seconds)
    return [
        ("grpc.so_reuseport", 0),  # A second server on the port must fail, not take every other call.
        ("grpc.max_receive_message_length", limits.message_bytes_max),
        ("grpc.max_metadata_size", limits.metadata_bytes_max),
        ("grpc.absolute_max_metadata_size", limits.metadata_bytes_max),
        ("grpc.max_concurrent_streams", limits.streams_per_connection_max),
        ("grpc.server.max_pending_requests", limits.pending_max),
        ("grpc.server.max_pending_requests_hard_limit", 2 * limits.pending_max),
        ("grpc.server_max_unrequested_time_in_server", limits.pending_seconds_max),
        ("grpc.keepalive_time_ms", _milliseconds(limits.keepalive_seconds)),
        ("grpc.keepalive_timeout_ms", ping_timeout_ms),
        ("grpc.http2.ping_timeout_ms", ping_timeout_ms),  # Without it a frozen watcher stays for a minute.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _milliseconds(limits.client_ping_seconds_min)),
    ]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)
