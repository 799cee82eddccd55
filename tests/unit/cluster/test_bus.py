"""The bus, over a real Redis."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import redis.asyncio
from structlog.testing import capture_logs

from stretto.server.cluster.bus import Bus
from stretto.server.engine.news import News
from tests.unit.cluster.news import news
from tools.services.redis import RedisService, redis_service

CHANNEL = "test:news"


class Listener:
    """Keeps what a bus calls back with."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.news: asyncio.Queue[News] = asyncio.Queue()
        self.gaps: asyncio.Queue[None] = asyncio.Queue()
        bus.on_news(self.news.put_nowait)
        bus.on_gap(lambda: self.gaps.put_nowait(None))

    async def heard(self) -> News:
        async with asyncio.timeout(10):
            return await self.news.get()

    async def gap(self) -> None:
        async with asyncio.timeout(10):
            await self.gaps.get()


@asynccontextmanager
async def listening(url: str) -> AsyncGenerator[Listener]:
    """An open bus."""
    bus = Bus(url, CHANNEL)
    listener = Listener(bus)
    await bus.open()
    try:
        yield listener
    finally:
        await bus.close()


async def connected(bus: Bus, *, wanted: bool = True) -> None:
    async with asyncio.timeout(10):
        while bus.connected is not wanted:
            await asyncio.sleep(0.01)


async def test_the_others_hear_what_one_tells(redis: RedisService) -> None:
    async with listening(redis.url) as one, listening(redis.url) as two, listening(redis.url) as three:
        one.bus.tell(news(7))

        assert await two.heard() == news(7)
        assert await three.heard() == news(7)
        two.bus.tell(news(8))
        # Its own news would have come before these.
        assert await one.heard() == news(8)


async def test_a_bus_that_opens_may_have_missed_news_before(redis: RedisService) -> None:
    async with listening(redis.url) as one:
        await one.gap()

        assert one.bus.connected


async def test_messages_of_another_release_are_ignored(redis: RedisService) -> None:
    async with listening(redis.url) as one, listening(redis.url) as two:
        with capture_logs() as logs:
            async with redis_client(redis) as client:
                await client.publish(CHANNEL, b"\xffanother release")
            two.bus.tell(news())

            assert await one.heard() == news()

    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["news_not_understood"] * 2


async def test_a_listener_that_fails_does_not_deafen_the_others(redis: RedisService) -> None:
    def failing(_: News) -> None:
        raise RuntimeError("A listener's own fault.")

    bus = Bus(redis.url, CHANNEL)
    bus.on_news(failing)
    listener = Listener(bus)
    await bus.open()
    async with listening(redis.url) as other:
        with capture_logs() as logs:
            other.bus.tell(news())
            assert await listener.heard() == news()
    await bus.close()

    assert [line["event"] for line in logs] == ["news_listener_failed"]


async def test_news_that_cannot_be_written_do_not_silence_a_bus(redis: RedisService) -> None:
    unwritable = dataclasses.replace(news().workflows[0], project="\ud800")
    async with listening(redis.url) as one, listening(redis.url) as two:
        await two.gap()
        with capture_logs() as logs:
            one.bus.tell(News(workflows=(unwritable,)))
            await two.gap()
        one.bus.tell(news())

        assert await two.heard() == news()

    assert [line["event"] for line in logs] == ["news_not_packed"]


async def test_news_that_wait_are_out_before_the_bus_is_closed(redis: RedisService) -> None:
    async with listening(redis.url) as one:
        async with listening(redis.url) as two:
            two.bus.tell(news())

        assert await one.heard() == news()


async def test_without_redis_it_opens_and_connects_when_redis_comes() -> None:
    with redis_service() as service:
        service.stop()
        async with listening(service.url) as one:
            assert not one.bus.connected
            one.bus.tell(news())
            service.start()
            await one.gap()
            await connected(one.bus)


async def test_when_redis_comes_back_the_others_learn_that_they_missed_news() -> None:
    with redis_service() as service:
        async with listening(service.url) as one, listening(service.url) as two:
            await two.gap()
            service.stop()
            await two.gap()
            one.bus.tell(news(1))
            await connected(one.bus, wanted=False)
            service.start()

            await two.gap()
            await connected(one.bus)
            await connected(two.bus)
            one.bus.tell(news(2))
            while (await two.heard()) != news(2):
                pass


async def test_a_frozen_redis_is_noticed_and_found_again() -> None:
    with redis_service() as service:
        async with listening(service.url) as one:
            await one.gap()
            service.freeze()
            await one.gap()
            assert not one.bus.connected
            service.thaw()
            await one.gap()
            await connected(one.bus)


async def test_those_who_could_hear_learn_that_another_could_not_tell(redis: RedisService) -> None:
    async with listening(redis.url) as one, listening(redis.url) as two:
        await two.gap()
        redis.ask("CLIENT PAUSE 1500 WRITE")
        one.bus.tell(news())
        await connected(one.bus, wanted=False)
        assert two.bus.connected

        await two.gap()
        await connected(one.bus)


async def test_those_who_listen_learn_that_a_message_could_not_hold_all(redis: RedisService) -> None:
    async with listening(redis.url) as one, listening(redis.url) as two:
        await two.gap()
        for _ in range(3):
            # More than one message holds.
            one.bus.tell(News(workflows=news().workflows * 5_000))

        await two.gap()
        assert len((await two.heard()).workflows) == 10_000


@asynccontextmanager
async def redis_client(service: RedisService) -> AsyncGenerator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(service.url)
    try:
        yield client
    finally:
        await client.aclose()
