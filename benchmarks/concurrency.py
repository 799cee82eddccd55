"""What many workflows at once cost each of them: side by side against one after the other, and against the ideal."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle, islice

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_least, at_most, median
from benchmarks.graphs import step_seconds

LENGTHS = range(2, 9)
"""Steps of the seven workflows: mixed complexity."""

SECONDS = [length * step_seconds(length) for length in LENGTHS]
"""What each of them takes by itself, on a server that costs nothing."""

CROWDS = {15: at_most(0.1), 100: None}
"""How many at once, and the overhead over the ideal that is allowed."""

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Crowd:
    """What became of so many workflows at once, round after round."""

    seconds: list[float] = field(default_factory=list)
    succeeded: list[int] = field(default_factory=list)


async def measure(bench: Bench) -> list[Figure]:
    """The same seven one after the other and at once; then fifteen and a hundred at once."""
    in_turn: list[float] = []
    crowds = {size: Crowd() for size in (len(LENGTHS), *CROWDS)}
    async with bench.stretto() as stretto, Client(stretto.address) as client:
        users = _Users(client)
        await users.at_once(LENGTHS)
        for _ in range(ROUNDS):
            took, _ = await _timed(users.one_after_the_other(LENGTHS))
            in_turn.append(took)
            for size, crowd in crowds.items():
                took, succeeded = await _timed(users.at_once(list(islice(cycle(LENGTHS), size))))
                crowd.seconds.append(took)
                crowd.succeeded.append(succeeded)
    seven = crowds[len(LENGTHS)]
    ideal = sum(SECONDS) / max(SECONDS)
    speedup = median([turn / once for turn, once in zip(in_turn, seven.seconds, strict=True)])
    return [
        Figure("seven_in_turn", median(in_turn), "s"),
        Figure("seven_at_once", median(seven.seconds), "s"),
        Figure("seven_speedup_ideal", ideal, "x"),
        Figure("seven_speedup", speedup, "x", at_least(round(0.9 * ideal, 2))),
        *(figure for size in CROWDS for figure in _figures(size, crowds[size])),
    ]


def _figures(size: int, crowd: Crowd) -> list[Figure]:
    """How so many did, beside the ideal: the time of the longest one."""
    took, ideal = median(crowd.seconds), max(SECONDS)
    return [
        Figure(f"at_once_{size}_succeeded", min(crowd.succeeded), "", at_least(size)),
        Figure(f"at_once_{size}", took, "s"),
        Figure(f"at_once_{size}_overhead", (took - ideal) / ideal, "x", CROWDS[size]),
    ]


class _Users:
    """Each asks for one workflow, in a session of their own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids = (f"ses_{number}" for number in count())

    async def one_after_the_other(self, lengths: Sequence[int]) -> int:
        return sum([await self._succeeds(length) for length in lengths])

    async def at_once(self, lengths: Sequence[int]) -> int:
        return sum(await asyncio.gather(*(self._succeeds(length) for length in lengths)))

    async def _succeeds(self, length: int) -> bool:
        workflow_id = await self._client.start(f"steps_{length}", next(self._ids))
        return [event.WhichOneof("kind") async for event in self._client.watch(workflow_id)][-1] == "completed"


async def _timed(work: Awaitable[int]) -> tuple[float, int]:
    began = time.perf_counter()
    found = await work
    return time.perf_counter() - began, found
