"""Queues, over a real Redis."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from stretto.server.cluster import _sending
from stretto.server.domain.clock import SECOND
from tests.unit.cluster.queueing import FAR, Handler, has_depth, intruder, lots_of_room, opened, until
from tools.services.redis import RedisService


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


async def test_many_keys_are_taken_out_and_hold_up_no_other(redis: RedisService) -> None:
    handled = Handler()
    async with opened(redis.url) as queues:
        for number in range(100):
            queues.put("a", f"key {number}", FAR)
        await has_depth(queues, 100)
        for number in range(100):
            queues.drop("a", f"key {number}")
        queues.put("b", "other")
        queues.serve("b", lots_of_room, handled)
        assert await handled.key() == "other"
        await has_depth(queues, 0)


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
