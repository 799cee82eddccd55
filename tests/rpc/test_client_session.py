"""Sessions through the client, over a real channel; each test for both twins."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from benchmarks.chaos.proxy import BREAKING, Fault, Proxy
from stretto import client as library
from stretto.client import Client, ClientSync
from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.event import StepCompleted, StepStarted
from stretto.server.domain.payload import Payload
from stretto.session.v1 import session_pb2 as model
from stretto.session.v1.session_event_pb2 import SessionEvent
from stretto.testing import serving
from tests.rpc.conftest import World, Worlds
from tests.rpc.talking import trips
from tests.rpc.twins import Threaded

BOOKMARK_SECONDS = 0.05
SILENCE_SECONDS_MAX = 0.5
HANG_SECONDS = 15.0
UNHURRIED = {"silence_seconds_max": HANG_SECONDS}
"""For a server whose streams may be as quiet as they are by default."""

SESSION = "ses_of_the_test"
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
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(40))
    made = []

    def connect(target: str, **options: Any) -> Any:
        client = request.param(target, **{"silence_seconds_max": SILENCE_SECONDS_MAX} | options)
        made.append(client if request.param is Client else Threaded(client))
        return made[-1]

    yield connect
    for client in made:
        await client.close()


async def taken(watch: Any, count: int) -> list[SessionEvent]:
    async with asyncio.timeout(HANG_SECONDS):
        return [await anext(watch) for _ in range(count)]


async def until(watch: Any, fits: Callable[[SessionEvent], bool]) -> list[SessionEvent]:
    """The events up to the first one that fits."""
    found = []
    async with asyncio.timeout(HANG_SECONDS):
        while not found or not fits(found[-1]):
            found.append(await anext(watch))
    return found


async def eventually(condition: Callable[[], object]) -> None:
    """Return once a condition holds that nobody tells of."""
    async with asyncio.timeout(HANG_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


def is_notice(event: SessionEvent) -> bool:
    return event.HasField("message") and event.message.role == model.MESSAGE_ROLE_NOTICE


def sequences(events: list[SessionEvent]) -> list[int]:
    return [event.sequence for event in events]


async def started(world: World, count: int = 1) -> list[str]:
    """Workflows of the session that go on; each has four events there."""
    ids = [await world.start(session_id=SESSION) for _ in range(count)]
    for workflow_id in ids:
        await world.run(workflow_id, 2)
    return ids


async def test_a_conversation_from_the_first_word_to_the_result(connect: Open) -> None:
    gate = asyncio.Event()
    async with serving(trips(gate)) as served:
        session = connect(served.address, **UNHURRIED).session()
        watch = session.watch(allow_missing=True)
        launched = await session.send("Book me a trip to Lisbon")
        assert launched.reply.kind == model.TURN_KIND_LAUNCH
        gate.set()
        asked = await until(watch, is_notice)
        assert sequences(asked) == list(range(1, len(asked) + 1))
        said = [event.message for event in asked if event.HasField("message")]
        assert [one.role for one in said] == [1, 2, 3]
        assert said[1] == launched
        decided = await session.send("Yes, approve it")
        assert decided.reply.kind == model.TURN_KIND_DECIDE
        ended = await until(watch, is_notice)
        assert ended[-1].message.notice.kind == model.NOTICE_KIND_SUCCEEDED
        assert ended[0].sequence == asked[-1].sequence + 1
        assert [one.sequence async for one in session.messages(page_size=2)] == [
            event.sequence for event in (*asked, *ended) if event.HasField("message")
        ]
        row = await session.get()
        assert (row.message_count, row.workflow_count, row.active_workflow_count) == (6, 1, 0)
        assert row.last_sequence == ended[-1].sequence


async def test_a_message_that_is_said_again_is_said_once(connect: Open) -> None:
    async with serving(trips(asyncio.Event())) as served:
        session = connect(served.address, **UNHURRIED).session()
        first = await session.send("Book me a trip to Lisbon", request_id="r1")
        assert await session.send("Book me a trip to Lisbon", request_id="r1") == first
        with pytest.raises(library.AlreadyStarted):
            await session.send("Book me a trip to Rome", request_id="r1")
        assert [message.role async for message in session.messages()] == [1, 2]


async def test_a_server_without_an_orchestrator_says_so(world: World, connect: Open) -> None:
    with pytest.raises(library.NotSupported) as caught:
        await connect(world.address).session().send("hello")
    assert caught.value.reason == "ORCHESTRATOR_OFF"


@pytest.mark.parametrize("fault", BREAKING)
async def test_a_watch_goes_on_over_a_new_connection(world: World, proxy: Proxy, connect: Open, fault: Fault) -> None:
    (workflow_id,) = await started(world)
    watch = connect(proxy.address).session(SESSION).watch()
    before = await taken(watch, 4)
    assert await proxy.inflict(fault) == 1
    await world.commit(workflow_id, StepCompleted(1, "x" * 2_000), end=DONE)
    after = await taken(watch, 3)
    assert sequences([*before, *after]) == list(range(1, 8))
    assert [after[-2].progress.WhichOneof("kind"), is_notice(after[-1])] == ["completed", True]
    assert watch.breaks == 1
    await watch.aclose()


@pytest.mark.parametrize("chosen", ["kinds", "workflow_ids"])
async def test_a_filter_leaves_out_the_same_through_a_break(
    world: World, proxy: Proxy, connect: Open, chosen: str
) -> None:
    ids = await started(world, 3)
    chosen_by = {"kinds": {"kinds": ["NOTICE"]}, "workflow_ids": {"workflow_ids": [ids[1]]}}[chosen]
    session = connect(proxy.address).session(SESSION)
    watch = session.watch(**chosen_by)
    reading = asyncio.ensure_future(until(watch, lambda event: event.message.notice.workflow_id == ids[2]))
    await eventually(lambda: watch._position.last_sequence == 12)  # By bookmarks: nothing has passed the filter.
    assert await proxy.inflict(Fault.RESET) == 1
    for workflow_id in ids:
        await world.commit(workflow_id, StepStarted(), end=DONE)
    filtered = await reading
    whole = await taken(session.watch(), 3 * 4 + 3 * 3)
    notices = [event for event in whole if is_notice(event)]
    of_one = [event for event in whole if is_notice(event) or event.progress.workflow_id == ids[1]]
    assert filtered == (notices if chosen == "kinds" else of_one)
    assert watch.breaks == 1
    await watch.aclose()


async def test_a_session_that_is_not_there_is_not_found_or_waited_for(world: World, connect: Open) -> None:
    client = connect(world.address)
    with pytest.raises(library.NotFound) as caught:
        await anext(client.session(SESSION).watch())
    assert caught.value.reason == "SESSION_NOT_FOUND"
    watch = client.session(SESSION).watch(allow_missing=True)
    waits = asyncio.ensure_future(taken(watch, 4))
    await asyncio.wait([waits], timeout=3 * SILENCE_SECONDS_MAX)
    assert not waits.done()
    await started(world)
    assert sequences(await waits) == [1, 2, 3, 4]
    assert watch.breaks == 0  # The server says how far it is also where nothing is yet.


async def test_a_context_is_one_moment_of_all_workflows(world: World, connect: Open) -> None:
    ids = await started(world, 2)
    await world.commit(ids[0], end=DONE)
    session = connect(world.address).session(SESSION)
    context = await session.context()
    assert [one.workflow_id for one in context.workflows] == [ids[1], ids[0]]
    assert context.as_of_sequence == context.session.last_sequence == 10
    assert len((await session.context(ended_max=0)).workflows) == 1
    assert (await session.context(token_budget=100)).token_count <= 100


async def test_sessions_are_listed_newest_first_over_pages(world: World, connect: Open) -> None:
    ids = [f"ses_{number}" for number in range(5)]
    for session_id in ids:
        await world.start(session_id=session_id)
    client = connect(world.address)
    assert [one.session_id async for one in client.sessions(page_size=2)] == ids[::-1]
    await world.run(await world.start(session_id="ses_ended"), 0, end=DONE)
    assert [one.session_id async for one in client.sessions(active_only=True)] == ids[::-1]


async def test_a_busy_session_is_deleted_with_its_workflows_or_not_at_all(connect: Open) -> None:
    async with serving(trips(asyncio.Event())) as served:
        session = connect(served.address, **UNHURRIED).session()
        await session.send("Book me a trip to Lisbon")
        watch = session.watch()
        events = await taken(watch, 2)
        with pytest.raises(library.SessionBusy) as caught:
            await session.delete()
        assert caught.value.active_workflow_count == 1
        await session.delete(cancel_workflows=True)
        async with asyncio.timeout(HANG_SECONDS):
            events += [event async for event in watch]
        assert events[-1].HasField("deleted")
        assert sequences(events) == list(range(1, len(events) + 1))
        with pytest.raises(library.SessionDeleted):
            await session.send("Are you there?")
