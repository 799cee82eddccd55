"""Watching over a way that breaks as a test wants it, and leaving a watch in every way; each test for both twins."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from benchmarks.chaos.proxy import BREAKING, MORE_BYTES_MAX, Fault, Proxy
from stretto import client as library
from stretto.client import Client, ClientSync
from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.event import StepCompleted, StepStarted
from stretto.server.domain.payload import Payload
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from tests.rpc.conftest import World, Worlds
from tests.rpc.twins import Threaded

BOOKMARK_SECONDS = 0.05
SILENCE_SECONDS_MAX = 0.5
THREADS_MAX = 40
HANG_SECONDS = 15.0
"""Who waits for so long hangs."""
AT_ONCE_SECONDS = 10.0
"""Far above what anything takes that happens at once, and far below the pause of `long_pauses`."""

DONE = RunSucceeded(Payload("tests.orders.v1.Report", b""))

Open = Callable[..., Any]


@pytest.fixture
async def world(worlds: Worlds) -> World:
    return await worlds(bookmark_seconds=BOOKMARK_SECONDS)


@pytest.fixture
async def proxy(world: World) -> AsyncIterator[Proxy]:
    async with Proxy(world.address, random.Random(1)) as proxy:
        yield proxy


@pytest.fixture(params=[Client, ClientSync], ids=["async", "sync"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Makes clients of either kind, behind one face; the blocking one with a thread for everybody who waits."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS_MAX))
    made = []

    def connect(target: str, **options: Any) -> Any:
        client = request.param(target, **{"silence_seconds_max": SILENCE_SECONDS_MAX, **options})
        made.append(client if request.param is Client else Threaded(client))
        return made[-1]

    yield connect
    for client in made:
        await client.close()


@pytest.fixture
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a break nobody tries again while the test lasts, so that whatever ends then ends in a pause."""
    monkeypatch.setattr("stretto.client._backoff.FIRST_SECONDS", 60.0)
    monkeypatch.setattr("stretto.client._backoff.LONGEST_SECONDS", 60.0)


async def running(world: World, events: int) -> str:
    """A workflow that goes on, with so many events."""
    workflow_id = await world.start()
    await world.run(workflow_id, events - 2)
    return workflow_id


async def taken(watch: Any, count: int) -> list[int]:
    """The sequences of the next events."""
    async with asyncio.timeout(HANG_SECONDS):
        return [(await anext(watch)).sequence for _ in range(count)]


async def rest(watch: Any) -> list[ProgressEvent]:
    """All further events."""
    async with asyncio.timeout(HANG_SECONDS):
        return [event async for event in watch]


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds that nobody tells of."""
    async with asyncio.timeout(HANG_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("fault", BREAKING)
async def test_a_watch_goes_on_over_a_new_connection(world: World, proxy: Proxy, connect: Open, fault: Fault) -> None:
    workflow_id = await running(world, 5)
    watch = connect(proxy.address).handle(workflow_id).watch()
    assert await taken(watch, 5) == [1, 2, 3, 4, 5]
    began = time.monotonic()
    assert await proxy.inflict(fault) == 1
    await world.commit(workflow_id, StepCompleted(1, "x" * MORE_BYTES_MAX), end=DONE)
    assert [event.sequence for event in await rest(watch)] == [6, 7]
    assert watch.breaks == 1
    assert proxy.accepted >= 2
    # A server that is deaf for half a second makes the first new connection as silent as the old one.
    assert time.monotonic() - began < 3 * SILENCE_SECONDS_MAX + AT_ONCE_SECONDS


async def test_a_quiet_workflow_is_not_taken_for_a_dead_connection(world: World, proxy: Proxy, connect: Open) -> None:
    workflow_id = await running(world, 3)
    watch = connect(proxy.address).handle(workflow_id).watch()
    assert await taken(watch, 3) == [1, 2, 3]
    last = asyncio.ensure_future(rest(watch))
    await asyncio.wait([last], timeout=3 * SILENCE_SECONDS_MAX)
    await world.commit(workflow_id, end=DONE)
    assert len(await last) == 1
    assert (watch.breaks, proxy.accepted) == (0, 1)


async def test_a_slow_way_is_not_taken_for_a_dead_one(world: World, proxy: Proxy, connect: Open) -> None:
    workflow_id = await running(world, 3)
    watch = connect(proxy.address).handle(workflow_id).watch()
    assert await taken(watch, 3) == [1, 2, 3]
    slow = asyncio.ensure_future(proxy.inflict(Fault.TRICKLE))
    await world.commit(workflow_id, *(StepCompleted(1, "x" * 100) for _ in range(10)), end=DONE)
    assert len(await rest(watch)) == 11
    assert await slow == 1
    assert (watch.breaks, proxy.accepted) == (0, 1)


async def test_a_slow_watcher_gets_all_and_holds_up_nobody(world: World, connect: Open) -> None:
    """Half of a megabyte is more than the connection takes up for somebody who does not read."""
    workflow_id = await world.start()
    client = connect(world.address)
    slow, fast = client.handle(workflow_id).watch(), client.handle(workflow_id).watch()
    await world.claim(workflow_id)

    async def write() -> None:
        for _ in range(100):
            await world.commit(workflow_id, *(StepCompleted(1, "x" * 200) for _ in range(20)))
        await world.commit(workflow_id, end=DONE)

    written = asyncio.Event()

    async def read_slowly() -> list[int]:
        found = []
        while not written.is_set():
            found += await taken(slow, 1)
            await asyncio.sleep(0.05)
        return found

    reading = asyncio.ensure_future(read_slowly())
    _, all_of_it = await asyncio.gather(write(), rest(fast))
    assert [event.sequence for event in all_of_it] == list(range(1, 2004))
    written.set()
    found = await reading
    await asyncio.sleep(2 * SILENCE_SECONDS_MAX)  # Who does not read hears nothing, and that is no silence.
    assert found + [event.sequence for event in await rest(slow)] == list(range(1, 2004))
    assert slow.breaks == 0


async def test_a_watcher_that_leaves_its_loop_frees_the_call(world: World, connect: Open) -> None:
    workflow_id = await running(world, 5)
    handle = connect(world.address).handle(workflow_id)
    async for event in handle.watch():
        if event.sequence == 3:
            assert world.journal.watcher_count == 1
            break
    await until(lambda: not world.journal.watcher_count)


async def test_a_watcher_that_fails_in_its_loop_frees_the_call(world: World, connect: Open) -> None:
    workflow_id = await running(world, 5)
    handle = connect(world.address).handle(workflow_id)
    with pytest.raises(ZeroDivisionError):
        async for event in handle.watch():
            assert 1 / (3 - event.sequence)
    await until(lambda: not world.journal.watcher_count)


async def test_a_block_frees_the_call_though_the_watch_is_still_held(world: World, connect: Open) -> None:
    workflow_id = await running(world, 5)
    async with connect(world.address).handle(workflow_id).watch() as watch:
        assert await taken(watch, 2) == [1, 2]
        assert world.journal.watcher_count == 1
    await until(lambda: not world.journal.watcher_count)
    assert watch.last_sequence == 2


async def test_cancelling_who_waits_frees_the_call_at_once(world: World) -> None:
    workflow_id = await running(world, 5)
    async with Client(world.address) as client:
        watch = client.handle(workflow_id).watch()
        waits = asyncio.ensure_future(rest(watch))
        await until(lambda: watch.last_sequence == 5)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        await until(lambda: not world.journal.watcher_count)


async def test_who_was_cancelled_while_waiting_may_go_on_and_misses_nothing(world: World) -> None:
    workflow_id = await running(world, 5)
    told = []
    async with Client(world.address) as client:
        watch = client.handle(workflow_id).watch(on_break=lambda error, _: told.append(error))
        assert await taken(watch, 5) == [1, 2, 3, 4, 5]
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watch), 0.02)
        await world.commit(workflow_id, StepStarted(), end=DONE)
        assert [event.sequence for event in await rest(watch)] == [6, 7]
    assert (told, watch.breaks) == ([], 0)


async def test_a_task_that_cancels_itself_is_cancelled_and_not_taken_for_a_break(world: World) -> None:
    workflow_id = await running(world, 5)
    async with Client(world.address) as client:

        async def give_up() -> None:
            asyncio.current_task().cancel()
            await rest(client.handle(workflow_id).watch())

        gives_up = asyncio.create_task(give_up())
        await asyncio.wait([gives_up], timeout=AT_ONCE_SECONDS)
        assert gives_up.cancelled()


async def test_a_closed_watch_gives_nothing_that_it_has_in_hand(world: World, connect: Open) -> None:
    workflow_id = await running(world, 50)
    watch = connect(world.address).handle(workflow_id).watch()
    assert await taken(watch, 3) == [1, 2, 3]
    await watch.aclose()
    assert await rest(watch) == []
    assert watch.last_sequence == 3
    await until(lambda: not world.journal.watcher_count)


async def test_a_closed_watch_ends_also_between_two_tries(
    world: World, proxy: Proxy, connect: Open, long_pauses: None
) -> None:
    workflow_id = await running(world, 3)
    pausing = []
    watch = connect(proxy.address).handle(workflow_id).watch(on_break=lambda _, seconds: pausing.append(seconds))
    assert await taken(watch, 3) == [1, 2, 3]
    waits = asyncio.ensure_future(rest(watch))
    await proxy.inflict(Fault.RESET)
    await until(lambda: pausing)
    async with asyncio.timeout(AT_ONCE_SECONDS):
        await watch.aclose()
        assert await waits == []


async def test_closing_the_client_ends_whatever_waits_between_two_tries(
    world: World, proxy: Proxy, connect: Open, long_pauses: None
) -> None:
    workflow_id = await running(world, 3)
    pausing = []
    client = connect(proxy.address, timeout=200)
    watch = client.handle(workflow_id).watch(on_break=lambda _, seconds: pausing.append(seconds))
    assert await taken(watch, 3) == [1, 2, 3]
    waits = asyncio.ensure_future(rest(watch))
    await world.rpc.drain(0)
    await until(lambda: pausing)
    call = asyncio.ensure_future(client.handle(workflow_id).state())
    await asyncio.wait([call], timeout=0.3)
    async with asyncio.timeout(AT_ONCE_SECONDS):
        await client.close()
        for pending in (waits, call):
            with pytest.raises(library.ClientClosed):
                await pending


async def test_closing_the_client_ends_a_watch_that_nobody_reads_just_now(world: World, connect: Open) -> None:
    workflow_id = await running(world, 50)
    client = connect(world.address)
    watch = client.handle(workflow_id).watch()
    assert await taken(watch, 50) == list(range(1, 51))
    await client.close()
    await until(lambda: not world.journal.watcher_count)
    with pytest.raises(library.ClientClosed):
        await anext(watch)


async def test_an_unknown_workflow_is_not_asked_for_again(world: World, connect: Open) -> None:
    told = []
    watch = connect(world.address).handle("wf_00000000000000000000000000").watch(on_break=lambda *_: told.append(_))
    with pytest.raises(library.NotFound):
        await anext(watch)
    assert told == []


async def test_a_silent_connection_is_replaced_once_for_all_who_use_it(
    world: World, proxy: Proxy, connect: Open
) -> None:
    workflow_id = await running(world, 3)
    # Counted below: on a busy machine the new connection may take half a second too, and be replaced as well.
    client = connect(proxy.address, silence_seconds_max=4 * SILENCE_SECONDS_MAX)
    watches = [client.handle(workflow_id).watch() for _ in range(20)]
    for watch in watches:
        assert await taken(watch, 3) == [1, 2, 3]
    assert proxy.accepted == 1
    assert await proxy.inflict(Fault.SILENCE) == 1
    waits = [asyncio.ensure_future(rest(watch)) for watch in watches]
    await until(lambda: world.journal.watcher_count == 40)  # The server hears nothing of the old ones.
    await world.commit(workflow_id, end=DONE)
    assert [len(events) for events in await asyncio.gather(*waits)] == [1] * 20
    assert proxy.accepted == 2
