"""Starts over connections that break: none is lost, and none happens twice."""

import asyncio
import random
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.chaos.proxy import TOLD, Fault, Proxy
from stretto.client import CallError, Client, ClientSync, TimedOut, Unavailable

SEED = 7
STARTERS = 4
"""Callers of each kind, one start after the other each."""
PATIENCE_SECONDS = 30.0
"""Above any restart, also on a busy machine: within this a call must have succeeded by itself."""
HANG_SECONDS = 120.0


class Starters:
    """Callers that start workflows until they are told to stop; what each request id was told."""

    def __init__(self, address: str, seconds: float) -> None:
        self.told: dict[str, str] = {}
        self.repeated = 0
        """Calls that the caller had to make again, with the same request id."""
        self.stopping = False
        self._client = Client(address, timeout=seconds)
        self._blocking = ClientSync(address, timeout=seconds)
        self._threads = ThreadPoolExecutor(STARTERS)

    async def run(self, repeat: tuple[type[CallError], ...]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(STARTERS):
                    group.create_task(self._start_on_and_on(repeat))
                    group.create_task(_of(loop.run_in_executor(self._threads, self._start_blocking, repeat)))
        finally:
            await self._client.close()
            self._blocking.close()
            self._threads.shutdown()

    async def _start_on_and_on(self, repeat: tuple[type[CallError], ...]) -> None:
        request_id = ""
        while request_id or not self.stopping:
            request_id = request_id or str(uuid.uuid4())
            try:
                self.told[request_id] = (await self._client.start("quick", {}, request_id=request_id)).id
                request_id = ""
            except repeat:
                self.repeated += 1

    def _start_blocking(self, repeat: tuple[type[CallError], ...]) -> None:
        request_id = ""
        while request_id or not self.stopping:
            request_id = request_id or str(uuid.uuid4())
            try:
                self.told[request_id] = self._blocking.start("quick", {}, request_id=request_id).id
                request_id = ""
            except repeat:
                self.repeated += 1


async def _of(future):
    return await future


async def more(starters, count):
    """Return once so many further starts were acknowledged."""
    want = len(starters.told) + count
    while len(starters.told) < want:
        await asyncio.sleep(0.002)


async def strike(proxy, fault):
    """Inflict a fault, once there are connections that it can meet."""
    while not await proxy.inflict(fault):
        await asyncio.sleep(0.005)


async def check(serving, starters):
    """Every start that was acknowledged is there, once, and there are no others."""
    async with Client(serving.address) as client:
        there = [workflow.workflow_id async for workflow in client.workflows()]
    assert len(there) == len(set(there)) == len(starters.told)
    assert sorted(starters.told.values()) == sorted(there)


async def test_starts_over_connections_that_are_cut_succeed_by_themselves(serving):
    await serving.up()
    dice = random.Random(SEED)
    async with Proxy(serving.address, random.Random(SEED)) as proxy, asyncio.timeout(HANG_SECONDS):
        starters = Starters(proxy.address, PATIENCE_SECONDS)
        running = asyncio.create_task(starters.run(()))
        for fault in TOLD * 10:
            await _any_of(more(starters, 5), running)
            await asyncio.sleep(dice.uniform(0, 0.02))
            await strike(proxy, fault)
        starters.stopping = True
        await running
    await check(serving, starters)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "drain"])
async def test_starts_across_restarts_succeed_by_themselves(serving, end):
    """A call that a drain's GOAWAY crosses may be cancelled by the server, which is no answer either."""
    server = await serving.up("--drain-seconds-max", "0.2")
    async with asyncio.timeout(HANG_SECONDS):
        starters = Starters(serving.address, PATIENCE_SECONDS)
        running = asyncio.create_task(starters.run(()))
        for _ in range(2):
            await _any_of(more(starters, 20), running)
            server.process.send_signal(end)
            await asyncio.to_thread(server.process.wait)
            server.kill()
            server = await serving.up("--drain-seconds-max", "0.2")
        await _any_of(more(starters, 20), running)
        starters.stopping = True
        await running
    await check(serving, starters)


async def test_starts_whose_answers_are_lost_may_be_repeated_with_the_same_request_id(serving):
    """Whether a call that nobody answers took effect is unknown to the caller, and does not matter."""
    await serving.up()
    async with Proxy(serving.address, random.Random(SEED)) as proxy, asyncio.timeout(HANG_SECONDS):
        starters = Starters(proxy.address, 0.5)
        running = asyncio.create_task(starters.run((TimedOut, Unavailable)))
        await _any_of(more(starters, 5), running)
        await strike(proxy, Fault.SILENCE_DOWN)
        await _any_of(more(starters, 5 + 2 * STARTERS), running)
        starters.stopping = True
        await running
    assert starters.repeated > 0
    await check(serving, starters)


async def _any_of(progress, running):
    """Wait for progress, unless all has ended with an error before."""
    waits = asyncio.ensure_future(progress)
    await asyncio.wait([waits, running], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        waits.cancel()
        await running
    await waits
