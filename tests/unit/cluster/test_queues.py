"""Queues, over a real Redis."""

import asyncio
import pickle
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from docket import Worker
from docket.execution import Execution
from redis import exceptions as redis_errors
from structlog.testing import capture_logs

from stretto.server.cluster import _sending
from stretto.server.cluster._acknowledging import Acknowledging
from stretto.server.cluster._serving import Serving
from stretto.server.cluster.queues import Queues
from stretto.server.domain.clock import SECOND
from stretto.server.domain.errors import StoreUnavailable
from tools.services.redis import RedisService, redis_service

LEASE_SECONDS = 1.0
FAR = 4_000_000_000 * SECOND


class Handler:
    """Keeps the keys that it is given."""

    def __init__(self) -> None:
        self.keys: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, key: str) -> None:
        self.keys.put_nowait(key)

    async def key(self) -> str:
        async with asyncio.timeout(10):
            return await self.keys.get()


@asynccontextmanager
async def opened(url: str, member_id: str = "member", lease_seconds: float = LEASE_SECONDS) -> AsyncGenerator[Queues]:
    queues = Queues(url, prefix="test", member_id=member_id, lease_seconds=lease_seconds)
    await queues.open()
    try:
        yield queues
    finally:
        await queues.close()


def lots_of_room() -> int:
    return 100


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await met():
            await asyncio.sleep(0.01)


async def has_depth(queues: Queues, depth: int) -> None:
    async def met() -> bool:
        return await queues.depth("a") == depth

    await until(met)


async def is_connected(queues: Queues, *, wanted: bool = True) -> None:
    async def met() -> bool:
        return queues.connected is wanted

    await until(met)


async def test_what_is_put_into_a_queue_is_handled_by_one_of_those_who_serve_it(redis: RedisService) -> None:
    handled = Handler()
    async with opened(redis.url, "one") as one, opened(redis.url, "two") as two:
        one.serve("a", lots_of_room, handled)
        two.serve("a", lots_of_room, handled)
        for number in range(20):
            one.put("a", f"key {number}")

        assert {await handled.key() for _ in range(20)} == {f"key {number}" for number in range(20)}
        await has_depth(one, 0)
        assert handled.keys.empty()


async def test_queues_are_apart(redis: RedisService) -> None:
    handled = Handler()
    async with opened(redis.url) as queues:
        queues.put("b", "of b")
        queues.put("a", "of a")
        queues.serve("a", lots_of_room, handled)

        assert await handled.key() == "of a"
        assert await queues.depth("b") == 1


async def test_a_key_is_in_its_queue_once(redis: RedisService) -> None:
    async with opened(redis.url, "one") as one, opened(redis.url, "two") as two:
        one.put("a", "key")
        await has_depth(one, 1)
        two.put("a", "key")
        two.put("a", "another")
        await has_depth(one, 2)


async def test_a_key_that_is_not_due_yet_can_be_taken_out(redis: RedisService) -> None:
    handled = Handler()
    async with opened(redis.url) as queues:
        queues.put("a", "far", FAR)
        queues.put("a", "further", FAR)
        await has_depth(queues, 2)
        queues.drop("a", "far")
        queues.drop("a", "never there")
        await has_depth(queues, 1)
        queues.put("a", "far")
        queues.serve("a", lots_of_room, handled)
        assert await handled.key() == "far"


async def test_a_key_that_is_being_handled_is_not_put_again(redis: RedisService) -> None:
    handled, over = Handler(), asyncio.Event()

    async def handle(key: str) -> None:
        await handled(key)
        await over.wait()

    async with opened(redis.url) as queues:
        queues.serve("a", lots_of_room, handle)
        queues.put("a", "key")
        await handled.key()
        queues.put("a", "key")
        queues.put("a", "another")

        assert await handled.key() == "another"
        over.set()
        await has_depth(queues, 0)
        queues.put("a", "key")
        assert await handled.key() == "key"


async def test_without_room_nothing_is_taken(redis: RedisService) -> None:
    handled, asked, room = Handler(), asyncio.Semaphore(0), 0

    def none_yet() -> int:
        asked.release()
        return room

    async with opened(redis.url) as queues:
        queues.put("a", "key")
        await has_depth(queues, 1)
        queues.serve("a", none_yet, handled)
        async with asyncio.timeout(10):
            for _ in range(20):
                await asked.acquire()
        assert handled.keys.empty()
        room = 1

        assert await handled.key() == "key"


async def test_no_more_is_taken_than_there_is_room_for(redis: RedisService) -> None:
    """Also while Redis is still being told who has a task, when whoever counts has not heard of it yet."""
    under_way, most, handled = 0, 0, Handler()

    async def handle(key: str) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        await handled(key)

    async with opened(redis.url) as queues:
        for number in range(100):
            queues.put("a", str(number))
        await has_depth(queues, 100)
        queues.serve("a", lambda: 3 - under_way, handle)
        for _ in range(100):
            await handled.key()

    assert most == 3


async def test_a_key_for_later_comes_later(redis: RedisService) -> None:
    handled = Handler()
    async with opened(redis.url) as queues:
        queues.serve("a", lots_of_room, handled)
        queues.put("a", "far", at=SECOND * 10**18)
        at = time.time_ns() // 1_000 + SECOND
        queues.put("a", "later", at=at)
        queues.put("a", "past", at=1)
        queues.put("a", "now")

        assert {await handled.key(), await handled.key()} == {"now", "past"}
        assert await handled.key() == "later"
        assert time.time_ns() // 1_000 >= at
        await has_depth(queues, 1)


async def test_a_key_of_which_the_handler_failed_comes_again(redis: RedisService) -> None:
    handled = Handler()

    async def handle(key: str) -> None:
        await handled(key)
        if handled.keys.qsize() == 1:
            raise RuntimeError("A handler's own fault.")

    async with opened(redis.url) as queues:
        with capture_logs() as logs:
            queues.serve("a", lots_of_room, handle)
            queues.put("a", "key")

            async def twice() -> bool:
                return handled.keys.qsize() == 2

            await until(twice)
        await has_depth(queues, 0)

    assert [line["key"] for line in logs if line["event"] == "queue_handler_failed"] == ["key"]


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


async def test_what_is_still_being_handled_when_serving_stops_goes_to_another(redis: RedisService) -> None:
    begun, handled = Handler(), Handler()

    async def for_ever(key: str) -> None:
        await begun(key)
        await asyncio.Event().wait()

    # A lease that would not end in time.
    async with opened(redis.url, "one", 60) as one, opened(redis.url, "two", 60) as two:
        one.serve("a", lots_of_room, for_ever)
        one.put("a", "key")
        await begun.key()
        await one.stop_serving()
        two.serve("a", lots_of_room, handled)

        assert await handled.key() == "key"


async def test_a_handler_that_cannot_be_cancelled_does_not_keep_serving_from_stopping(redis: RedisService) -> None:
    begun, over = Handler(), asyncio.Event()

    async def stubborn(key: str) -> None:
        await begun(key)
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    async with opened(redis.url) as queues:
        queues.serve("a", lots_of_room, stubborn)
        queues.put("a", "key")
        await begun.key()
        with capture_logs() as logs:
            await queues.stop_serving()
        over.set()

    assert [line["event"] for line in logs] == ["queue_not_stopped"]


async def test_a_queue_is_served_once(redis: RedisService) -> None:
    async with opened(redis.url) as queues:
        queues.serve("a", lots_of_room, Handler())

        with pytest.raises(ValueError, match="served already"):
            queues.serve("a", lots_of_room, Handler())


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


class Bomb:
    """Runs code in whoever unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def planted(path: Path, key: str = "planted") -> dict[str, bytes]:
    """A message that runs code in a plain docket worker."""
    bomb = pickle.dumps(Bomb(path))
    return {
        "key": key.encode(),
        "when": b"2026-01-01T00:00:00+00:00",
        "function": b"take",
        "args": bomb,
        "kwargs": pickle.dumps({}),
        "attempt": b"1",
        "generation": b"1",
    }


@asynccontextmanager
async def intruder(service: RedisService) -> AsyncGenerator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(service.url)
    try:
        yield client
    finally:
        await client.aclose()


async def test_what_others_write_into_a_queue_is_never_unpickled(redis: RedisService, tmp_path: Path) -> None:
    exploded, handled = tmp_path / "exploded", Handler()
    bomb = planted(exploded)
    async with opened(redis.url) as queues, intruder(redis) as client:
        with capture_logs() as logs:
            queues.serve("a", lots_of_room, handled)
            await client.xadd("test:a:stream", bomb)
            await client.xadd("test:a:stream", {**bomb, "args": pickle.dumps(()), "kwargs": bomb["args"]})
            await client.xadd("test:a:stream", {**bomb, "args": pickle.dumps(()), "function": b"trace"})
            await client.xadd("test:a:stream", {"something": "else"})
            await client.xadd("test:a:stream", {**bomb, "args": pickle.dumps(()), "key": b"\xff"})
            # Scheduled ones reach the stream by another way.
            await client.hset("test:a:planted", mapping=bomb)
            await client.zadd("test:a:queue", {"planted": 1})
            await client.xadd(
                "test:a:strikes",
                {"direction": "strike", "function": "take", "operator": "==", "value": bomb["args"]},
            )
            queues.put("a", "ours")

            assert await handled.key() == "ours"
            await has_depth(queues, 0)
        assert handled.keys.empty()

    assert not exploded.exists()
    assert [line["event"] for line in logs] == ["task_refused"] * 6


async def test_what_others_left_behind_in_a_queue_is_not_unpickled_either(redis: RedisService, tmp_path: Path) -> None:
    exploded, handled = tmp_path / "exploded", Handler()
    async with opened(redis.url) as queues, intruder(redis) as client:
        await client.xadd("test:a:stream", planted(exploded))
        await client.xgroup_create("test:a:stream", "docket-workers", "0-0")
        await client.xreadgroup("docket-workers", "dead", {"test:a:stream": ">"})
        queues.serve("a", lots_of_room, handled)

        await has_depth(queues, 0)

    assert not exploded.exists()
    assert handled.keys.empty()


async def test_a_planted_message_would_run_code_if_it_were_unpickled(tmp_path: Path) -> None:
    """Else the two tests above could not fail."""
    exploded = tmp_path / "exploded"

    pickle.loads(planted(exploded)["args"])

    assert exploded.exists()


async def test_processes_that_are_long_gone_are_forgotten(redis: RedisService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stretto.server.cluster._docket.CONSUMER_IDLE_MS_MAX", -1)
    handled = Handler()
    async with intruder(redis) as client:
        for member in ("first", "second"):
            async with opened(redis.url, member) as queues:
                queues.serve("a", lots_of_room, handled)
                queues.put("a", "key")
                await handled.key()
                await has_depth(queues, 0)

        assert [one["name"] for one in await client.xinfo_consumers("test:a:stream", "docket-workers")] == [b"second"]


async def test_who_puts_many_keys_can_wait_for_room_so_that_none_is_dropped(redis, monkeypatch):
    monkeypatch.setattr(_sending, "WAITING_MAX", 10)
    losses = []
    async with opened(redis.url) as queues:
        queues.on_loss(lambda: losses.append(1))
        for number in range(40):
            assert await queues.has_room()
            queues.put("a", f"key_{number}")
        await has_depth(queues, 40)
        assert not queues._watching.lost
        assert not losses
