"""Queues of which Redis, or a process, was lost for a while."""

import asyncio
import sys
import time
from typing import Any

import pytest
from docket import Worker
from docket.execution import Execution
from redis import exceptions as redis_errors
from structlog.testing import capture_logs

from stretto.server.cluster._acknowledging import Acknowledging
from stretto.server.cluster._serving import Serving
from stretto.server.domain.clock import SECOND
from stretto.server.domain.errors import StoreUnavailable
from tests.unit.cluster.queueing import (
    LEASE_SECONDS,
    Handler,
    has_depth,
    intruder,
    is_connected,
    lots_of_room,
    opened,
    until,
)
from tools.services.redis import RedisService, redis_service


async def test_handled_tasks_leave_nothing_behind_in_redis(redis: RedisService) -> None:
    handled = Handler()

    async def twice_each(key: str) -> None:
        await handled(key)
        if handled.keys.qsize() <= 10:
            raise RuntimeError("A handler's own fault.")

    # A lease in which nobody sweeps away what was left.
    async with opened(redis.url, lease_seconds=60) as queues, intruder(redis) as client:
        with capture_logs():
            queues.serve("a", lots_of_room, twice_each)
            for number in range(10):
                queues.put("a", str(number))

            async def all_twice() -> bool:
                return handled.keys.qsize() == 20

            await until(all_twice)
        await has_depth(queues, 0)
        await queues.stop_serving()
        left = {key.decode() for key in await client.keys("test:a:*")}
        pending = await client.xpending("test:a:stream", "docket-workers")

    assert not [key for key in left if ":runs:" in key or ":progress:" in key]
    assert pending["pending"] == 0


async def test_serving_stops_only_when_redis_was_told_what_was_handled(
    redis: RedisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled, may_tell, told = Handler(), asyncio.Event(), asyncio.Event()
    leave, remove = Worker.__aexit__, Acknowledging._remove

    async def left(self: Worker, *raised: Any) -> None:
        await leave(self, *raised)
        may_tell.set()

    async def late(self: Acknowledging, handled: list[tuple[Execution, bool]]) -> None:
        await may_tell.wait()
        await remove(self, handled)
        told.set()

    monkeypatch.setattr(Worker, "__aexit__", left)
    monkeypatch.setattr(Acknowledging, "_remove", late)
    async with opened(redis.url) as queues:
        queues.serve("a", lots_of_room, handled)
        queues.put("a", "key")
        await handled.key()
        await queues.stop_serving()

        assert told.is_set()


async def test_a_handled_task_of_which_redis_did_not_hear_comes_again(
    redis: RedisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = Handler()

    async def not_heard(_self: object, _handled: object) -> None:
        monkeypatch.undo()
        raise redis_errors.ConnectionError

    async with opened(redis.url) as queues:
        monkeypatch.setattr(Acknowledging, "_remove", not_heard)
        queues.serve("a", lots_of_room, handled)
        queues.put("a", "key")

        assert [await handled.key(), await handled.key()] == ["key", "key"]
        await has_depth(queues, 0)


async def test_what_redis_handed_out_in_an_answer_that_was_lost_is_not_waited_for(redis: RedisService) -> None:
    handled = Handler()
    # A lease that would not end in time.
    async with opened(redis.url, "member", 60) as queues, intruder(redis) as client:
        queues.put("a", "key")
        await has_depth(queues, 1)
        await client.xgroup_create("test:a:stream", "docket-workers", "0-0")
        assert await client.xreadgroup("docket-workers", "member", {"test:a:stream": ">"})
        queues.serve("a", lots_of_room, handled)

        assert await handled.key() == "key"


async def test_who_cannot_put_a_task_back_goes_on_with_others(
    redis: RedisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docket's loop would end, and only then begin anew."""
    handled, loops, loop = Handler(), [], Worker._worker_loop

    async def handle(key: str) -> None:
        await handled(key)
        if key == "bad":
            raise StoreUnavailable

    async def away(_self: object, _key: str) -> None:
        raise redis_errors.ConnectionError

    async def counted(self: Worker, *how: Any, **more: Any) -> None:
        loops.append(self)
        await loop(self, *how, **more)

    monkeypatch.setattr(Worker, "_worker_loop", counted)
    monkeypatch.setattr(Serving, "_put_back", away)
    async with opened(redis.url) as queues:
        queues.serve("a", lots_of_room, handle)
        queues.put("a", "bad")
        assert [await handled.key(), await handled.key()] == ["bad", "bad"]  # Again after its lease.
        queues.put("a", "good")
        while await handled.key() != "good":
            pass

    assert len(loops) == 1


TAKER = """
import asyncio, sys
from stretto.server.cluster import _sending
from stretto.server.cluster.queues import Queues

async def main():
    queues = Queues(sys.argv[1], prefix="test", member_id="taker", lease_seconds=float(sys.argv[2]))
    await queues.open()

    async def take(key):
        print(key, flush=True)
        await asyncio.Event().wait()

    queues.serve("a", lambda: 1, take)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_a_killed_process_had_goes_to_another(redis: RedisService) -> None:
    handled = Handler()
    async with opened(redis.url) as queues:
        queues.put("a", "key")
        command = (sys.executable, "-c", TAKER, redis.url, str(LEASE_SECONDS))
        taker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert taker.stdout is not None
        while not (await taker.stdout.readline()).startswith(b"key"):
            pass
        queues.serve("a", lots_of_room, handled)
        taker.kill()
        await taker.wait()

        assert await handled.key() == "key"


async def test_it_is_noticed_that_redis_was_emptied(redis: RedisService) -> None:
    lost, handled = asyncio.Event(), Handler()
    async with opened(redis.url, "one") as one, opened(redis.url, "two") as two:
        one.serve("a", lots_of_room, handled)
        one.put("a", "before")
        await handled.key()
        for queues in (one, two):
            lost.clear()
            queues.on_loss(lost.set)
            redis.flush()
            async with asyncio.timeout(10):
                await lost.wait()

        two.put("a", "after")
        assert await handled.key() == "after"


async def test_nobody_is_told_of_a_loss_when_nothing_is_lost(redis: RedisService) -> None:
    losses = []
    async with opened(redis.url) as queues:
        queues.on_loss(lambda: losses.append(None))
        handled = Handler()
        queues.serve("a", lots_of_room, handled)
        # Several looks long.
        queues.put("a", "key", at=time.time_ns() // 1_000 + 2 * SECOND)
        await handled.key()

    assert not losses


async def test_without_redis_it_opens_and_works_when_redis_comes() -> None:
    lost, handled = asyncio.Event(), Handler()
    with redis_service() as service:
        service.stop()
        async with opened(service.url) as queues:
            queues.on_loss(lost.set)
            queues.serve("a", lots_of_room, handled)
            queues.put("a", "dropped")
            assert not queues.connected
            service.start()
            async with asyncio.timeout(10):
                await lost.wait()
            queues.put("a", "key")

            assert await handled.key() == "key"


@pytest.mark.parametrize("how", ["restart", "freeze"])
async def test_serving_goes_on_after_redis_was_away(how: str) -> None:
    lost, handled = asyncio.Event(), Handler()
    with redis_service() as service:
        async with opened(service.url) as queues:
            queues.on_loss(lost.set)
            queues.serve("a", lots_of_room, handled)
            queues.put("a", "before")
            await handled.key()
            if how == "restart":
                service.restart()
            else:
                service.freeze()
                await is_connected(queues, wanted=False)
                queues.put("a", "dropped")
                service.thaw()
            async with asyncio.timeout(10):
                await lost.wait()
            queues.put("a", "after")

            assert await handled.key() == "after"


async def test_it_closes_while_redis_hangs() -> None:
    with redis_service() as service:
        async with opened(service.url) as queues:
            queues.serve("a", lots_of_room, Handler())
            service.freeze()
            queues.put("a", "key")
