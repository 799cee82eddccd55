"""One run: a server that is killed again and again, callers that never stop, and then the reckoning."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks._processes import Service, free_address, stretto_argv
from benchmarks.chaos.client import Caller, Habits
from benchmarks.chaos.ledgers import ClientLog, Ledgers, read_effects, read_rows

CALLERS = 16
LIFE_SECONDS_MAX = 1.0
EARLY_SHARE = 0.15
FINISH_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How often to kill, and by which dice."""

    kills: int
    seed: int
    directory: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind."""

    ledgers: Ledgers
    kills: int
    ready_seconds: tuple[float, ...]
    exit_code: int


class _Server:
    """The server under test: always on the same address and file."""

    def __init__(self, directory: Path) -> None:
        self.address = free_address()
        self.store = directory / "chaos.db"
        self._log = directory / "server.log"
        self.ready_seconds: list[float] = []

    def spawn(self) -> Service:
        """Start it, ready or not."""
        return Service(stretto_argv(self.address, self.store, "benchmarks.chaos.app:app"), self.address, self._log)

    async def start(self) -> Service:
        """Start it and wait until it is ready."""
        began = time.monotonic()
        service = self.spawn()
        try:
            await service.ready()
        except BaseException:
            service.kill()
            raise
        self.ready_seconds.append(time.monotonic() - began)
        return service


async def run(plan: Plan) -> Outcome:
    """Kill as planned, let the callers come to an end, stop the server and collect the ledgers."""
    dice, log = random.Random(plan.seed), ClientLog()
    effects = plan.directory / "effects.jsonl"
    server = _Server(plan.directory)
    callers = [
        Caller([server.address], Habits(str(effects)), log, random.Random(dice.random())) for _ in range(CALLERS)
    ]
    tasks = [asyncio.create_task(caller.run()) for caller in callers]
    try:
        await _kill_again_and_again(server, plan.kills, dice)
        service = await server.start()
        try:
            await finish(callers, tasks, log, FINISH_SECONDS_MAX)
            exit_code = await asyncio.to_thread(service.stop)
        finally:
            service.kill()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Outcome(
        Ledgers(log, read_effects(effects), read_rows(server.store)), plan.kills, tuple(server.ready_seconds), exit_code
    )


async def _kill_again_and_again(server: _Server, kills: int, dice: random.Random) -> None:
    """Most lives end at a random moment of work, some while the server is still starting."""
    for number in range(1, kills + 1):
        if server.ready_seconds and dice.random() < EARLY_SHARE:
            service = server.spawn()
            await asyncio.sleep(dice.uniform(0, server.ready_seconds[-1]))
        else:
            service = await server.start()
            await asyncio.sleep(dice.uniform(0, LIFE_SECONDS_MAX))
        service.kill()
        if not number % 25:
            print(f"{number} of {kills} kills", flush=True)


async def finish(callers: list[Caller], tasks: list[asyncio.Task[None]], log: ClientLog, seconds_max: float) -> None:
    """Let every workflow that was begun come to its end."""
    for caller in callers:
        caller.stopping = True
    _, unfinished = await asyncio.wait(tasks, timeout=seconds_max)
    log.refused += [f"a caller still waits after {seconds_max:.0f} s" for _ in unfinished]
    for task in set(tasks) - unfinished:
        task.result()
    for caller in callers:
        await caller.close()
