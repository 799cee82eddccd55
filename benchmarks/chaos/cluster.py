"""One run over a cluster: members and services that are hit again and again, callers that never stop, the reckoning."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from benchmarks.chaos.checker import check
from benchmarks.chaos.client import Caller, Habits
from benchmarks.chaos.database import Cut
from benchmarks.chaos.faults import Faults
from benchmarks.chaos.fleet import Fleet, Shape
from benchmarks.chaos.ledgers import ClientLog, Ledgers, read_effects, read_rows_of_postgres
from benchmarks.chaos.run import finish
from benchmarks.chaos.services import service

CALLERS = 16
BETWEEN_SECONDS_MAX = 1.6
"""Longest time from one fault to the next one."""

LIFE_SECONDS_MAX = 10.0
"""Time in which callers should see something new; after it the next fault comes anyway."""

LOOK_SECONDS = 0.05
EFFECTS = "effects.jsonl"
ATTEMPTS_MAX = 8
"""Faults after which a rule that was to be broken is taken for kept."""

FINISH_SECONDS_MAX = 60.0
"""Time in which every workflow must have ended once the faults are over."""

REFUSED = "stale_write_refused"
TAKEN_OVER = "workflow_taken_over"
"""Log lines of members."""

TOLD_TO_WAIT = frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED})


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """How many faults, by which dice, on what, by whom it is used."""

    faults: int
    seed: int
    directory: Path
    shape: Shape = field(default_factory=Shape)
    callers: int = CALLERS
    between_seconds_max: float = BETWEEN_SECONDS_MAX
    pause: float = 0.25
    """Longest pause in a step, of two."""
    kinds: tuple[str, ...] = ()
    """Kinds of faults; all when empty."""
    provoked_max: int = 5
    """How often a worker is frozen at most, after the other faults, until a stale write is seen."""
    until_broken: str = ""
    """A rule: faults go on until it is broken, but not for ever, instead of for a number of times."""
    starts_min: int = 1
    """Acknowledged starts before which the run does not end."""
    finish_seconds_max: float = FINISH_SECONDS_MAX


@dataclass(frozen=True, slots=True)
class ClusterOutcome:
    """What a run left behind."""

    ledgers: Ledgers
    faults: Counter[str]
    cuts: Counter[Cut]
    ready_seconds: tuple[float, ...]
    failed_starts: int
    finish_seconds: float
    exit_codes: tuple[int, ...]
    refused_writes: int
    takeovers: int


async def run(plan: ClusterPlan) -> ClusterOutcome:
    """Inflict faults as planned, let the callers come to an end, stop all members and collect the ledgers."""
    dice, log = random.Random(plan.seed), ClientLog()
    effects = plan.directory / EFFECTS
    with service("postgres") as postgres, service("redis") as redis:
        async with Fleet(plan.shape, plan.directory, postgres, redis, dice) as fleet:
            habits = Habits(str(effects), plan.pause, cut_share=0.1, told_to_wait=TOLD_TO_WAIT)
            callers = [Caller(fleet.addresses, habits, log, random.Random(dice.random())) for _ in range(plan.callers)]
            faults = Faults(fleet, plan.shape.lease_seconds, dice, plan.kinds)
            async with _calling(callers) as tasks:
                if plan.until_broken:
                    await _break(faults, plan, postgres.url, log)
                else:
                    await _inflict(faults, plan, dice, log)
                    await _provoke(fleet, faults, plan)
                while len(log.acknowledged) < plan.starts_min:  # noqa: ASYNC110 - Callers tell nobody.
                    await asyncio.sleep(LOOK_SECONDS)
                finish_seconds = await _finish(fleet, callers, tasks, log, plan.finish_seconds_max)
            exit_codes = await asyncio.gather(*[member.end() for member in fleet.members])
            log.refused += [death for member in fleet.members for death in member.deaths]
        rows = await read_rows_of_postgres(postgres.url)
    return ClusterOutcome(
        Ledgers(log, read_effects(effects), rows, tuple(faults.pauses)),
        faults.count,
        Counter(cut for proxy in fleet.proxies for cut in proxy.cuts),
        tuple(seconds for member in fleet.members for seconds in member.ready_seconds),
        sum(member.failed_starts for member in fleet.members),
        finish_seconds,
        tuple(exit_codes),
        fleet.logged(REFUSED),
        fleet.logged(TAKEN_OVER),
    )


@contextlib.asynccontextmanager
async def _calling(callers: list[Caller]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(caller.run()) for caller in callers]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _inflict(faults: Faults, plan: ClusterPlan, dice: random.Random, log: ClientLog) -> None:
    try:
        for number in range(1, plan.faults + 1):
            await asyncio.sleep(dice.uniform(0, plan.between_seconds_max))
            await _life(log)
            await faults.inflict()
            if not number % 25:
                print(f"{number} of {plan.faults} faults", flush=True)
        await faults.over()
    finally:
        await faults.break_off()


async def _life(log: ClientLog) -> None:
    """Wait until callers see something new: faults that hit nobody at work would count for nothing."""
    seen = len(log.seen)
    try:
        async with asyncio.timeout(LIFE_SECONDS_MAX):
            while len(log.seen) == seen:  # noqa: ASYNC110 - Callers tell nobody.
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        return


async def _break(faults: Faults, plan: ClusterPlan, url: str, log: ClientLog) -> None:
    """Inflict faults, if any, until a rule is broken, as far as the ledgers tell by now."""
    try:
        for _ in range(ATTEMPTS_MAX):
            await asyncio.sleep(plan.between_seconds_max)
            if plan.kinds:
                await faults.inflict()
                await faults.over()
            rows = await read_rows_of_postgres(url)
            if check(Ledgers(log, read_effects(plan.directory / EFFECTS), rows))[plan.until_broken]:
                return
    finally:
        await faults.break_off()


async def _provoke(fleet: Fleet, faults: Faults, plan: ClusterPlan) -> None:
    """Freeze workers until one has tried to write what was not its own any more: zero accepted says little else."""
    attempts = plan.provoked_max if fleet.workers else 0
    while attempts and not fleet.logged(REFUSED):
        await faults.freeze_worker()
        attempts -= 1


async def _finish(
    fleet: Fleet, callers: list[Caller], tasks: list[asyncio.Task[None]], log: ClientLog, seconds_max: float
) -> float:
    """Let every workflow come to its end now that all works again; how long that takes."""
    began = time.monotonic()
    await finish(callers, tasks, log, seconds_max)
    seconds = time.monotonic() - began
    await asyncio.gather(*[member.ready() for member in fleet.members])
    return seconds
