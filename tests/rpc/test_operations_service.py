"""OperationsService, over a server that is told how it is; tests/e2e/test_operations.py has real ones."""

from dataclasses import replace

import grpc
import pytest

from stretto.operations.v1 import diagnosis_pb2 as model
from stretto.operations.v1 import member_pb2
from stretto.operations.v1.operations_service_pb2 import DiagnoseRequest, DrainMemberRequest, ListMembersRequest
from stretto.server.domain.diagnosis import CommitTimes, Sharing, StoreKind, WorkQueueHealth
from stretto.server.domain.errors import Overloaded
from stretto.server.domain.member import Member, MemberKind, Presence
from stretto.server.domain.workflow_type import RESERVED
from stretto.server.rpc.server import Limits
from stretto.workflow.v1 import workflow_service_pb2 as api
from tests.rpc.conftest import DIAGNOSIS, World, Worlds, refusal_of


async def test_a_diagnosis_tells_all_that_the_server_knows_of_itself(world: World) -> None:
    told = (await world.operations.Diagnose(DiagnoseRequest())).diagnosis
    assert (told.version, told.python_version, told.langgraph_version) == ("1.2.3", "3.11.9", "1.2.22")
    assert told.services == [
        "stretto.workflow.v1.WorkflowService",
        "stretto.session.v1.SessionService",
        "stretto.catalog.v1.CatalogService",
        "stretto.operations.v1.OperationsService",
    ]
    assert (told.started_at.ToMilliseconds(), told.answered_at.ToMilliseconds()) == (1_000, 2_500)
    assert not told.draining
    assert told.store == model.StoreHealth(
        kind=model.STORE_KIND_SQLITE,
        durability=model.DURABILITY_NORMAL,
        healthy=True,
        checked_at={"seconds": 2},
        free_bytes=5_000_000_000,
        free_bytes_min=64,
    )
    assert told.executors == model.ExecutorCounts(wanted=3, alive=2, stalled=1)
    assert told.workflows == model.WorkflowCounts(running=4, concurrency_max=5, queued=6, queue_max=7, with_deadline=8)
    assert told.watches == model.WatchCounts(open=0, open_max=10_000)
    assert told.sharing == model.Sharing(member_id="server-1")


@pytest.mark.parametrize(
    ("kind", "told"), [(StoreKind.POSTGRESQL, model.STORE_KIND_POSTGRESQL), (StoreKind.REDIS, model.STORE_KIND_REDIS)]
)
async def test_a_shared_store_is_told_of(world: World, kind: StoreKind, told: model.StoreKind.ValueType) -> None:
    store = replace(DIAGNOSIS.store, kind=kind)
    world.diagnostics.told = replace(DIAGNOSIS, store=store, sharing=Sharing("server-2", store_shared=True))
    diagnosis = (await world.operations.Diagnose(DiagnoseRequest())).diagnosis
    assert diagnosis.store.kind == told
    assert diagnosis.sharing == model.Sharing(member_id="server-2", store_shared=True)


async def test_it_is_told_whether_the_work_queue_is_connected_and_since_when_not(world: World) -> None:
    for since, connected in ((0, True), (3_000_000, False)):
        world.diagnostics.told = replace(DIAGNOSIS, sharing=Sharing("s", work_queue=WorkQueueHealth(since)))
        told = (await world.operations.Diagnose(DiagnoseRequest())).diagnosis.sharing.work_queue
        assert told.connected is connected
        assert told.HasField("disconnected_since") is not connected
        assert told.disconnected_since.ToMicroseconds() == since


async def test_a_diagnosis_counts_the_open_watch_streams(worlds: Worlds) -> None:
    world = await worlds(limits=Limits(watches_max=3))
    workflow_id = await world.start()
    streams = [world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id)) for _ in range(2)]
    for stream in streams:
        await stream.read()
    told = (await world.operations.Diagnose(DiagnoseRequest())).diagnosis
    assert told.watches == model.WatchCounts(open=2, open_max=3)


async def test_a_store_that_is_down_and_a_server_that_drains_are_told_and_no_error(world: World) -> None:
    store = replace(DIAGNOSIS.store, fault="The store cannot be written.", checked_at=0, free_bytes=None)
    world.diagnostics.told = replace(DIAGNOSIS, draining=True, store=store)
    world.diagnostics.commits = CommitTimes((), "The store cannot be written.")
    await world.store.close()
    world.rpc.set_serving(False)
    answer = await world.operations.Diagnose(DiagnoseRequest(commits=5))
    assert (answer.commit_fault, list(answer.commit_times)) == ("The store cannot be written.", [])
    told = answer.diagnosis
    assert (told.draining, told.store.healthy, told.store.fault) == (True, False, "The store cannot be written.")
    assert not told.store.HasField("checked_at")
    assert not told.store.HasField("free_bytes")


async def test_commits_are_timed_when_they_are_asked_for(world: World) -> None:
    world.diagnostics.commits = CommitTimes((1_500, 2_000_001), "")
    assert not (await world.operations.Diagnose(DiagnoseRequest())).commit_times
    assert world.diagnostics.asked == []
    answer = await world.operations.Diagnose(DiagnoseRequest(commits=100))
    assert world.diagnostics.asked == [100]
    assert [took.ToMicroseconds() for took in answer.commit_times] == [1_500, 2_000_001]


async def test_more_commits_than_the_rule_allows_are_refused_with_the_field(world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.operations.Diagnose(DiagnoseRequest(commits=101))
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert list(refusal.fields) == ["commits"]
    assert world.diagnostics.asked == []


async def test_commits_that_are_timed_for_somebody_else_are_a_reason_to_come_back(world: World) -> None:
    world.diagnostics.commits = Overloaded("Commits are being timed already.")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.operations.Diagnose(DiagnoseRequest(commits=1))
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert refusal.retry_seconds == 1.0
    assert (await world.operations.Diagnose(DiagnoseRequest())).HasField("diagnosis")


async def test_a_diagnosis_is_not_refused_because_others_start_and_read(worlds: Worlds) -> None:
    world = await worlds(limits=Limits(starts_max=0, reads_max=0, watches_max=0))
    assert (await world.operations.Diagnose(DiagnoseRequest())).HasField("diagnosis")


async def test_settings_beyond_all_bounds_do_not_keep_the_server_from_telling(worlds: Worlds) -> None:
    world = await worlds(limits=Limits(watches_max=10**30))
    store, workflows = DIAGNOSIS.store, DIAGNOSIS.workflows
    world.diagnostics.told = replace(
        DIAGNOSIS, store=replace(store, free_bytes_min=10**30), workflows=replace(workflows, queue_max=10**30)
    )
    told = (await world.operations.Diagnose(DiagnoseRequest())).diagnosis
    assert {told.watches.open_max, told.store.free_bytes_min, told.workflows.queue_max} == {2**64 - 1}


def a_presence(member_id: str = "worker-1", silent_for: int = 1_500_000, **fields) -> Presence:
    given = {"kind": MemberKind.WORKER, "lease": 10_000_000, "version": "1.2.3"}
    return Presence(Member(member_id=member_id, **{**given, **fields}), silent_for)


async def test_members_are_listed_with_all_that_they_told(world: World) -> None:
    server = a_presence(
        "server-1",
        kind=MemberKind.SERVER,
        address="127.0.0.1:50051",
        types=(("orders", "1"), ("orders", "2"), (f"{RESERVED}orchestrator", "1")),
        joined_at=7_000_001,
        running=3,
        concurrency_max=10,
        draining=True,
    )
    world.membership.present = (server, a_presence(silent_for=10_000_000))
    answer = await world.operations.ListMembers(ListMembersRequest())
    assert answer.next_page_token == ""
    assert list(answer.members) == [
        member_pb2.Member(
            member_id="server-1",
            kind=member_pb2.MEMBER_KIND_SERVER,
            address="127.0.0.1:50051",
            version="1.2.3",
            types=[
                member_pb2.MemberType(workflow_type="orders", type_version="1"),
                member_pb2.MemberType(workflow_type="orders", type_version="2"),
            ],
            joined_at={"seconds": 7, "nanos": 1_000},
            silent_for={"seconds": 1, "nanos": 500_000_000},
            lease={"seconds": 10},
            alive=True,
            draining=True,
            running_workflow_count=3,
            concurrency_max=10,
        ),
        member_pb2.Member(
            member_id="worker-1",
            kind=member_pb2.MEMBER_KIND_WORKER,
            version="1.2.3",
            silent_for={"seconds": 10},
            lease={"seconds": 10},
        ),
    ]


async def test_members_come_page_after_page(world: World) -> None:
    world.membership.present = tuple(a_presence(f"worker-{number}") for number in range(5))
    seen, token = [], ""
    while not seen or token:
        page = await world.operations.ListMembers(ListMembersRequest(page_size=2, page_token=token))
        seen.append([member.member_id for member in page.members])
        token = page.next_page_token
        world.membership.present = world.membership.present[1:]  # Those that were listed may leave meanwhile.
    assert seen == [["worker-0", "worker-1"], ["worker-2", "worker-3"], ["worker-4"]]


@pytest.mark.parametrize("member_id", ["worker-1", ""])
async def test_a_drain_names_a_member_or_means_the_server_that_is_asked(world: World, member_id: str) -> None:
    world.membership.present = (a_presence(),)
    told = (await world.operations.DrainMember(DrainMemberRequest(member_id=member_id))).member
    assert (told.member_id, told.draining) == ("worker-1", True)
    assert world.membership.asked == [member_id]


async def test_members_are_listed_and_drained_whatever_others_do(worlds: Worlds) -> None:
    world = await worlds(limits=Limits(starts_max=0, reads_max=0, watches_max=0))
    world.membership.present = (a_presence(),)
    assert len((await world.operations.ListMembers(ListMembersRequest())).members) == 1
    assert (await world.operations.DrainMember(DrainMemberRequest(member_id="worker-1"))).HasField("member")
