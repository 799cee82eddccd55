"""The client with several servers over one store: turns, health, and going on elsewhere; each test for both twins."""

import asyncio
import dataclasses
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import trustme

from benchmarks._processes import free_address
from benchmarks.chaos.proxy import Fault, Proxy
from stretto import client as library
from stretto.catalog.v1 import catalog_service_pb2_grpc
from stretto.client import Client, ClientSync
from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.event import StepStarted
from stretto.server.domain.payload import Payload
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.server import RpcServer
from tests.rpc.conftest import DIAGNOSIS, HandDiagnostics, World, Worlds, good_order, until
from tests.rpc.twins import Threaded

DONE = RunSucceeded(Payload("tests.orders.v1.Report", b""))
HANG_SECONDS = 15.0
"""Who waits for so long hangs."""
BOOKMARK_SECONDS = 0.05
SILENCE_SECONDS_MAX = 3.0
"""Far more than a bookmark's time, because a machine that is busy is silent too."""

Open = Callable[..., Any]


class Served:
    """One more server over the store of a world. Its diagnosis tells its name, so a call tells who answered."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.diagnostics = HandDiagnostics()
        self.diagnostics.told = dataclasses.replace(DIAGNOSIS, version=name)
        self.journal = Journal(world.store, bookmark_seconds=BOOKMARK_SECONDS)
        self.rpc = RpcServer(
            workflows=Workflows(world.store, world.catalog, world.dispatcher, SystemClock()),
            store=world.store,
            journal=self.journal,
            sessions=SessionJournal(world.store),
            catalog=world.catalog,
            contracts=world.contracts,
            diagnostics=self.diagnostics,
            membership=world.membership,
        )
        self.address = ""

    async def start(self, listen: str = "127.0.0.1:0") -> "Served":
        self.address = await self.rpc.start(listen)
        self.rpc.set_serving(True)
        return self


@pytest.fixture
async def world(worlds: Worlds) -> World:
    return await worlds()


@pytest.fixture
async def serve(world: World) -> AsyncIterator[Open]:
    """Starts servers over the world's store."""
    made: list[Served] = []

    async def start(name: str, listen: str = "127.0.0.1:0") -> Served:
        made.append(Served(world, name))
        return await made[-1].start(listen)

    yield start
    for served in made:
        await served.rpc.drain(0)


@pytest.fixture(params=[Client, ClientSync], ids=["async", "sync"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Makes clients of either kind for several servers, behind one face."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(40))
    made = []

    def connect(*addresses: str, **options: Any) -> Any:
        client = request.param(addresses, **options)
        made.append(client if request.param is Client else Threaded(client))
        return made[-1]

    yield connect
    for client in made:
        await client.close()


@pytest.fixture
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause lasts for longer than the test may, so that whatever goes on did so without one."""
    monkeypatch.setattr("stretto.client._backoff.FIRST_SECONDS", 600.0)
    monkeypatch.setattr("stretto.client._backoff.LONGEST_SECONDS", 600.0)


async def answers(client: Any, count: int) -> Counter[str]:
    """Who answers the next calls."""
    async with asyncio.timeout(HANG_SECONDS):
        return Counter([(await client.diagnose()).diagnosis.version for _ in range(count)])


async def until_answers(client: Any, *names: str) -> None:
    """Return once exactly these servers take part."""
    async with asyncio.timeout(HANG_SECONDS):
        while set(await answers(client, 4 * len(names))) != set(names):
            await asyncio.sleep(0.02)


async def taken(watch: Any, count: int) -> list[int]:
    """The sequences of the next events."""
    async with asyncio.timeout(HANG_SECONDS):
        return [(await anext(watch)).sequence for _ in range(count)]


async def rest(watch: Any) -> list[int]:
    """The sequences of all further events."""
    async with asyncio.timeout(HANG_SECONDS):
        return [event.sequence async for event in watch]


# Turns


async def test_calls_go_to_each_server_in_turn(serve: Open, connect: Open) -> None:
    servers = [await serve(name) for name in "abc"]
    client = connect(*(served.address for served in servers))
    assert await answers(client, 30) == {"a": 10, "b": 10, "c": 10}


async def test_a_text_with_commas_names_several(serve: Open, connect: Open) -> None:
    a, b = await serve("a"), await serve("b")
    for target in (f"{a.address},{b.address}", f" {a.address} , {b.address}, "):
        async with Client(target) as client:
            assert await answers(client, 10) == {"a": 5, "b": 5}
            assert client.target == f"{a.address}, {b.address}"


async def test_names_ipv6_and_unix_sockets_side_by_side(serve: Open, connect: Open, tmp_path: Any) -> None:
    a, b, c = await serve("a"), await serve("b", "[::1]:0"), await serve("c", f"unix:{tmp_path}/c.sock")
    client = connect(f"localhost:{a.address.rpartition(':')[2]}", b.address, c.address)
    assert await answers(client, 30) == {"a": 10, "b": 10, "c": 10}


async def test_watches_go_to_each_server_in_turn(world: World, serve: Open, connect: Open) -> None:
    a, b = await serve("a"), await serve("b")
    workflow_id = await world.start()
    client = connect(a.address, b.address)
    watches = [client.handle(workflow_id).watch() for _ in range(10)]
    for watch in watches:
        assert await taken(watch, 1) == [1]
    assert (a.journal.watcher_count, b.journal.watcher_count) == (5, 5)


async def test_each_server_has_a_certificate_of_its_own_name(connect: Open) -> None:
    """Over one channel both would be checked against one name."""
    authority, servers, addresses = trustme.CA(), [], []
    for name in ("localhost", "127.0.0.1"):
        issued = authority.issue_cert(name)
        pair = (issued.private_key_pem.bytes(), b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        server = grpc.aio.server()
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(
            catalog_service_pb2_grpc.CatalogServiceServicer(), server
        )
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        await server.start()
        servers.append(server)
        addresses.append(f"{name}:{port}")
    try:
        client = connect(*addresses, credentials=grpc.ssl_channel_credentials(authority.cert_pem.bytes()), retry=False)
        for _ in range(4):
            with pytest.raises(library.NotSupported):  # What such a servicer answers: the way to it is fine.
                await anext(client.types())
    finally:
        for server in servers:
            await server.stop(None)


# Health


async def test_a_server_that_says_not_serving_gets_no_calls_and_none_fails(
    serve: Open, connect: Open, long_pauses: None
) -> None:
    a, b = await serve("a"), await serve("b")
    client = connect(a.address, b.address)
    assert await answers(client, 10) == {"a": 5, "b": 5}
    a.rpc.set_serving(False)
    await until_answers(client, "b")
    assert await answers(client, 50) == {"b": 50}
    a.rpc.set_serving(True)
    await until_answers(client, "a", "b")


async def test_one_server_that_says_not_serving_is_asked_nevertheless(serve: Open, connect: Open) -> None:
    """What it refuses it says itself, and more exactly than its health does."""
    a = await serve("a")
    a.rpc.set_serving(False)
    assert await answers(connect(a.address), 5) == {"a": 5}


async def test_a_server_without_health_checks_takes_calls(serve: Open, connect: Open) -> None:
    a, bare = await serve("a"), grpc.aio.server()
    port = bare.add_insecure_port("127.0.0.1:0")
    await bare.start()
    try:
        client = connect(a.address, f"127.0.0.1:{port}")
        with pytest.raises(library.NotSupported):
            await answers(client, 2)
    finally:
        await bare.stop(None)


# Servers that go


async def test_calls_under_way_and_new_ones_succeed_though_a_server_drains(
    world: World, serve: Open, connect: Open, long_pauses: None
) -> None:
    a, b = await serve("a"), await serve("b")
    client = connect(a.address, b.address)
    await answers(client, 2)
    started = [asyncio.ensure_future(client.start("order", good_order())) for _ in range(20)]
    draining = asyncio.ensure_future(a.rpc.drain(5))
    handles = await asyncio.gather(*started, *(client.start("order", good_order()) for _ in range(20)))
    await draining
    assert len({handle.id for handle in handles}) == 40
    assert len([workflow async for workflow in client.workflows()]) == 40
    assert await answers(client, 10) == {"b": 10}


async def test_calls_go_on_at_once_where_a_server_is_killed(serve: Open, connect: Open, long_pauses: None) -> None:
    a, b = await serve("a"), await serve("b")
    async with Proxy(a.address, random.Random(1)) as way:
        client = connect(way.address, b.address)
        assert await answers(client, 10) == {"a": 5, "b": 5}
    # Its connections are reset, and nobody listens any more.
    assert await answers(client, 50) == {"b": 50}


async def test_a_call_that_was_under_way_is_made_again_with_its_request_id(
    world: World, serve: Open, connect: Open, long_pauses: None
) -> None:
    a, b = await serve("a"), await serve("b")
    way = Proxy(a.address, random.Random(1))
    async with way:
        client = connect(way.address, b.address)
        await answers(client, 2)
        await way.inflict(Fault.SILENCE_DOWN)  # The server hears of them and does them; the answers never come.
        started = [asyncio.ensure_future(client.start("order", good_order())) for _ in range(10)]
        await until(lambda: len(world.dispatcher.hints) == 10)
    handles = await asyncio.gather(*started)
    assert len({handle.id for handle in handles}) == 10
    assert len([workflow async for workflow in client.workflows()]) == 10


async def test_a_server_that_comes_back_is_used_again(serve: Open, connect: Open) -> None:
    a, b = await serve("a"), await serve("b")
    client = connect(a.address, b.address)
    await answers(client, 4)
    await a.rpc.drain(0)
    await until_answers(client, "b")
    await serve("c", a.address)
    await until_answers(client, "b", "c")


async def test_when_all_are_away_the_error_names_them_in_time(connect: Open) -> None:
    nobody = [free_address() for _ in range(3)]
    client = connect(*nobody)
    began = time.monotonic()
    with pytest.raises(library.Unavailable) as refused:
        await client.diagnose(timeout=1)
    assert time.monotonic() - began < HANG_SECONDS
    assert "nobody listens there" in str(refused.value)
    assert f"tried again and again for 1 seconds; the servers are {', '.join(nobody)}" in str(refused.value)


async def test_servers_that_take_no_calls_are_told_of(serve: Open, connect: Open) -> None:
    a, b = await serve("a"), await serve("b")
    client = connect(a.address, b.address)
    for served in (a, b):
        served.rpc.set_serving(False)
    with pytest.raises(library.Unavailable, match="it says that it takes no calls now"):
        await client.diagnose(timeout=1)


async def test_without_repeats_each_server_is_asked_once(serve: Open, connect: Open) -> None:
    b, nobody = await serve("b"), [free_address(), free_address()]
    assert await answers(connect(nobody[0], b.address, retry=False), 10) == {"b": 10}
    client = connect(*nobody, retry=False)
    async with asyncio.timeout(HANG_SECONDS):
        with pytest.raises(library.Unavailable, match="nobody listens there") as refused:
            await client.diagnose(timeout=600)
    assert str(refused.value.message).endswith(f"(connection refused); the servers are {', '.join(nobody)}")


async def test_a_machine_that_does_not_answer_holds_a_call_up_for_a_second(serve: Open, connect: Open) -> None:
    b = await serve("b")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        client = connect(f"127.0.0.1:{deaf.getsockname()[1]}", b.address)
        assert await answers(client, 50) == {"b": 50}


# Watches


async def test_a_watch_goes_on_at_another_server_without_a_pause(
    world: World, serve: Open, connect: Open, long_pauses: None
) -> None:
    servers = {served.name: served for served in (await serve("a"), await serve("b"))}
    workflow_id = await world.start()
    await world.run(workflow_id, 3)
    told: list[tuple[Exception, float]] = []
    client = connect(*(served.address for served in servers.values()))
    watch = client.handle(workflow_id).watch(on_break=lambda *broken: told.append(broken))
    assert await taken(watch, 5) == [1, 2, 3, 4, 5]
    first = next(served for served in servers.values() if served.journal.watcher_count)
    (other,) = (served for served in servers.values() if served is not first)
    last = asyncio.ensure_future(rest(watch))
    await first.rpc.drain(5)
    await until(lambda: other.journal.watcher_count)
    await world.commit(workflow_id, StepStarted(), end=DONE)
    assert await last == [6, 7]
    assert watch.breaks == 1
    assert [(error.reason, error.metadata["last_sequence"], pause) for error, pause in told[:1]] == [
        ("STREAM_ENDED", "5", 0.0)
    ]


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT, Fault.SILENCE])
async def test_watches_go_on_whatever_happens_to_the_way_to_a_server(
    world: World, serve: Open, connect: Open, fault: Fault
) -> None:
    a, b = await serve("a"), await serve("b")
    workflow_id = await world.start()
    await world.claim(workflow_id)
    async with Proxy(a.address, random.Random(1)) as way:
        client = connect(way.address, b.address, silence_seconds_max=SILENCE_SECONDS_MAX)
        watches = [client.handle(workflow_id).watch() for _ in range(6)]
        for watch in watches:
            assert await taken(watch, 2) == [1, 2]
        assert (a.journal.watcher_count, b.journal.watcher_count) == (3, 3)
        waits = [asyncio.ensure_future(rest(watch)) for watch in watches]
        await way.inflict(fault)
        for _ in range(20):
            await world.commit(workflow_id, StepStarted())
        await world.commit(workflow_id, end=DONE)
        assert await asyncio.gather(*waits) == [list(range(3, 24))] * 6
        assert sorted(watch.breaks for watch in watches)[:3] == [0, 0, 0]  # Those of the other server.


async def test_after_a_restart_new_watches_go_to_both_and_old_ones_stay(
    world: World, serve: Open, connect: Open
) -> None:
    a, b = await serve("a"), await serve("b")
    workflow_id = await world.start()
    client = connect(a.address, b.address)
    held = [client.handle(workflow_id).watch() for _ in range(4)]
    for watch in held:
        assert await taken(watch, 1) == [1]
    waits = [asyncio.ensure_future(rest(watch)) for watch in held]
    await a.rpc.drain(0)
    await until(lambda: b.journal.watcher_count == 4)
    again = await serve("again", a.address)
    await until_answers(client, "again", "b")
    assert (again.journal.watcher_count, b.journal.watcher_count) == (0, 4)
    more = [client.handle(workflow_id).watch() for _ in range(4)]
    for watch in more:
        assert await taken(watch, 1) == [1]
    assert (again.journal.watcher_count, b.journal.watcher_count) == (2, 6)
    await world.claim(workflow_id)
    await world.commit(workflow_id, end=DONE)
    assert await asyncio.gather(*waits) == [[2, 3]] * 4
