"""One run: watchers of long workflows, whose connections are cut again and again, and whose server is killed."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from benchmarks._processes import Service, free_address, stretto_argv
from benchmarks.chaos.proxy import BREAKING, TOLD, Fault, Proxy
from stretto.client import Client, ClientSync, Watch, WatchSync
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

WORKFLOWS = 6
"""Each has a watcher of each kind, over a proxy of its own."""

SILENCE_SECONDS_MAX = 0.8
SERVER_FLAGS = ("--bookmark-seconds", "0.1", "--drain-seconds-max", "0.2", "--crashes-max", "1000")
RECONNECT = (("grpc.max_reconnect_backoff_ms", 200),)

STALL_SECONDS_MAX = 60.0
"""A watcher without an event for so long hangs. A killed server is back within seconds, on a busy machine too."""

RANDOM_SECONDS_MAX = 0.1

MIX = (*BREAKING, *TOLD, *TOLD)
"""How often each fault comes: what takes a second to be noticed is rarer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How often to cut, how often to kill, and by which dice."""

    cuts: int
    kills: int
    seed: int
    directory: Path


@dataclass(eq=False)
class Watcher:
    """What one watcher saw, and over what."""

    name: str
    workflow_id: str
    proxy: Proxy
    watch: "Watch | WatchSync"
    events: list[bytes] = field(default_factory=list)
    done: bool = False
    moment: float = field(default_factory=time.monotonic)
    longest_wait: float = 0.0

    def take(self, event: ProgressEvent) -> None:
        """Note an event, and how long it was waited for."""
        now = time.monotonic()
        self.longest_wait = max(self.longest_wait, now - self.moment)
        self.moment = now
        self.events.append(_bytes(event))

    async def follow(self, threads: Executor) -> None:
        """Watch to the end, on the loop or in a thread."""
        if isinstance(self.watch, WatchSync):
            await asyncio.get_running_loop().run_in_executor(threads, self._follow_blocking, self.watch)
        else:
            async for event in self.watch:
                self.take(event)
        self.done = True

    def _follow_blocking(self, watch: WatchSync) -> None:
        for event in watch:
            self.take(event)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind."""

    watchers: tuple[Watcher, ...]
    journals: dict[str, list[ProgressEvent]]
    """What an unbroken watch of each workflow gave afterwards, by a plain stub."""
    faults: Counter[Fault]
    """How often each met a connection over which a watcher was getting events."""
    kills: int
    """How often the server was killed while watchers were getting events."""

    @property
    def cuts(self) -> int:
        """How often a connection was broken; a slow one is none."""
        return self.faults.total() - self.faults[Fault.TRICKLE]


class Hung(AssertionError):
    """Somebody waited for too long."""


class _Run:
    """The server, the watchers, and what happens to them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.faults: Counter[Fault] = Counter()
        self.kills = 0
        self._address = free_address()
        self._dice = random.Random(plan.seed)
        self._until = plan.directory / "enough"
        self._stack = contextlib.AsyncExitStack()

    async def run(self) -> Outcome:
        """Everything, in its order."""
        async with self._stack:
            threads = self._stack.enter_context(ThreadPoolExecutor(WORKFLOWS))
            service = await self._start()
            ids = [await self._start_talk() for _ in range(WORKFLOWS)]
            watchers = [await self._watcher(workflow_id, kind) for workflow_id in ids for kind in (Client, ClientSync)]
            async with asyncio.TaskGroup() as group:
                follows = [group.create_task(watcher.follow(threads)) for watcher in watchers]
                stalls = group.create_task(self._watch_for_stalls(watchers))
                async with asyncio.TaskGroup() as harm:
                    harm.create_task(self._kill_again_and_again(service, watchers))
                    for number, watcher in enumerate(watchers):
                        harm.create_task(self._cut_again_and_again(watcher, number, len(watchers)))
                self._until.touch()
                await asyncio.wait(follows)
                stalls.cancel()
            journals = {workflow_id: await self._journal(workflow_id) for workflow_id in ids}
        return Outcome(tuple(watchers), journals, self.faults, self.kills)

    async def _start(self) -> Service:
        argv = stretto_argv(self._address, self.plan.directory / "cuts.db", "benchmarks.chaos.app:app")
        service = Service([*argv, *SERVER_FLAGS], self._address, self.plan.directory / "server.log")
        self._stack.callback(service.kill)
        await service.ready()
        return service

    async def _start_talk(self) -> str:
        async with Client(self._address) as client:
            return (await client.start("talk", {"until": str(self._until)})).id

    async def _watcher(self, workflow_id: str, kind: "type[Client | ClientSync]") -> Watcher:
        proxy = await self._stack.enter_async_context(Proxy(self._address, random.Random(self._dice.random())))
        client: Any = kind(proxy.address, silence_seconds_max=SILENCE_SECONDS_MAX, options=RECONNECT)
        # Whatever went wrong, a thread that still waits ends with it.
        self._stack.push_async_callback(client.close) if kind is Client else self._stack.callback(client.close)
        return Watcher(f"{kind.__name__} {workflow_id}", workflow_id, proxy, client.handle(workflow_id).watch())

    async def _cut_again_and_again(self, watcher: Watcher, number: int, count: int) -> None:
        """This watcher's part of the cuts, each at a random moment while events come in."""
        dice = random.Random(f"{self.plan.seed} {number}")
        faults = [MIX[cut % len(MIX)] for cut in range(number, self.plan.cuts, count)]
        dice.shuffle(faults)
        for fault in (Fault.TRICKLE, *faults):
            while not await self._inflict(fault, watcher, dice):
                pass  # The server was down just then, or a kill came before the fault had its effect.
            self.faults[fault] += 1

    async def _inflict(self, fault: Fault, watcher: Watcher, dice: random.Random) -> bool:
        """Wait for events of a connection that is alive, and break it; False when it was not alive any more."""
        await self._progress(watcher)
        await asyncio.sleep(dice.uniform(0, RANDOM_SECONDS_MAX))
        breaks = watcher.watch.breaks
        if not await watcher.proxy.inflict(fault):
            return False
        if fault is Fault.TRICKLE:
            return True
        told = f"{watcher.name} has not noticed: {fault.value}"
        await _until(lambda: watcher.watch.breaks > breaks or watcher.proxy.live, told)
        return watcher.watch.breaks > breaks

    async def _kill_again_and_again(self, service: Service, watchers: list[Watcher]) -> None:
        """Kill the server with all that belongs to it, while watchers get events."""
        dice = random.Random(f"{self.plan.seed} kills")
        for number in range(self.plan.kills):
            await asyncio.gather(*(self._progress(watcher) for watcher in watchers[number % 2 :: 2]))
            await asyncio.sleep(dice.uniform(0, RANDOM_SECONDS_MAX))
            service.kill()
            self.kills += 1
            service = await self._start()

    async def _progress(self, watcher: Watcher) -> None:
        """Return once a watcher has got a few more events over a connection that is alive."""
        want = len(watcher.events) + 3
        await _until(lambda: len(watcher.events) >= want and watcher.proxy.live, f"no events for {watcher.name}")

    async def _watch_for_stalls(self, watchers: list[Watcher]) -> None:
        while True:
            await asyncio.sleep(1)
            for watcher in watchers:
                if time.monotonic() - watcher.moment > STALL_SECONDS_MAX and not watcher.done:
                    raise Hung(f"{watcher.name} hangs after event {watcher.watch.last_sequence}")

    async def _journal(self, workflow_id: str) -> list[ProgressEvent]:
        """All events by one call over one connection, without any of our client."""
        async with grpc.aio.insecure_channel(self._address) as channel:
            request = api.WatchProgressRequest(workflow_id=workflow_id)
            stream = WorkflowServiceStub(channel).WatchProgress(request, timeout=STALL_SECONDS_MAX)
            return [response.event async for response in stream if response.HasField("event")]


async def run(plan: Plan) -> Outcome:
    """Cut and kill as planned, let the workflows end, and collect what everybody saw."""
    return await _Run(plan).run()


def check(outcome: Outcome) -> list[str]:
    """What is wrong: every watcher gets each event once, in order, up to the terminal one, as it is in the journal."""
    wrong = [fault for watcher in outcome.watchers for fault in _faults(watcher, outcome.journals[watcher.workflow_id])]
    for workflow_id, journal in outcome.journals.items():
        if [event.sequence for event in journal] != list(range(1, len(journal) + 1)):
            wrong.append(f"{workflow_id}: its journal has gaps")
        if not journal or not journal[-1].HasField("completed"):
            wrong.append(f"{workflow_id}: its journal has no end")
    return wrong


def _faults(watcher: Watcher, journal: list[ProgressEvent]) -> list[str]:
    stored = [_bytes(event) for event in journal]
    if watcher.events == stored:
        return []
    odd = next((at for at, pair in enumerate(zip(watcher.events, stored, strict=False), 1) if pair[0] != pair[1]), 0)
    return [f"{watcher.name}: {len(watcher.events)} of {len(stored)} events, the first wrong one is {odd or 'missing'}"]


def _bytes(event: ProgressEvent) -> bytes:
    return event.SerializeToString(deterministic=True)


async def _until(condition: Callable[[], object], told: str) -> None:
    """Return once a condition holds that threads bring about, or raise Hung."""
    deadline = time.monotonic() + STALL_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise Hung(told)
        await asyncio.sleep(0.005)
