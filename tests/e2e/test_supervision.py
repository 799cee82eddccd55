"""What a real server does when its executors die, freeze or cannot be started."""

import asyncio
import shutil
import signal
import subprocess
import sys

import pytest

from benchmarks._processes import ROOT, stretto_argv

UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _can_be_process_one():
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


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
