"""OperationsService: how the server is, who shares its store, and how a member is sent away."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from stretto.operations.v1 import diagnosis_pb2, member_pb2
from stretto.operations.v1.operations_service_pb2 import (
    DiagnoseRequest,
    DiagnoseResponse,
    DrainMemberRequest,
    DrainMemberResponse,
    ListMembersRequest,
    ListMembersResponse,
)
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceServicer
from stretto.server.domain.diagnosis import (
    CommitTimes,
    Diagnosis,
    ExecutorCounts,
    Sharing,
    StoreHealth,
    WorkflowCounts,
)
from stretto.server.domain.member import Presence
from stretto.server.domain.workflow_type import RESERVED
from stretto.server.rpc._calls import Context
from stretto.server.rpc._convert import duration, set_timestamp, text, timestamp
from stretto.server.rpc._pages import PAGE_SIZE, Filter, after, page
from stretto.server.rpc.projects import project_of

__all__ = ["Diagnostics", "Membership", "OperationsServicer"]

UINT64_MAX: Final = 2**64 - 1
"""What a field holds at most; some settings have no upper bound, and a wild one must not keep us from telling."""


class Diagnostics(Protocol):
    """What the service asks of the server around it. Raises nothing but Overloaded, whatever state the store is in."""

    def diagnosis(self) -> Diagnosis:
        """How the server is now."""
        ...

    async def time_commits(self, count: int) -> CommitTimes:
        """How long commits take, or why they cannot be made; Overloaded while another caller's are timed."""
        ...


class Membership(Protocol):
    """What the service asks of those who share the server's store."""

    async def members(self) -> tuple[Presence, ...]:
        """All members in the order of their ids; the server itself where it shares its store with nobody."""
        ...

    async def drain(self, member_id: str) -> Presence:
        """Have a member drain, or this server for an empty id; MemberNotFound where there is none of that id."""
        ...


class OperationsServicer(OperationsServiceServicer):
    """Tells what the server knows of itself, and adds what only the gRPC face knows."""

    def __init__(
        self,
        diagnostics: Diagnostics,
        membership: Membership,
        *,
        services: Sequence[str],
        watches: Callable[[], int],
        watches_max: int,
    ) -> None:
        self._diagnostics = diagnostics
        self._membership = membership
        self._services = tuple(services)
        self._watches = watches
        self._watches_max = watches_max

    async def Diagnose(  # noqa: N802 - The name in the protos.
        self, request: DiagnoseRequest, _: Context
    ) -> DiagnoseResponse:
        """Tells how the server is."""
        commits = await self._diagnostics.time_commits(request.commits) if request.commits else CommitTimes()
        return DiagnoseResponse(
            diagnosis=self._to_proto(self._diagnostics.diagnosis()),
            commit_times=[duration(took) for took in commits.times],
            commit_fault=commits.fault,
        )

    async def ListMembers(  # noqa: N802 - The name in the protos.
        self, request: ListMembersRequest, context: Context
    ) -> ListMembersResponse:
        """Lists the members by id."""
        where = Filter.of(project_of(context), request)
        rows = after(await self._membership.members(), where.cursor(request.page_token), _id_of)
        members, cursor = page(rows, request.page_size or PAGE_SIZE, _member_to_proto, _id_of)
        return ListMembersResponse(members=members, next_page_token=where.token(cursor) if cursor else "")

    async def DrainMember(  # noqa: N802 - The name in the protos.
        self, request: DrainMemberRequest, _: Context
    ) -> DrainMemberResponse:
        """Asks a member to drain."""
        return DrainMemberResponse(member=_member_to_proto(await self._membership.drain(request.member_id)))

    def _to_proto(self, diagnosis: Diagnosis) -> diagnosis_pb2.Diagnosis:
        return diagnosis_pb2.Diagnosis(
            version=diagnosis.version,
            python_version=diagnosis.python_version,
            langgraph_version=diagnosis.langgraph_version,
            services=self._services,
            started_at=timestamp(diagnosis.started_at),
            answered_at=timestamp(diagnosis.answered_at),
            draining=diagnosis.draining,
            store=_store_to_proto(diagnosis.store),
            executors=_executors_to_proto(diagnosis.executors),
            workflows=_workflows_to_proto(diagnosis.workflows),
            watches=diagnosis_pb2.WatchCounts(open=self._watches(), open_max=min(self._watches_max, UINT64_MAX)),
            sharing=_sharing_to_proto(diagnosis.sharing),
        )


def _store_to_proto(store: StoreHealth) -> diagnosis_pb2.StoreHealth:
    return diagnosis_pb2.StoreHealth(
        kind=store.kind.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        durability=store.durability.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        healthy=not store.fault,
        fault=store.fault,
        checked_at=timestamp(store.checked_at),
        free_bytes=store.free_bytes,
        free_bytes_min=min(store.free_bytes_min, UINT64_MAX),
    )


def _executors_to_proto(executors: ExecutorCounts) -> diagnosis_pb2.ExecutorCounts:
    return diagnosis_pb2.ExecutorCounts(wanted=executors.wanted, alive=executors.alive, stalled=executors.stalled)


def _workflows_to_proto(workflows: WorkflowCounts) -> diagnosis_pb2.WorkflowCounts:
    return diagnosis_pb2.WorkflowCounts(
        running=workflows.running,
        concurrency_max=workflows.concurrency_max,
        queued=workflows.queued,
        queue_max=min(workflows.queue_max, UINT64_MAX),
        with_deadline=workflows.with_deadline,
    )


def _sharing_to_proto(sharing: Sharing) -> diagnosis_pb2.Sharing:
    told = diagnosis_pb2.Sharing(member_id=sharing.member_id, store_shared=sharing.store_shared)
    if sharing.work_queue is not None:
        told.work_queue.connected = not sharing.work_queue.disconnected_since
        set_timestamp(told.work_queue.disconnected_since, sharing.work_queue.disconnected_since)
    return told


def _id_of(presence: Presence) -> str:
    return presence.member.member_id


def _member_to_proto(presence: Presence) -> member_pb2.Member:
    member = presence.member
    return member_pb2.Member(
        member_id=member.member_id,
        kind=member.kind.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        address=text(member.address),
        version=member.version,
        types=[
            member_pb2.MemberType(workflow_type=name, type_version=version)
            for name, version in member.types
            if not name.startswith(RESERVED)
        ],
        joined_at=timestamp(member.joined_at),
        silent_for=duration(max(presence.silent_for, 0)),
        lease=duration(member.lease),
        alive=presence.is_alive,
        draining=member.draining,
        running_workflow_count=member.running,
        concurrency_max=member.concurrency_max,
    )
