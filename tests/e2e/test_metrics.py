"""The metrics page of a real server: off unless asked for, and told of when its port is taken."""

import asyncio
import os
import socket
import subprocess
import sys
import urllib.request

import pytest

from benchmarks._processes import ROOT, free_address, stretto_argv


def fetch(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return answer.read().decode()


async def test_a_server_that_is_asked_to_tells_prometheus_what_it_does(serving, caller):
    address = free_address()
    await serving.up("--metrics-port", address.rpartition(":")[2])
    workflow_id = await caller.start("quick")
    assert [event async for event in caller.watch(workflow_id)][-1].WhichOneof("kind") == "completed"
    told = await asyncio.to_thread(fetch, address)
    assert 'stretto_workflows_ended_total{status="SUCCEEDED",workflow_type="quick"} 1.0' in told
    assert "stretto_executors_alive 1.0" in told
    assert "stretto_store_healthy 1.0" in told
    assert "process_resident_memory_bytes" in told
    assert await asyncio.to_thread(serving.service.stop) == 0
    with pytest.raises(OSError, match="refused"):
        fetch(address)


def test_a_metrics_port_that_is_in_use_is_one_clear_line(tmp_path):
    argv = stretto_argv(free_address(), tmp_path / "stretto.db", "tests.e2e.graphs:app")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, *argv, "--metrics-port", port],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("stretto: ")]
    assert said.startswith(f"stretto: Cannot serve metrics on 127.0.0.1:{port}: Address already in use; name another")
    assert "Traceback" not in done.stderr
    assert "listens" not in done.stdout
