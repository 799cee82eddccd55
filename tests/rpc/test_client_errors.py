"""What the client says when a call fails, and when it asks again; each test for both twins."""

import asyncio
from typing import Any

import grpc
import pytest

from benchmarks._processes import free_address
from stretto import client as library
from stretto.client import Client
from stretto.server.domain.errors import Draining, Overloaded, StoreUnavailable
from tests.rpc.conftest import World, build, good_order
from tests.rpc.stores import NewStore
from tests.rpc.twins import Open


async def test_what_does_not_exist_is_not_found(client: Any) -> None:
    with pytest.raises(library.NotFound, match="'oder' is registered; there are: dynamic, order") as refused:
        await client.start("oder", {})
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_WORKFLOW_TYPE")
    missing = client.handle("wf_no")
    for call in (missing.state, missing.result, missing.cancel, missing.retry):
        with pytest.raises(library.NotFound) as refused:
            await call()
        assert refused.value.reason == "WORKFLOW_NOT_FOUND"
        assert f"(correlation id {refused.value.correlation_id})" in str(refused.value)
    with pytest.raises(library.NotFound):
        [event async for event in missing.watch()]


async def test_a_caller_may_name_the_correlation_id(world: World, connect: Open) -> None:
    client = connect(world.address, metadata=[("x-correlation-id", "mine-17")])
    with pytest.raises(library.NotFound, match=r"\(correlation id mine-17\)"):
        await client.handle("wf_no").state()


async def test_an_overloaded_server_says_when_to_come_back_and_is_not_asked_again(world: World, client: Any) -> None:
    world.dispatcher.refusal = Overloaded("The queue is full.", retry_seconds=2.5)
    with pytest.raises(library.Overloaded, match="queue is full") as refused:
        await client.start("order", good_order())
    assert refused.value.retry_after == 2.5


async def test_a_server_that_is_busy_with_itself_is_asked_again_until_it_works(world: World, client: Any) -> None:
    world.dispatcher.refusal = StoreUnavailable()
    starting = asyncio.ensure_future(client.start("order", good_order(), request_id="once"))
    await asyncio.sleep(0.3)
    assert not starting.done()
    world.dispatcher.refusal = None
    handle = await starting
    assert [w.workflow_id async for w in client.workflows()] == [handle.id]


async def test_after_its_time_a_call_says_what_it_failed_with(world: World, client: Any) -> None:
    await client.start("order", good_order())  # Or the time could be over before the first of them has an answer.
    world.dispatcher.refusal = Draining()
    with pytest.raises(library.Unavailable, match=r"shutting down.*; tried again and again for 5 seconds") as refused:
        await client.start("order", good_order(), timeout=5)
    assert (refused.value.reason, refused.value.retry_after) == ("DRAINING", 1.0)


async def test_without_repeats_a_call_fails_at_once(connect: Open) -> None:
    client = connect("127.0.0.1:1", retry=False)
    async with asyncio.timeout(5):
        with pytest.raises(library.Unavailable, match=r"127\.0\.0\.1:1: nobody listens there") as refused:
            await client.start("order", good_order())
    assert refused.value.correlation_id


async def test_a_server_that_comes_late_is_waited_for(connect: Open, new_store: NewStore) -> None:
    world, address = build(new_store()), free_address()
    await world.store.open()
    starting = asyncio.ensure_future(connect(address).start("order", good_order()))
    await asyncio.sleep(0.3)
    assert not starting.done()
    await world.rpc.start(address)
    assert (await starting).id
    await world.rpc.drain(0)
    await world.store.close()


async def test_a_message_larger_than_the_client_takes_is_too_large(world: World, connect: Open) -> None:
    client = connect(world.address, message_bytes_max=1_000)
    with pytest.raises(library.TooLarge):
        await client.start("dynamic", {"text": "x" * 2_000})


async def test_a_server_without_the_service_is_not_supported(connect: Open) -> None:
    bare = grpc.aio.server()
    port = bare.add_insecure_port("127.0.0.1:0")
    await bare.start()
    try:
        with pytest.raises(library.NotSupported):
            await connect(f"127.0.0.1:{port}").start("order", good_order())
    finally:
        await bare.stop(None)


async def test_a_closed_client_says_so(world: World, connect: Open) -> None:
    client = connect(world.address)
    handle = await client.start("order", good_order())
    waiting_for = asyncio.ensure_future(handle.result())
    watch = handle.watch()
    await anext(watch)
    next_event = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0.1)
    await client.close()
    for pending in (waiting_for, next_event):
        with pytest.raises(library.ClientClosed):
            await pending
    with pytest.raises(library.ClientClosed):
        await handle.state()


async def test_a_watch_that_is_closed_by_somebody_else_ends(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    watch = handle.watch()
    await anext(watch)
    next_event = asyncio.ensure_future(anext(watch, None))
    await asyncio.sleep(0.1)
    await watch.aclose()
    assert await next_event is None
    assert await anext(watch, None) is None


async def test_cancelling_the_one_who_waits_is_not_taken_for_a_break(world: World) -> None:
    async with Client(world.address) as client:
        handle = await client.start("order", good_order())
        for call in (handle.result(), handle.state(min_sequence=50), anext(handle.watch(after=1))):
            task = asyncio.ensure_future(call)
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_tls_with_credentials_of_ones_own_is_used(world: World, connect: Open) -> None:
    """A server without TLS refuses the handshake, so an answer would mean that there was none."""
    client = connect(world.address, credentials=grpc.ssl_channel_credentials(), retry=False)
    with pytest.raises(library.Unavailable):
        await client.start("order", good_order())
    with pytest.raises(library.Unavailable):
        await connect(world.address, tls=True, retry=False).start("order", good_order())
