"""The processes of the cluster: two servers that run no workflows, and three workers that take no calls."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks._processes import Service, free_address
from stretto.client import Client
from stretto.operations.v1.member_pb2 import Member

APP: Final = "examples.app:app"
LEASE_SECONDS: Final = 5.0
"""Half of what it is by default, so that there is less to wait for."""

SERVERS: Final = ("east", "west")
WORKERS: Final = ("mill-1", "mill-2", "mill-3")
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where all are, by name."""

    addresses: dict[str, str]
    processes: dict[str, Service]

    @property
    def address(self) -> str:
        """What a client is given: all servers."""
        return ",".join(self.addresses.values())

    def resident_bytes(self, names: Iterable[str]) -> int:
        """The memory of the one that has most."""
        return max(self.processes[name].resident_bytes() for name in names)


@contextlib.asynccontextmanager
async def cluster_of(store: str, redis: str, folder: Path) -> AsyncIterator[Cluster]:
    """Run all of them for as long as the block."""
    addresses = {name: free_address() for name in SERVERS}
    cluster = Cluster(addresses, {})
    try:
        for name, argv, said in _commands(addresses):
            shared = ("--store", store, "--redis", redis, "--name", name, "--lease-seconds", str(LEASE_SECONDS))
            cluster.processes[name] = Service([*argv, *shared, APP], said, folder / f"{name}.log")
        await asyncio.gather(*(process.ready() for process in cluster.processes.values()))
        yield cluster
    finally:
        # Their store is thrown away: there is nothing to drain, least of all after Ctrl-C.
        for process in cluster.processes.values():
            process.kill()


def _commands(addresses: dict[str, str]) -> Iterable[tuple[str, Sequence[str], str]]:
    """Name, arguments, and what is printed when it is ready."""
    stretto = ("-c", "from stretto.cli import main; main()")
    for name, address in addresses.items():
        yield name, (*stretto, "serve", "--listen", address, "--no-run-workflows", "--no-orchestrator"), address
    for name in WORKERS:
        yield name, (*stretto, "worker"), "Stretto works as"


def name_of(member: Member) -> str:
    """The name that it was given; each start adds some letters to it."""
    return member.member_id.rpartition("-")[0]


async def busiest_worker(client: Client) -> Member:
    """The worker that runs most, once there is one that runs something."""
    while True:
        workers = [member async for member in client.members() if name_of(member) in WORKERS and member.alive]
        found = max(workers, key=lambda member: member.running_workflow_count)
        if found.running_workflow_count:
            return found
        await asyncio.sleep(LOOK_SECONDS)


async def until_gone(client: Client, member_id: str) -> float:
    """Wait until it has left; how many seconds that took."""
    began = time.perf_counter()
    while await _find(client, member_id) is not None:  # noqa: ASYNC110 - Nobody tells of members; one asks.
        await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter() - began


async def until_silent(client: Client, member_id: str) -> None:
    """Wait until its lease has ended, and others may take over what it ran."""
    while (member := await _find(client, member_id)) is not None and member.alive:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


async def _find(client: Client, member_id: str) -> Member | None:
    return await anext((member async for member in client.members() if member.member_id == member_id), None)
