"""The commands on a server and a worker that share PostgreSQL and Redis, each a process of its own."""

import asyncio
import contextlib

import pytest

from benchmarks._processes import Service, free_address
from stretto.client import ClientSync
from stretto.client.errors import WorkflowQuarantined
from tests.e2e.cli.calling import until

APP = "tests.e2e.graphs:app"
WORKS = "Stretto works as "


@pytest.fixture
def start(tmp_path, postgres_url, redis_url):
    """Starts members, and kills those that are left."""
    with contextlib.ExitStack() as left:

        def start(command: str, said: str, *flags: str) -> Service:
            shared = ("--store", postgres_url, "--redis", redis_url)
            argv = ["-m", "stretto.cli", command, APP, *shared, *flags]
            service = Service(argv, said, tmp_path / command)
            left.callback(service.kill)
            return service

        yield start


def test_a_worker_runs_what_a_server_takes_and_is_drained_through_it(stretto, start) -> None:
    address = free_address()
    leaves = ("--no-orchestrator", "--no-run-workflows")
    server = start("serve", address, "--listen", address, *leaves, "--name", "east")
    worker = start("worker", WORKS, "--types", "sleeps", "--name", "mill")
    for service in (server, worker):
        asyncio.run(service.ready())
    member_id = worker.log.read_text().partition(WORKS)[2].split()[0]

    def members() -> dict[str, dict[str, object]]:
        return {
            line["member_id"].partition("-")[0]: line for line in stretto("members", "--json", server=address).lines
        }

    found = members()
    assert (found["east"]["kind"], found["east"]["types"]) == ("MEMBER_KIND_SERVER", [])
    assert (found["mill"]["kind"], found["mill"]["member_id"]) == ("MEMBER_KIND_WORKER", member_id)
    assert found["mill"]["types"] == [{"workflow_type": "sleeps", "type_version": "1"}]
    examined = {one["check"]: one for one in stretto("doctor", "--json", server=address).json["findings"]}
    assert examined["sharing"]["values"]["work_queue_connected"]
    assert examined["executors"]["measured"].startswith("none here")
    with ClientSync(address) as client:
        started = until(client, client.start("sleeps", {"seconds": 1}).id, "step_started")
        done = stretto("drain", member_id, server=address)
        assert (done.code, done.out) == (0, f"{member_id} is gone\n")
        until(client, started, "step_completed")
    assert worker.process.wait(60) == 0
    assert list(members()) == ["east"]


def test_a_poison_graph_takes_down_a_worker_at_most_and_is_quarantined(start) -> None:
    address = free_address()
    services = [
        start("serve", address, "--listen", address, "--no-orchestrator", "--no-run-workflows"),
        start("worker", WORKS, "--executor-stall-seconds-max", "1"),
    ]
    for service in services:
        asyncio.run(service.ready())
    with ClientSync(address) as client:
        poison = [client.start("dies", {"path": "/no/such/place"}), client.start("blocks", {"seconds": 600})]
        for handle in poison:
            with pytest.raises(WorkflowQuarantined):
                handle.result(timeout=90)
        assert client.start("sleeps", {"seconds": 0}).result(timeout=60) is not None
    assert [service.process.poll() for service in services] == [None, None]
