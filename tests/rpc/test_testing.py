"""`stretto.testing`, as somebody uses it who tests workflows of their own."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import grpc.aio
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from stretto.client.errors import WorkflowFailed, WorkflowTimedOut
from stretto.server import App
from stretto.server.domain.errors import RegistrationError
from stretto.testing import ManualClock, serving
from tests.protos.generated.orders_pb2 import Report, ReviewDecision
from tests.rpc.small_apps import (
    PATIENT,
    State,
    add_up,
    add_up_in_a_thread,
    app_of,
    ask,
    failing,
    hang,
    order,
    order_app,
    price,
    threads_of_ours,
)


@pytest.fixture(autouse=True)
def _nobody_has_set_up_logs():
    """As in a test run of a user's: other tests of ours set structlog up, and leave it so."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
async def nothing_left():
    """Nothing is left behind: no task, no thread of ours, no timer of a deadline."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}
    assert not threads_of_ours()
    timers = asyncio.get_running_loop()._scheduled
    assert not [timer for timer in timers if not timer.cancelled() and "Deadlines" in repr(timer)]


async def test_a_workflow_without_a_contract_gives_plain_values(nothing_left):
    async with serving(app_of(add_up, add_up_in_a_thread)) as server:
        handle = await server.client.start("line", {"items": [1, 2, 3]})
        assert (await handle.result())["total"] == 3


async def test_a_workflow_with_a_contract_gives_its_message():
    async with serving(order_app(price)) as server:
        handle = await server.client.start("order", order(), result=Report)
        assert await handle.result() == Report(summary="paid", total_cents=300)


async def test_several_apps_are_served_by_one_server():
    one, other = app_of(add_up), order_app(price)
    async with serving(one, other) as server:
        assert server.apps == (one, other)
        assert {kind.name async for kind in server.client.types()} == {"line", "order"}


async def test_two_apps_with_one_name_are_refused():
    with pytest.raises(RegistrationError, match="'line' is registered by two"):
        async with serving(app_of(add_up), app_of(add_up)):
            raise AssertionError("it is served")


async def test_a_graph_that_cannot_be_built_is_refused_and_leaves_nothing(nothing_left):
    app = App()
    app.workflow("odd", object())  # type: ignore[arg-type]
    with pytest.raises(RegistrationError, match="object is no LangGraph graph"):
        async with serving(app):
            raise AssertionError("it is served")


async def test_any_grpc_client_reaches_the_server():
    async with serving(app_of(add_up)) as server, grpc.aio.insecure_channel(server.address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_interrupt_is_waited_for_and_decided():
    async with serving(order_app(ask, price)) as server:
        handle = await server.client.start("order", order())
        asked = await server.next_interrupt(handle)
        assert asked.question.struct_value["question"] == "Well?"
        assert (await server.next_interrupt(handle)).interrupt_id == asked.interrupt_id
        await handle.decide(ReviewDecision(verdict=ReviewDecision.VERDICT_APPROVE))
        assert (await handle.result()).summary == "paid"


async def test_waiting_for_an_interrupt_in_vain_tells_how_the_workflow_ended():
    async with serving(app_of(add_up)) as server:
        handle = await server.client.start("line")
        with pytest.raises(AssertionError, match="has completed and asked nothing"):
            await server.next_interrupt(handle)
    async with serving(app_of(failing(1))) as server:
        with pytest.raises(WorkflowFailed, match="line is dead"):
            await server.next_interrupt(await server.client.start("line"))


async def test_a_failure_has_the_nodes_message_and_its_traceback_is_logged(caplog):
    async with serving(app_of(failing(1))) as server:
        handle = await server.client.start("line")
        with pytest.raises(WorkflowFailed, match="ConnectionError: line is dead, 0 more times"):
            await handle.result()
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("stretto.server.engine.run", "WARNING")
    assert handle.id in record.getMessage()
    assert "in flaky" in caplog.text
    assert 'raise ConnectionError(f"line is dead' in caplog.text


async def test_a_workflow_that_succeeds_logs_nothing(caplog, capsys):
    async with serving(app_of(add_up)) as server:
        await (await server.client.start("line")).result()
    assert (caplog.text, *capsys.readouterr()) == ("", "", "")


async def test_the_levels_of_logging_hold_for_the_server(caplog):
    with caplog.at_level(logging.DEBUG, logger="stretto"):
        async with serving(app_of(add_up)) as server:
            await server.client.start("line")
    assert "method='stretto.workflow.v1.WorkflowService/StartWorkflow' code='OK'" in caplog.text


async def test_logs_go_where_they_went_before_and_again_afterwards(caplog):
    told = []

    def keep(_, __, event):
        told.append(event["event"])
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    try:
        async with serving(app_of(failing(1))) as server:
            with pytest.raises(WorkflowFailed):
                await (await server.client.start("line")).result()
    finally:
        structlog.reset_defaults()
    assert "workflow_failed" in told
    assert not caplog.records
    async with serving(app_of(add_up)), serving(app_of(add_up)):
        assert structlog.is_configured()
    assert not structlog.is_configured()


async def test_retries_wait_for_nothing_and_events_say_so():
    async with serving(app_of(failing(2), retry_policy=PATIENT)) as server:
        handle = await server.client.start("line")
        assert (await handle.result(timeout=15))["total"] == 1
        retrying = [event async for event in handle.watch() if event.HasField("step_retrying")]
    assert [event.attempt for event in retrying] == [1, 2]
    for event in retrying:
        assert event.step_retrying.next_attempt_at.ToMicroseconds() - event.occurred_at.ToMicroseconds() < 1_000_000


async def test_instant_retries_keep_the_number_of_attempts_and_what_is_retried():
    async with serving(app_of(failing(3), retry_policy=PATIENT)) as server:
        with pytest.raises(WorkflowFailed, match="0 more times"):
            await (await server.client.start("line")).result(timeout=15)
    picky = PATIENT._replace(retry_on=ValueError)
    async with serving(app_of(failing(1), retry_policy=picky)) as server:
        with pytest.raises(WorkflowFailed, match="0 more times"):
            await (await server.client.start("line")).result(timeout=15)


async def test_the_apps_own_policy_waits_for_nothing_and_the_catalog_tells_it_as_declared():
    async with serving(app_of(failing(2), retry=PATIENT)) as server:
        assert (await (await server.client.start("line")).result(timeout=15))["total"] == 1
        described = await server.client.describe("line")
    assert described.steps[0].retry_policies[0].initial_interval.ToSeconds() == 30


async def test_retries_of_subgraphs_tasks_and_graphs_inside_of_nodes_wait_for_nothing():
    def inner(flaky: Callable):
        graph = StateGraph(State)
        graph.add_node("flaky", flaky, retry_policy=PATIENT)
        graph.add_edge(START, "flaky")
        return graph.compile()

    hidden, blocking = inner(failing(2)), inner(in_a_thread(failing(2)))
    flaky_task = task(failing(2), name="flaky_task", retry_policy=PATIENT)
    flaky_flow = failing(2)

    async def invokes(_: State) -> State:
        return await hidden.ainvoke({})

    def invokes_in_a_thread(_: State) -> State:
        return blocking.invoke({})

    @entrypoint(retry_policy=PATIENT)
    async def flow(_: dict) -> dict:
        await flaky_task({})
        return await flaky_flow({})

    app = app_of(inner_named("outer", inner(failing(2))), invokes, invokes_in_a_thread)
    app.workflow("flow", flow)
    async with serving(app) as server:
        handles = [await server.client.start(name, {}) for name in ("line", "flow")]
        for handle in handles:
            assert (await handle.result(timeout=15))["total"] == 1


def in_a_thread(flaky: Callable) -> Callable:
    return lambda state: asyncio.run(flaky(state))


def inner_named(name: str, graph):
    graph.__name__ = name
    return graph


async def test_retries_that_are_not_to_be_instant_wait():
    policy = RetryPolicy(initial_interval=0.05, jitter=False, max_attempts=2)
    started = time.monotonic()
    async with serving(app_of(failing(1), retry_policy=policy), instant_retries=False) as server:
        await (await server.client.start("line")).result()
    assert time.monotonic() - started >= 0.05


async def test_a_clock_that_is_advanced_lets_a_deadline_pass(nothing_left):
    async with serving(app_of(hang), clock=ManualClock()) as server:
        handle = await server.client.start("line", deadline=timedelta(hours=1))
        server.clock.advance(timedelta(minutes=59))
        assert (await handle.state()).workflow.ended_at.seconds == 0
        server.clock.advance(timedelta(hours=1))  # The deadline counts from the caller's time, which goes on.
        with pytest.raises(WorkflowTimedOut) as caught:
            await handle.result(timeout=15)
    assert caught.value.reason == "DEADLINE_EXCEEDED"


async def test_a_clock_that_is_advanced_lets_a_total_timeout_pass_also_of_a_workflow_that_waits(nothing_left):
    async with serving(app_of(ask, total_timeout=timedelta(days=7)), clock=ManualClock()) as server:
        handle = await server.client.start("line")
        await server.next_interrupt(handle)
        server.clock.advance(timedelta(days=7))
        with pytest.raises(WorkflowTimedOut, match=r"timed out: .* waited for a decision") as caught:
            await handle.result(timeout=15)
    assert caught.value.reason == "DEADLINE_EXCEEDED"


async def test_a_server_without_a_clock_of_its_own_says_how_to_give_it_one():
    async with serving(app_of(add_up)) as server:
        with pytest.raises(AttributeError, match=r"clock=ManualClock\(\)"):
            server.clock.advance(1)


def test_a_clock_does_not_go_back():
    clock = ManualClock()
    before = clock.time
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    clock.advance(0.5)
    assert timedelta(seconds=0.5) < clock.time - before < timedelta(seconds=0.6)


async def test_two_servers_stand_side_by_side():
    async with serving(app_of(add_up)) as one, serving(order_app(price)) as other:
        assert one.address != other.address
        first = await one.client.start("line", {"items": [1]})
        second = await other.client.start("order", order())
        assert (await first.result())["total"] == 1
        assert (await second.result()).total_cents == 300


@pytest.mark.parametrize("on_disk", [True, False])
async def test_a_restart_keeps_workflows_and_address(on_disk, tmp_path, nothing_left):
    store = f"sqlite:{tmp_path / 'x.db'}" if on_disk else "memory:"
    async with serving(order_app(ask, price), store=store) as server:
        address = server.address
        handle = await server.client.start("order", order())
        await server.next_interrupt(handle)
        await server.restart()
        assert server.address == address
        await handle.decide(ReviewDecision(verdict=ReviewDecision.VERDICT_APPROVE))
        assert (await handle.result()).summary == "paid"


async def test_a_watch_goes_on_over_a_restart(nothing_left):
    async with serving(app_of(ask, add_up)) as server:
        handle = await server.client.start("line")
        await server.next_interrupt(handle)
        async with handle.watch() as watch:
            seen = [await anext(watch) for _ in range(2)]
            await server.restart()
            await handle.decide(None)
            seen += [event async for event in watch]
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].HasField("completed")


async def test_a_restart_that_fails_can_be_left(monkeypatch):
    app = app_of(add_up)
    with pytest.raises(RegistrationError, match="does not tell of its steps"):
        async with serving(app) as server:
            monkeypatch.setattr("stretto.testing._executor.check_langgraph", refuse)
            await server.restart()


async def refuse() -> None:
    raise RegistrationError("It does not tell of its steps.")


async def test_a_step_that_a_restart_cut_off_begins_again():
    begun = asyncio.Event()

    async def slow_at_first(_: State) -> State:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return {"total": 7}

    async with serving(app_of(slow_at_first)) as server:
        handle = await server.client.start("line")
        await begun.wait()
        await server.restart()
        assert (await handle.result())["total"] == 7
        attempts = [event.attempt async for event in handle.watch() if event.HasField("step_started")]
    assert attempts == [1, 2]


async def test_a_file_carries_waiting_workflows_from_one_server_to_the_next(tmp_path, nothing_left):
    store = f"sqlite:{tmp_path / 'x.db'}"
    async with serving(order_app(ask, price), store=store) as server:
        started = await server.client.start("order", order())
        await server.next_interrupt(started)
    async with serving(order_app(ask, price), store=store) as server:
        handle = server.client.handle(started.id)
        await handle.decide(ReviewDecision(verdict=ReviewDecision.VERDICT_APPROVE))
        assert (await handle.result(Report)).summary == "paid"


async def test_a_test_that_fails_leaves_at_once_with_its_own_error_though_workflows_run(nothing_left, monkeypatch):
    monkeypatch.setattr("stretto.server.app.server.STREAMS_SECONDS_MAX", 60.0)
    begun = asyncio.Event()

    async def hangs(_: State) -> State:
        begun.set()
        await asyncio.Event().wait()
        return {}

    async def fails():
        async with serving(app_of(hangs), app_of(ask, name="asks")) as server:
            await server.next_interrupt(await server.client.start("asks"))
            watched = await server.client.start("line", deadline=timedelta(seconds=60))
            await begun.wait()
            events = aiter(watched.watch())
            await anext(events)
            raise LookupError("the test's own")

    started = time.monotonic()
    with pytest.raises(LookupError, match="the test's own"):
        await fails()
    assert time.monotonic() - started < 15  # Whoever waited for the watch would wait for a minute.


async def test_a_node_that_swallows_its_cancellation_holds_nobody_up(caplog, monkeypatch):
    monkeypatch.setattr("stretto.testing._executor.CLOSE_SECONDS_MAX", 0.05)
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def stubborn(_: State) -> State:
        begun.set()
        while not let_go.is_set():
            with suppress(asyncio.CancelledError):
                await let_go.wait()
        return {}

    async with serving(app_of(stubborn)) as server:
        await server.client.start("line")
        await begun.wait()
    assert "steps_go_on" in caplog.text
    let_go.set()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)


class Parcel(BaseModel):
    weight: int = 0


class ParcelState(TypedDict, total=False):
    parcel: Parcel


async def test_a_graph_that_was_compiled_before_strict_mode_keeps_its_types(monkeypatch):
    monkeypatch.setattr("langgraph._internal._serde.STRICT_MSGPACK_ENABLED", False)

    async def ask_of_a_parcel(state: ParcelState) -> ParcelState:
        interrupt("Well?")
        return {"parcel": Parcel(weight=state["parcel"].weight + 1)}

    graph = StateGraph(ParcelState)
    graph.add_node("pack", lambda _: {"parcel": Parcel(weight=1)})
    graph.add_node("ask", ask_of_a_parcel)
    graph.add_edge(START, "pack")
    graph.add_edge("pack", "ask")
    app = App()
    app.workflow("parcel", graph.compile())
    async with serving(app) as server:
        handle = await server.client.start("parcel")
        await server.next_interrupt(handle)
        await handle.decide("yes")
        assert (await handle.result())["parcel"]["weight"] == 2
