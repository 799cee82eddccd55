"""What the branches of one fan-out share while they run in this process: the clock, turns, and how far each one is."""

import asyncio
import time
from collections import OrderedDict
from typing import Final

from langgraph.runtime import ExecutionInfo, get_runtime

ROUNDS_MAX: Final = 10_000
"""Rounds that are remembered. One is forgotten when its branches are joined or one of them breaks off."""
GATHERING_SECONDS: Final = 0.1
"""Time in which all branches of a round have started, of those that do."""


class Round:
    """One run of a fan-out, from its first branch on."""

    def __init__(self, seconds_max: float) -> None:
        self.began = time.monotonic()
        self.ends_at = self.began + seconds_max
        self.last_ended = self.began
        self._started: dict[str, float] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._fractions: dict[str, float] = {}
        self._told = 0.0

    def turns(self, source: str, concurrency_max: int) -> asyncio.Semaphore:
        """The turns at a source."""
        return self._turns.setdefault(source, asyncio.Semaphore(concurrency_max))

    def enter(self, key: str) -> None:
        """Count a branch, before its turn."""
        self._fractions.setdefault(key, 0.0)

    def start(self, key: str) -> float:
        """When a branch had its first turn."""
        return self._started.setdefault(key, time.monotonic())

    def end(self, key: str) -> float:
        """Count a branch as over, and say how long it took."""
        self._fractions[key] = 1.0
        self.last_ended = time.monotonic()
        return self.last_ended - self._started.get(key, self.last_ended)

    def share(self, key: str, fraction: float, branches: int) -> float | None:
        """How much of all the branches is done, now that one is so far. It never goes back.

        Those that do not come to this process were over before it took the workflow up; that is known a moment later.
        """
        self._fractions[key] = fraction
        if len(self._fractions) < branches and time.monotonic() < self.began + GATHERING_SECONDS:
            return None
        over = max(branches - len(self._fractions), 0)
        self._told = max(self._told, (over + sum(self._fractions.values())) / max(branches, 1))
        return self._told


class Rounds:
    """The rounds of one fan-out that are under way in this process."""

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._known: OrderedDict[str, Round] = OrderedDict()

    def of(self, round_id: str) -> Round:
        """A round, which begins with the first branch that asks for it."""
        known = self._known.get(round_id)
        if known is None:
            known = self._known[round_id] = Round(self._seconds_max)
            if len(self._known) > ROUNDS_MAX:
                self._known.popitem(last=False)
        return known

    def forget(self, round_id: str) -> float:
        """Forget a round, and say how many seconds it took; 0 when it was in another process."""
        known = self._known.pop(round_id, None)
        return 0.0 if known is None else known.last_ended - known.began


def execution() -> ExecutionInfo:
    """What LangGraph knows of the node around the caller."""
    info = get_runtime().execution_info
    assert info is not None, "LangGraph tells it to every node"
    return info


def round_of(info: ExecutionInfo) -> str:
    """Which round a node belongs to: all branches start from one checkpoint, which a retried workflow has as well."""
    return f"{info.thread_id or ''}/{info.checkpoint_id}"


def thread_of(round_id: str) -> str:
    """The thread of a round. A retry of a workflow has a thread of its own; one that goes on has not."""
    return round_id.rpartition("/")[0]
