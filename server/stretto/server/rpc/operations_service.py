"""OperationsService: how the server is."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from stretto.operations.v1 import diagnosis_pb2
from stretto.operations.v1.operations_service_pb2 import DiagnoseRequest, DiagnoseResponse
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceServicer
from stretto.server.domain.diagnosis import CommitTimes, Diagnosis, ExecutorCounts, StoreHealth, WorkflowCounts
from stretto.server.rpc._calls import Context
from stretto.server.rpc._convert import duration, timestamp

__all__ = ["Diagnostics", "OperationsServicer"]

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


class OperationsServicer(OperationsServiceServicer):
    """Tells what the server knows of itself, and adds what only the gRPC face knows."""

    def __init__(
        self, diagnostics: Diagnostics, *, services: Sequence[str], watches: Callable[[], int], watches_max: int
    ) -> None:
        self._diagnostics = diagnostics
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
