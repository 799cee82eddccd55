"""Watching a journal over a real channel: each event once, in order, from wherever the caller was."""

import asyncio

import grpc
import pytest

from stretto.server.domain.change import RunReleased, RunSucceeded
from stretto.server.domain.event import StepCompleted, StepStarted
from stretto.server.domain.payload import Payload
from stretto.workflow.v1 import workflow_service_pb2 as api
from tests.rpc.conftest import World, Worlds, refusal_of, until

RESULT = RunSucceeded(Payload("tests.orders.v1.Report", b""))


def sequences(responses: list[api.WatchProgressResponse]) -> list[int]:
    found = []
    for response in responses:
        if response.WhichOneof("item") == "event":
            found.append(response.event.sequence)
        found += [event.sequence for event in response.batch.events]
    return found


async def watch(world: World, workflow_id: str, after: int = 0, batch: int = 0) -> list[api.WatchProgressResponse]:
    request = api.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after, batch_size_max=batch)
    return [response async for response in world.api.WatchProgress(request)]


async def finished(world: World, steps: int) -> str:
    workflow_id = await world.start()
    await world.run(workflow_id, steps, end=RESULT)
    return workflow_id


@pytest.mark.parametrize("batch", [0, 1, 2, 3, 100])
async def test_a_watch_resumes_at_every_cut_with_exactly_what_is_missing(world: World, batch: int) -> None:
    workflow_id = await finished(world, 6)
    whole = await watch(world, workflow_id)
    assert sequences(whole) == list(range(1, 10))
    assert [whole[0].event.WhichOneof("kind"), whole[-1].event.WhichOneof("kind")] == ["accepted", "completed"]
    for cut in range(10):
        rest = await watch(world, workflow_id, cut, batch)
        assert sequences(rest) == list(range(cut + 1, 10))
        shown = [event for response in rest for event in (*response.batch.events, response.event) if event.sequence]
        assert shown == [response.event for response in whole[cut:]]
        assert all(len(response.batch.events) <= max(batch, 1) for response in rest)


async def test_a_live_watch_gets_each_event_as_it_becomes_durable_and_ends_with_the_last(world: World) -> None:
    workflow_id = await world.start()
    stream = world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
    assert (await stream.read()).event.WhichOneof("kind") == "accepted"
    await world.claim(workflow_id)
    assert (await stream.read()).event.WhichOneof("kind") == "started"
    for sequence in range(3, 40):
        await world.commit(workflow_id, StepStarted())
        assert (await stream.read()).event.sequence == sequence
    await world.commit(workflow_id, end=RESULT)
    assert (await stream.read()).event.WhichOneof("kind") == "completed"
    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK


async def test_watchers_who_come_while_events_are_written_miss_nothing(world: World) -> None:
    workflow_id = await world.start()
    await world.claim(workflow_id)

    async def write() -> None:
        for _ in range(200):
            await world.commit(workflow_id, StepStarted())
            await asyncio.sleep(0)
        await world.commit(workflow_id, end=RESULT)

    async def look(number: int) -> list[int]:
        for _ in range(number):
            await asyncio.sleep(0)
        return sequences(await watch(world, workflow_id, 0, number % 7))

    _, *seen = await asyncio.gather(write(), *(look(number) for number in range(20)))
    assert all(each == list(range(1, 204)) for each in seen)


async def test_every_watcher_gets_the_same_bytes(world: World) -> None:
    workflow_id = await world.start()
    live = asyncio.ensure_future(watch(world, workflow_id))
    await world.run(workflow_id, 5, end=RESULT)
    assert await live == await watch(world, workflow_id)


async def test_a_batch_holds_what_is_ready_and_a_single_event_comes_alone(world: World) -> None:
    workflow_id = await finished(world, 5)
    first, second, third = await watch(world, workflow_id, 1, 3)
    assert [len(first.batch.events), len(second.batch.events)] == [3, 3]
    assert third.WhichOneof("item") == "event"


async def test_large_events_come_in_smaller_batches(world: World) -> None:
    workflow_id = await world.start()
    await world.claim(workflow_id)
    await world.commit(workflow_id, *(StepCompleted(1, "x" * 400_000) for _ in range(12)), end=RESULT)
    responses = await watch(world, workflow_id, 0, 1_000)
    assert sequences(responses) == list(range(1, 16))
    assert max(response.ByteSize() for response in responses) < 2 * 1024 * 1024


async def test_an_idle_stream_says_how_far_it_is(worlds: Worlds) -> None:
    world = await worlds(bookmark_seconds=0.01)
    workflow_id = await world.start()
    stream = world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
    assert (await stream.read()).event.sequence == 1
    for _ in range(3):
        assert (await stream.read()).bookmark.last_sequence == 1
    await world.claim(workflow_id)
    while (response := await stream.read()).HasField("bookmark"):
        assert response.bookmark.last_sequence == 1
    assert response.event.sequence == 2
    assert (await stream.read()).bookmark.last_sequence == 2


async def test_a_watcher_that_leaves_is_forgotten(worlds: Worlds) -> None:
    world = await worlds(bookmark_seconds=0.01)
    workflow_id = await world.start()
    stream = world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
    await stream.read()
    assert world.journal.watcher_count == 1
    stream.cancel()
    await until(lambda: not world.journal.watcher_count)


async def test_a_drain_ends_each_watch_with_a_bookmark_and_its_last_sequence(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 3)
    streams = [world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id)) for _ in range(5)]
    for stream in streams:
        assert [(await stream.read()).event.sequence for _ in range(5)] == [1, 2, 3, 4, 5]
    await world.rpc.drain(5)
    for stream in streams:
        assert (await stream.read()).bookmark.last_sequence == 5
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        refusal = refusal_of(caught.value)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED")
        assert refusal.metadata == {"last_sequence": "5"}


async def test_a_workflow_that_is_handed_back_does_not_end_its_watch(world: World) -> None:
    workflow_id = await world.start()
    stream = world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
    await world.run(workflow_id, 1, end=RunReleased())
    await world.claim(workflow_id)
    await world.commit(workflow_id, StepStarted(), end=RESULT)
    assert sequences([response async for response in stream]) == [1, 2, 3, 4, 5]
