"""The server itself: health, reflection, correlation, limits, coming and going."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from structlog.testing import capture_logs

from stretto.server.domain.errors import CannotListen
from stretto.server.rpc._admission import CallClass
from stretto.server.rpc.server import Limits
from stretto.workflow.v1 import workflow_service_pb2 as api
from tests.rpc.conftest import World, Worlds, build, refusal_of, until
from tests.rpc.stores import NewStore

SERVICES = {
    "stretto.workflow.v1.WorkflowService",
    "stretto.session.v1.SessionService",
    "stretto.catalog.v1.CatalogService",
    "stretto.operations.v1.OperationsService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def health(world: World) -> health_pb2_grpc.HealthStub:
    return health_pb2_grpc.HealthStub(world.channels[0])


@pytest.mark.parametrize(
    "service",
    [
        "",
        "stretto.workflow.v1.WorkflowService",
        "stretto.session.v1.SessionService",
        "stretto.catalog.v1.CatalogService",
        "stretto.operations.v1.OperationsService",
    ],
)
async def test_health_tells_of_each_service(world: World, service: str) -> None:
    request = health_pb2.HealthCheckRequest(service=service)
    assert (await health(world).Check(request)).status == SERVING
    world.rpc.set_serving(False)
    assert (await health(world).Check(request)).status == NOT_SERVING


@pytest.mark.skipif(not hasattr(health_pb2, "HealthListRequest"), reason="Older grpcio-health-checking has no List.")
async def test_health_lists_all_services(world: World) -> None:
    listed = await health(world).List(health_pb2.HealthListRequest())
    assert {name: answer.status for name, answer in listed.statuses.items()} == {
        "": SERVING,
        "stretto.workflow.v1.WorkflowService": SERVING,
        "stretto.session.v1.SessionService": SERVING,
        "stretto.catalog.v1.CatalogService": SERVING,
        "stretto.operations.v1.OperationsService": SERVING,
    }


async def test_health_knows_its_services(world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(world).Check(health_pb2.HealthCheckRequest(service="no.Such"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watching = health(world).Watch(health_pb2.HealthCheckRequest(service="no.Such"))
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


async def test_a_health_watch_sees_the_server_go_and_does_not_hold_it_up(world: World) -> None:
    watching = health(world).Watch(health_pb2.HealthCheckRequest())
    assert (await watching.read()).status == SERVING
    changed = asyncio.ensure_future(watching.read())  # Now: once a call is done, grpc.aio reads no more from it.
    await asyncio.wait_for(world.rpc.drain(60), timeout=15)
    assert (await changed).status == NOT_SERVING
    assert await watching.read() is grpc.aio.EOF


def reflection(world: World, version: str):
    name = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    return world.channels[0].stream_stream(
        name,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_resolves_services_and_contracts(world: World, version: str) -> None:
    stream = reflection(world, version)()
    await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = await stream.read()
    assert {service.name for service in listed.list_services_response.service} == SERVICES
    for symbol in (
        *SERVICES,
        "tests.orders.v1.OrderRequest",
        "tests.orders.v1.ReviewDecision.Verdict",
        "google.rpc.BadRequest",
    ):
        await stream.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol))
        answer = await stream.read()
        pool = DescriptorPool()
        files = [FileDescriptorProto.FromString(data) for data in answer.file_descriptor_response.file_descriptor_proto]
        while files:  # In whatever order they come.
            file = next(file for file in files if all(_has(pool, name) for name in file.dependency))
            pool.Add(file)
            files.remove(file)
        assert pool.FindFileContainingSymbol(symbol)
    await stream.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.Such"))
    assert (await stream.read()).error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


def _has(pool: DescriptorPool, name: str) -> bool:
    try:
        pool.FindFileByName(name)
    except KeyError:
        return False
    return True


async def test_an_open_reflection_stream_does_not_hold_up_a_drain(world: World) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(world.channels[0])
    stream = stub.ServerReflectionInfo()
    await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    await stream.read()
    await asyncio.wait_for(world.rpc.drain(60), timeout=15)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert refusal_of(caught.value).reason == "STREAM_ENDED"


async def test_a_correlation_id_is_kept_when_it_may_stand_in_a_log(world: World) -> None:
    workflow_id = await world.start()
    with capture_logs() as logs:
        call = world.api.GetState(
            api.GetStateRequest(workflow_id=workflow_id), metadata=(("x-correlation-id", "Mine-1.2_3"),)
        )
        await call
    assert dict(iter(await call.trailing_metadata()))["x-correlation-id"] == "Mine-1.2_3"
    assert [(entry["method"], entry["code"]) for entry in logs] == [
        ("stretto.workflow.v1.WorkflowService/GetState", "OK")
    ]


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>"])
async def test_a_correlation_id_that_may_not_is_replaced(world: World, given: str) -> None:
    call = world.api.GetState(api.GetStateRequest(workflow_id="wf_no"), metadata=(("x-correlation-id", given),))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert refusal_of(caught.value).trailing["x-correlation-id"].startswith("cor_")


async def test_a_watch_tells_its_correlation_id_at_once(world: World) -> None:
    request = api.WatchProgressRequest(workflow_id=await world.start())
    stream = world.api.WatchProgress(request, metadata=(("x-correlation-id", "mine"),))
    assert dict(iter(await stream.initial_metadata()))["x-correlation-id"] == "mine"


async def test_each_class_of_call_has_its_own_bound(worlds: Worlds) -> None:
    world = await worlds(limits=Limits(watches_max=2, reads_max=1, starts_max=1))
    workflow_id = await world.start()
    streams = [world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id)) for _ in range(2)]
    for stream in streams:
        await stream.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id)).read()
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert (refusal.retry_seconds, refusal.metadata) == (1.0, {"call_class": "watch"})
    waiting = asyncio.ensure_future(world.api.GetState(api.GetStateRequest(workflow_id=workflow_id, min_sequence=2)))
    await until(lambda: world.rpc._calls._admission.in_flight(CallClass.READ))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    assert refusal_of(caught.value).metadata == {"call_class": "read"}
    # Cancelling still works, and makes room for the others.
    await world.api.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=workflow_id))
    assert (await waiting).as_of_sequence == 3
    for stream in streams:
        assert [(await stream.read()).event.sequence for _ in range(2)] == [2, 3]
        assert await stream.read() is grpc.aio.EOF
    assert (await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))).as_of_sequence == 3


async def test_a_second_server_on_the_same_port_fails_and_says_so(world: World) -> None:
    second = build("memory:")
    with pytest.raises(CannotListen, match=f"Cannot listen on {world.address}: it is in use"):
        await second.rpc.start(world.address)
    assert await world.start()


async def test_a_unix_socket_will_do(new_store: NewStore, tmp_path) -> None:
    world = build(new_store())
    await world.store.open()
    world.address = await world.rpc.start(f"unix:{tmp_path / 'socket'}")
    async with grpc.aio.insecure_channel(world.address) as channel:
        world.channels.append(channel)
        assert await world.start()
    await world.rpc.drain(0)
    await world.store.close()


async def test_a_drain_lets_the_calls_in_flight_finish_and_takes_no_more(world: World) -> None:
    workflow_id = await world.start()
    entered, go_on = asyncio.Event(), asyncio.Event()
    create = world.store.create

    async def slow(*args):
        entered.set()
        await go_on.wait()
        return await create(*args)

    world.store.create = slow
    starting = asyncio.ensure_future(world.start())
    await entered.wait()
    draining = asyncio.ensure_future(world.rpc.drain(10))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        while True:  # Until the drain has got as far as the listening socket.
            await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    # gRPC's core cancels a call that crosses its GOAWAY on the wire; to callers, both mean: unknown, try again.
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    go_on.set()
    assert await starting
    await draining


async def test_a_drain_sends_waiting_reads_elsewhere(world: World) -> None:
    workflow_id = await world.start()
    reading = asyncio.ensure_future(world.api.GetState(api.GetStateRequest(workflow_id=workflow_id, min_sequence=9)))
    await until(lambda: world.journal.watcher_count)
    await asyncio.wait_for(world.rpc.drain(60), timeout=15)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await reading
    assert refusal_of(caught.value).reason == "DRAINING"


async def test_a_call_that_its_caller_gave_up_is_cancelled(world: World) -> None:
    workflow_id = await world.start()
    with capture_logs() as logs:
        call = world.api.GetState(api.GetStateRequest(workflow_id=workflow_id, min_sequence=9))
        await until(lambda: world.journal.watcher_count)
        call.cancel()
        await until(lambda: not world.journal.watcher_count)
        await until(lambda: logs)
    assert [entry["code"] for entry in logs] == ["CANCELLED"]


async def test_a_watcher_who_leaves_is_no_news(world: World) -> None:
    workflow_id = await world.start()
    with capture_logs() as logs:
        stream = world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
        await stream.read()
        stream.cancel()
        await until(lambda: not world.journal.watcher_count)
        await until(lambda: logs)
    assert [(entry["code"], entry["log_level"]) for entry in logs] == [("CANCELLED", "debug")]


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [(Limits(), grpc.StatusCode.OK), (Limits(pending_seconds_max=1), grpc.StatusCode.CANCELLED)],
    ids=["ours", "short"],
)
async def test_a_call_that_waits_for_a_busy_loop_is_cancelled_by_its_limit_only(
    worlds: Worlds, limits: Limits, outcome: grpc.StatusCode
) -> None:
    world = await worlds(limits=limits)
    loop = asyncio.get_running_loop()
    with grpc.insecure_channel(world.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        await loop.run_in_executor(None, stub.Check, health_pb2.HealthCheckRequest())
        # Only now: a call that has to connect first might be younger than the limit.
        futures = [stub.Check.future(health_pb2.HealthCheckRequest()) for _ in range(5)]
        time.sleep(2.5)  # noqa: ASYNC251 - the busy loop
        # The first call may have been taken before the loop was busy.
        assert {await loop.run_in_executor(None, future.code) for future in futures[1:]} == {outcome}


async def test_health_streams_are_open_to_new_clients_however_many_watch(worlds: Worlds) -> None:
    world = await worlds(limits=Limits(watches_max=1))
    workflow_id = await world.start()
    progress = world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id))
    await progress.read()
    for _ in range(3):
        watching = health(world).Watch(health_pb2.HealthCheckRequest())
        assert (await watching.read()).status == SERVING
