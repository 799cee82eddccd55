"""The sweep, over a store that only has a queue."""

import asyncio
from typing import Any, cast

from stretto.server.cluster import sweep as module
from stretto.server.cluster.sweep import Sweep
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.member import Owned
from stretto.server.domain.workflow import Status
from stretto.server.store.port import Unfinished

PAGE = 2


class Waiting:
    """A store in which some workflows wait, and queues that say when they have room."""

    def __init__(self, count: int) -> None:
        self.rows = [
            Unfinished("p", f"wf_{number}", "t", "1", "", Status.QUEUED, number, 0, 0) for number in range(count)
        ]
        self.pages = 0
        self.hints: list[str] = []
        self.room = asyncio.Semaphore(0)
        self.connected = True

    async def queued(self, limit: int, after: Any = None, *, updated_before: int = 0) -> tuple[Unfinished, ...]:
        assert not updated_before
        self.pages += 1
        start = 0 if after is None else after[1] + 1
        return tuple(self.rows[start : start + limit])

    def hint(self, queued: Unfinished) -> bool:
        self.hints.append(queued.workflow_id)
        return True

    async def has_room(self) -> bool:
        await self.room.acquire()
        return self.connected


def sweep_of(waiting: Waiting, monkeypatch: Any) -> Sweep:
    monkeypatch.setattr(module, "PAGE", PAGE)
    unused = cast("Any", None)
    return Sweep(
        cast("Any", waiting), SystemClock(), recover=unused, expire=unused, hint=waiting.hint, has_room=waiting.has_room
    )


async def test_queues_are_filled_no_faster_than_they_have_room(monkeypatch):
    waiting = Waiting(5)
    filling = asyncio.create_task(sweep_of(waiting, monkeypatch).sow_all())
    waiting.room.release()
    while not waiting.hints:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert waiting.hints == ["wf_0", "wf_1"]
    waiting.room.release()
    waiting.room.release()
    await filling
    assert waiting.hints == [f"wf_{number}" for number in range(5)]


async def test_who_loses_hints_while_queues_are_filled_has_them_filled_once_more_and_not_twice_at_once(monkeypatch):
    waiting = Waiting(3)
    sweep = sweep_of(waiting, monkeypatch)
    filling = asyncio.create_task(sweep.sow_all())
    waiting.room.release()
    while not waiting.hints:
        await asyncio.sleep(0)
    await asyncio.gather(sweep.sow_all(), sweep.sow_all(), sweep.sow_all())
    assert waiting.pages == 1
    for _ in range(10):
        waiting.room.release()
    await filling
    assert waiting.hints[-3:] == ["wf_0", "wf_1", "wf_2"]
    assert waiting.pages <= 4


async def test_queues_that_are_away_are_not_filled(monkeypatch):
    waiting = Waiting(3)
    waiting.connected = False
    waiting.room.release()
    await sweep_of(waiting, monkeypatch).sow_all()
    assert waiting.pages == 0


async def test_a_workflow_that_cannot_be_taken_back_holds_up_no_other(monkeypatch: Any) -> None:
    taken: list[str] = []

    class Adrift:
        async def adrift(self, _: int) -> tuple[Owned, ...]:
            return tuple(Owned("p", name, 1, cancel_requested=False) for name in ("wf_odd", "wf_good"))

    async def recover(owned: Owned) -> None:
        if owned.workflow_id == "wf_odd":
            raise ValueError("a row that no code of ours wrote")
        taken.append(owned.workflow_id)

    unused = cast("Any", None)
    sweep = Sweep(cast("Any", Adrift()), SystemClock(), recover=recover, expire=unused, hint=unused, has_room=unused)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    await sweep.take_back()
    assert taken == ["wf_good"]
