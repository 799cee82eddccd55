"""What happens to a real server when processes die, loops block and disks fill."""

import asyncio
import resource
import signal
import sys
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stretto.workflow.v1 import workflow_pb2 as model
from stretto.workflow.v1 import workflow_service_pb2 as api

STRETTO = str(Path(sys.executable).parent / "stretto")


async def test_p1_and_p6_kill_9_loses_nothing_and_repeats_only_what_was_running(serving, caller):
    server = await serving.up()
    waiting = await caller.start("asks")
    await caller.until_status(waiting, model.WORKFLOW_STATUS_WAITING)
    path = str(serving.folder / "go")
    running = await caller.start("waits_for_file", path=path)
    await caller.until(running, "step_started")
    server.kill()
    await serving.up()
    (serving.folder / "go").touch()
    events = [event async for event in caller.watch(running)]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    attempts = [event.attempt for event in events if event.WhichOneof("kind") == "step_started"]
    assert attempts == [1, 2]
    assert events[-1].WhichOneof("kind") == "completed"
    assert (await caller.state(waiting)).workflow.status == model.WORKFLOW_STATUS_WAITING


async def test_p8_a_decision_after_a_restart_goes_on_in_the_right_place(serving, caller):
    server = await serving.up()
    workflow_id = await caller.start("asks")
    question = (await caller.until(workflow_id, "interrupt_raised")).interrupt_raised.interrupt
    await caller.until_status(workflow_id, model.WORKFLOW_STATUS_WAITING)
    server.kill()
    await serving.up()
    request = api.DecideRequest(workflow_id=workflow_id, interrupt_id=question.interrupt_id)
    await caller.stub.Decide(request, wait_for_ready=True)
    await caller.until(workflow_id, "completed")


async def test_p13_sigterm_ends_streams_with_their_place_and_hands_workflows_back(serving, caller):
    server = await serving.up("--drain-seconds-max", "0.5")
    workflow_id = await caller.start("sleeps", seconds=60)
    stream = caller.stub.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
    began, last = time.monotonic(), None
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        async for response in stream:
            last = response
            if response.event.WhichOneof("kind") == "step_started":
                server.process.send_signal(signal.SIGTERM)
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert last.bookmark.last_sequence == 3
    assert server.process.wait(30) == 0
    assert time.monotonic() - began < 30
    await serving.up()
    workflow = (await caller.state(workflow_id)).workflow
    assert workflow.crash_count == 0
    assert workflow.status in (model.WORKFLOW_STATUS_QUEUED, model.WORKFLOW_STATUS_RUNNING)


async def test_a_node_that_blocks_its_loop_holds_up_no_call(serving, caller):
    await serving.up()
    blocked = await caller.start("blocks", seconds=600)
    await caller.until(blocked, "step_started")
    other = await caller.start("quick")
    for _ in range(50):  # Each has seconds only; `make bench` has the figure.
        await caller.state(other)
    assert (await caller.state(blocked)).workflow.status == model.WORKFLOW_STATUS_RUNNING


async def test_a_node_that_takes_its_process_down_is_quarantined_and_the_api_stays_up(serving, caller):
    await serving.up("--crashes-max", "2")
    path = str(serving.folder / "antidote")
    poison = await caller.start("dies", path=path)
    last = [event async for event in caller.watch(poison)][-1]
    assert last.WhichOneof("kind") == "quarantined"
    assert "dies" in last.quarantined.error.message
    await caller.until(await caller.start("quick"), "completed")
    (serving.folder / "antidote").touch()
    retried = await caller.stub.RetryWorkflow(api.RetryWorkflowRequest(workflow_id=poison))
    await caller.until(retried.workflow.workflow_id, "completed")


async def test_p12_a_full_disk_refuses_starts_and_recovers_by_itself(serving, caller):
    server = await serving.up()
    known = await caller.start("quick")
    await caller.until(known, "completed")
    health = health_pb2_grpc.HealthStub(caller.channel)
    limit = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, limit[1]))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.start("quick")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    await _until_health(health, health_pb2.HealthCheckResponse.NOT_SERVING)
    assert (await caller.state(known)).workflow.status == model.WORKFLOW_STATUS_SUCCEEDED
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)
    await _until_health(health, health_pb2.HealthCheckResponse.SERVING)
    await caller.until(await caller.start("quick"), "completed")
    listed = await caller.stub.ListWorkflows(api.ListWorkflowsRequest())
    assert len(listed.workflows) == 2
    assert "Traceback" not in serving.log()


async def test_a_second_server_on_the_same_file_is_refused_with_its_name(serving):
    await serving.up()
    process = await asyncio.create_subprocess_exec(
        *[STRETTO, "serve", "--listen", "127.0.0.1:0", "--store", f"sqlite:{serving.store}", "tests.e2e.graphs:app"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 1
    assert f"{serving.store} open; stop it, or" in err.decode()
    assert "Traceback" not in err.decode()
    assert not out


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (["nowhere.at.all:app"], "There is no module 'nowhere.at.all'"),
        (["tests.e2e.graphs:nothing"], "has no App of the name 'nothing'; it has tests.e2e.graphs:app"),
        (["tests.e2e.graphs"], "is no MODULE:NAME"),
        ([], "name at least one app"),
        (["tests.e2e.graphs:app", "--listen", "127.0.0.1:99999"], "is '127.0.0.1:99999': it must be HOST:PORT"),
        (["tests.e2e.graphs:app", "--concurrency-max", "0"], "concurrency-max"),
        (["tests.e2e.graphs:app", "--store", "mysql:x"], "sqlite:PATH"),
    ],
)
async def test_a_wrong_call_is_told_in_words(serving, targets, told, tmp_path):
    process = await asyncio.create_subprocess_exec(
        STRETTO,
        "serve",
        *([] if "--store" in targets else ["--store", f"sqlite:{tmp_path}/x.db"]),
        *([] if "--listen" in targets else ["--listen", "127.0.0.1:0"]),
        *targets,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode != 0
    assert told in out.decode()
    assert "Traceback" not in out.decode()


async def _until_health(health, status):
    while (await health.Check(health_pb2.HealthCheckRequest())).status != status:
        await asyncio.sleep(0.05)
