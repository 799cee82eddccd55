"""What a real server tells its operator, when it is well and when it is not."""

import asyncio
import os
import resource
import signal
import sqlite3
from importlib.metadata import version

import grpc
import pytest

from stretto.operations.v1 import diagnosis_pb2 as model
from stretto.operations.v1.member_pb2 import MEMBER_KIND_SERVER
from stretto.operations.v1.operations_service_pb2 import DiagnoseRequest, DrainMemberRequest, ListMembersRequest
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from stretto.workflow.v1 import workflow_pb2
from tests.e2e.conftest import children


@pytest.fixture
def diagnose(caller):
    stub = OperationsServiceStub(caller.channel)

    async def call(commits=0):
        return await stub.Diagnose(DiagnoseRequest(commits=commits), wait_for_ready=True, timeout=20)

    return call


async def test_a_server_that_is_well_says_so_and_times_real_commits(serving, caller, diagnose):
    await serving.up("--executors", "2", "--concurrency-max", "7", "--queue-max", "9", "--watchers-max", "11")
    await caller.until(await caller.start("sleeps", seconds=60), "step_started")
    while not (told := (await diagnose()).diagnosis).store.HasField("checked_at"):
        await asyncio.sleep(0.01)
    assert (told.version, told.langgraph_version) == (version("stretto"), version("langgraph"))
    assert told.started_at.ToNanoseconds() <= told.answered_at.ToNanoseconds()
    assert (told.store.kind, told.store.durability) == (model.STORE_KIND_SQLITE, model.DURABILITY_FULL)
    assert (told.store.healthy, told.store.fault, told.draining) == (True, "", False)
    assert told.store.free_bytes > told.store.free_bytes_min == 64 * 1024 * 1024
    assert told.executors == model.ExecutorCounts(wanted=2, alive=2)
    assert told.workflows == model.WorkflowCounts(running=1, concurrency_max=7, queue_max=9)
    assert told.watches.open_max == 11
    before = _commits(serving)
    answer = await diagnose(commits=20)
    assert (len(answer.commit_times), answer.commit_fault) == (20, "")
    assert all(took.ToNanoseconds() > 0 for took in answer.commit_times)
    assert _commits(serving) >= before + 20


async def test_a_server_whose_disk_is_full_says_so_without_a_path(serving, diagnose):
    server = await serving.up()
    while "Stretto listens" not in serving.log():  # It cannot say so any more once it cannot write.
        await asyncio.sleep(0.01)
    limit = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, limit[1]))
    while (answer := await diagnose()).diagnosis.store.healthy:
        await asyncio.sleep(0.01)
    assert answer.diagnosis.store.fault.startswith("The store cannot be written (")
    measured = await diagnose(commits=5)
    assert (list(measured.commit_times), measured.commit_fault) == ([], answer.diagnosis.store.fault)
    assert str(serving.folder) not in str(measured)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)
    while not (await diagnose()).diagnosis.store.healthy:
        await asyncio.sleep(0.01)
    assert len((await diagnose(commits=5)).commit_times) == 5


async def test_a_server_without_executors_says_so_and_when_they_are_back(serving, diagnose, monkeypatch):
    broken = serving.folder / "broken"
    monkeypatch.setenv("STRETTO_TEST_BROKEN", str(broken))
    server = await serving.up()
    broken.touch()
    os.kill(_executor(server), signal.SIGKILL)
    while (told := (await diagnose()).diagnosis.executors).alive:
        await asyncio.sleep(0.01)
    assert told == model.ExecutorCounts(wanted=1)
    broken.unlink()
    while (told := (await diagnose()).diagnosis.executors).alive != 1:
        await asyncio.sleep(0.01)
    assert told == model.ExecutorCounts(wanted=1, alive=1)


async def test_a_server_that_drains_says_so_until_it_goes(serving, caller, diagnose):
    server = await serving.up("--drain-seconds-max", "30")
    await caller.until(await caller.start("blocks", seconds=30), "step_started")
    server.process.send_signal(signal.SIGTERM)
    while not (answer := await diagnose(commits=1)).diagnosis.draining:
        await asyncio.sleep(0.01)
    assert len(answer.commit_times) == 1


async def test_a_server_with_a_store_of_its_own_is_its_only_member(serving, caller, diagnose):
    await serving.up("--name", "east", "--concurrency-max", "7")
    await caller.until(await caller.start("sleeps", seconds=60), "step_started")
    stub = OperationsServiceStub(caller.channel)
    (member,) = (await stub.ListMembers(ListMembersRequest(), timeout=20)).members
    sharing = (await diagnose()).diagnosis.sharing
    assert sharing == model.Sharing(member_id=member.member_id)
    assert member.member_id.startswith("east-")
    assert (member.kind, member.address) == (MEMBER_KIND_SERVER, serving.address)
    assert (member.running_workflow_count, member.concurrency_max) == (1, 7)
    assert (member.alive, member.draining, member.version) == (True, False, version("stretto"))
    assert "sleeps" in [one.workflow_type for one in member.types]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DrainMember(DrainMemberRequest(member_id="west-0"), timeout=20)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_server_that_is_asked_to_drain_answers_lets_steps_finish_and_ends_with_0(serving, caller, diagnose):
    server = await serving.up()
    end = serving.folder / "end"
    workflow_id = await caller.start("waits_for_file", path=str(end))
    await caller.until(workflow_id, "step_started")
    stub = OperationsServiceStub(caller.channel)
    assert (await stub.DrainMember(DrainMemberRequest(), timeout=20)).member.draining
    while not (await diagnose()).diagnosis.draining:
        await asyncio.sleep(0.01)
    assert (await stub.DrainMember(DrainMemberRequest(), timeout=20)).member.draining
    end.touch()
    assert await asyncio.to_thread(server.process.wait, 60) == 0
    await serving.up()
    await caller.until_status(workflow_id, workflow_pb2.WORKFLOW_STATUS_SUCCEEDED)


def _commits(serving):
    """How often the store's row for probes was written; another reader sees what is committed only."""
    connection = sqlite3.connect(f"file:{serving.store}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT count FROM probe").fetchone()[0]
    finally:
        connection.close()


def _executor(server):
    (pid,) = children(server.process.pid)
    return pid
