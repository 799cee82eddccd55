"""What a real server tells its operator, when it is well and when it is not."""

import asyncio
import os
import resource
import signal
import sqlite3
from importlib.metadata import version

import pytest

from stretto.operations.v1 import diagnosis_pb2 as model
from stretto.operations.v1.operations_service_pb2 import DiagnoseRequest
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
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
