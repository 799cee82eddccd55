"""Many events, and many watches on one client."""

import asyncio
import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stretto.client import Client, ClientSync

EVENTS = 10_500
OBJECT_BYTES_MAX = 256 * 1024
"""Growth of Python's objects over 8,000 events, which are a megabyte by themselves; some batches may be in hand."""
RESIDENT_BYTES_MAX = 3 * 1024 * 1024
"""Growth of the process, which also holds gRPC's buffers."""

WATCHES = 200
WORKFLOWS = 10
HANG_SECONDS = 120.0


@pytest.mark.parametrize("live", [True, False], ids=["live", "afterwards"])
async def test_memory_does_not_grow_with_the_events(serving, caller, live):
    await serving.up()
    workflow_id = await caller.start("talks", lines=EVENTS)
    if not live:
        await caller.until(workflow_id, "completed")
    script, argv = Path(__file__).with_name("watcher.py"), [serving.address, workflow_id]
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, script, kind, *argv, stdout=asyncio.subprocess.PIPE)
        for kind in ("async", "sync")
    ]
    for process in processes:
        out, _ = await process.communicate()
        grown = json.loads(out)
        assert grown["events"] > EVENTS
        assert grown["objects"] < OBJECT_BYTES_MAX
        assert grown["resident"] < RESIDENT_BYTES_MAX


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "drain"])
async def test_200_watches_on_one_client_go_on_through_a_restart(serving, caller, end):
    server = await serving.up("--drain-seconds-max", "0.2")
    file = serving.folder / "go"
    ids = [await caller.start("waits_for_file", path=str(file)) for _ in range(WORKFLOWS)]
    seen = {}

    async def look(number, client):
        watch = client.handle(ids[number % WORKFLOWS]).watch()
        seen["async", number] = [await anext(watch)]
        seen["async", number] += [event async for event in watch]
        assert watch.breaks > 0

    def look_blocking(number, client):
        watch = client.handle(ids[number % WORKFLOWS]).watch()
        seen["sync", number] = [next(watch)]
        seen["sync", number] += watch
        assert watch.breaks > 0

    with ThreadPoolExecutor(WATCHES) as threads, ClientSync(serving.address) as blocking:
        async with Client(serving.address) as client, asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as group:
            loop = asyncio.get_running_loop()
            for number in range(WATCHES):
                group.create_task(look(number, client))
                group.create_task(_of(loop.run_in_executor(threads, look_blocking, number, blocking)))
            while len(seen) < 2 * WATCHES:
                await asyncio.sleep(0.02)
            server.process.send_signal(end)
            await asyncio.to_thread(server.process.wait)
            server.kill()
            await serving.up()
            file.touch()
    journals = {workflow_id: [event async for event in caller.watch(workflow_id)] for workflow_id in ids}
    for (_, number), events in seen.items():
        assert events == journals[ids[number % WORKFLOWS]]
        assert events[-1].HasField("completed")


async def _of(future):
    return await future
