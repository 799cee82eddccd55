"""What a real server does when its executors die, freeze or cannot be started."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks._processes import ROOT, stretto_argv
from tests.e2e.conftest import children

UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _can_be_process_one():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not _can_be_process_one(), reason="needs a process namespace of its own")
async def test_a_server_that_is_process_1_runs_graphs(serving, caller):
    argv = stretto_argv(serving.address, serving.store, "tests.e2e.graphs:app")
    with (serving.folder / "log").open("ab") as log:
        server = await asyncio.create_subprocess_exec(
            *UNSHARE, sys.executable, *argv, stdout=log, stderr=log, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
        )
    try:
        while server.returncode is None and serving.address not in serving.log():
            await asyncio.sleep(0.01)
        assert server.returncode is None, serving.log()
        await caller.until(await caller.start("quick"), "completed")
    finally:
        if server.returncode is None:
            server.send_signal(signal.SIGKILL)
        await server.wait()


async def test_executors_that_die_while_loading_do_not_multiply_and_health_tells(serving, caller, monkeypatch):
    broken = serving.folder / "broken"
    monkeypatch.setenv("STRETTO_TEST_BROKEN", str(broken))
    server = await serving.up("--executors", "2")
    broken.touch()
    for pid in _executors(server):
        os.kill(pid, signal.SIGKILL)
    await _until_health(caller, health_pb2.HealthCheckResponse.NOT_SERVING)
    queued = await caller.start("quick")
    while serving.log().count("executor_not_restarted") < 4:
        await asyncio.sleep(0.01)
    assert serving.log().count('"executor_died"') == 2
    broken.unlink()
    await caller.until(queued, "completed")
    await _until_health(caller, health_pb2.HealthCheckResponse.SERVING)
    while serving.log().count("executor_restarted") < 2:
        await asyncio.sleep(0.01)
    assert len(_executors(server)) == 2
    assert "Traceback" not in serving.log()


async def test_a_step_that_blocks_its_executor_for_too_long_is_recovered_as_after_a_crash(serving, caller):
    await serving.up("--executor-stall-seconds-max", "2", "--crashes-max", "1")
    blocked = await caller.start("blocks", seconds=60)
    last = [event async for event in caller.watch(blocked)][-1]
    assert last.WhichOneof("kind") == "quarantined"
    await caller.until(await caller.start("quick"), "completed")
    told = [json.loads(line)["event"] for line in serving.log().splitlines() if "executor_" in line]
    assert told[:3] == ["executor_stalled", "executor_killed", "executor_died"]


def _executors(server):
    pids = list(children(server.process.pid))
    assert pids
    return pids


async def _until_health(caller, status):
    health = health_pb2_grpc.HealthStub(caller.channel)
    while (await health.Check(health_pb2.HealthCheckRequest())).status != status:
        await asyncio.sleep(0.01)
