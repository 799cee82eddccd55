"""The client library over a real channel to a server whose workflows run by hand; each test for both twins."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from benchmarks._processes import free_address
from stretto import client as library
from stretto.client import Client
from stretto.server.domain.change import RunFailed, RunPaused, RunSucceeded
from stretto.server.domain.payload import Payload, Violation
from stretto.server.domain.workflow import Failure, Reason
from stretto.server.rpc.server import Limits
from tests.protos.generated import orders_pb2
from tests.protos.generated.orders_pb2 import OrderProgress, OrderRequest, Report, ReviewDecision
from tests.rpc.conftest import World, Worlds, good_order
from tests.rpc.twins import Open

REVIEW = "tests.orders.v1.ReviewDecision"
REPORT = Report(summary="two of ABC-1", total_cents=300)
DONE = RunSucceeded(Payload(Report.DESCRIPTOR.full_name, REPORT.SerializeToString()))
GOOD = {"customer": "Ada", "items": [{"sku": "ABC-1", "quantity": 2, "price": 1.5}]}


async def waiting(world: World, workflow_id: str, *questions: Any) -> None:
    """Let a workflow ask."""
    await world.claim(workflow_id)
    await world.commit(workflow_id, raised=questions, end=RunPaused())


# Limits of time


@pytest.mark.parametrize("call", ["start", "decide", "result", "poll"])
async def test_a_limit_of_time_holds_for_all_that_a_call_asks_for(connect: Open, call: str) -> None:
    client = connect(free_address(), timeout=60)
    handle = client.handle("wf_1")
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "start": lambda: client.start("orders", GOOD, timeout=0.3),
        "decide": lambda: handle.decide({"approve": True}, timeout=0.3),
        "result": lambda: handle.result(timeout=0.3),
        "poll": lambda: handle.result(timeout=0),
    }
    async with asyncio.timeout(20):
        with pytest.raises((library.Unavailable, library.TimedOut)):
            await calls[call]()


async def test_an_asynchronous_client_says_that_it_is_of_another_loop(world: World) -> None:
    def elsewhere() -> None:
        with asyncio.Runner() as runner:
            runner.run(client.describe("order"))

    async with Client(world.address) as client:
        await client.describe("order")
        with pytest.raises(library.StrettoError, match="on two event loops"):
            await asyncio.to_thread(elsewhere)


# Starting


async def test_a_message_starts_a_workflow_and_its_result_is_of_the_class_asked_for(world: World, client: Any) -> None:
    handle = await client.start("order", good_order(), result=Report, labels={"a": "b"}, session_id="s")
    assert handle.id.startswith("wf_")
    assert (handle.workflow.session_id, dict(handle.workflow.labels)) == ("s", {"a": "b"})
    await world.run(handle.id, 2, end=DONE)
    assert await handle.result() == REPORT
    assert await handle.result(Report) == REPORT


async def test_the_result_class_is_found_among_the_imported_ones(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    await world.run(handle.id, 0, end=DONE)
    assert await handle.result() == REPORT
    assert type(await client.handle(handle.id).result()) is Report


async def test_plain_values_become_the_contracts_message(world: World, client: Any) -> None:
    handle = await client.start("order", GOOD)
    stored = await world.store.get("default", handle.id)
    assert OrderRequest.FromString(stored.input.value) == good_order()


async def test_plain_values_start_a_type_without_a_contract(client: Any) -> None:
    assert (await client.start("dynamic", {"a": [1, None]})).id
    assert (await client.start("dynamic")).id


async def test_a_start_makes_a_request_id_and_takes_one(world: World, client: Any) -> None:
    first = await client.start("order", good_order())
    second = await client.start("order", good_order())
    assert first.id != second.id
    assert first.workflow.request_id != second.workflow.request_id
    named = await client.start("order", good_order(), request_id="mine")
    assert (await client.start("order", good_order(), request_id="mine")).id == named.id
    with pytest.raises(library.AlreadyStarted) as refused:
        await client.start("order", good_order(), request_id="mine", session_id="other")
    assert refused.value.workflow_id == named.id


async def test_a_repeated_start_may_say_its_deadline_anew(client: Any) -> None:
    first = await client.start("order", good_order(), request_id="mine", deadline=timedelta(hours=1))
    again = await client.start("order", good_order(), request_id="mine", deadline=timedelta(hours=2))
    assert again.id == first.id
    assert again.workflow.deadline == first.workflow.deadline


async def test_a_deadline_may_be_a_moment_or_a_distance(client: Any) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    handle = await client.start("order", good_order(), deadline=moment)
    assert handle.workflow.deadline.ToDatetime(UTC) == moment
    handle = await client.start("order", good_order(), deadline=timedelta(hours=1))
    assert abs(handle.workflow.deadline.ToDatetime(UTC) - moment) < timedelta(minutes=1)
    with pytest.raises(library.InvalidInput, match="no time zone"):
        await client.start("order", good_order(), deadline=datetime(2100, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (OrderRequest(customer="Ada"), "items"),
        ({**GOOD, "items": []}, "items"),
        ({**GOOD, "customr": "Ada"}, "customr"),
        ({**GOOD, "items": [{"sku": "ABC-1", "qty": 2}]}, "items[0].qty"),
    ],
)
async def test_a_wrong_input_names_the_field(client: Any, payload: Any, field: str) -> None:
    with pytest.raises(library.InvalidInput) as refused:
        await client.start("order", payload)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_a_message_of_the_wrong_type_is_refused(client: Any) -> None:
    with pytest.raises(library.InvalidInput, match=r"asks for tests\.orders\.v1\.OrderRequest") as refused:
        await client.start("order", Report())
    assert refused.value.reason == "WRONG_PAYLOAD_TYPE"


# Results and events


async def test_a_result_is_waited_for(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    waiting_for = asyncio.ensure_future(handle.result(timeout=10))
    await world.run(handle.id, 3, end=DONE)
    assert await waiting_for == REPORT


async def test_a_workflow_that_does_not_end_in_time_is_told_and_goes_on(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    with pytest.raises(library.TimedOut, match=r"has not ended within 0\.2 seconds"):
        await handle.result(timeout=0.2)
    await world.run(handle.id, 0, end=DONE)
    assert await handle.result(timeout=10) == REPORT


async def test_a_failed_workflow_raises_what_failed(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    failure = Failure(Reason.STEP_FAILED, "no van is free", error_class="CarrierBusyError", step="book", attempt=3)
    await world.run(handle.id, 1, end=RunFailed(failure))
    with pytest.raises(library.WorkflowFailed) as failed:
        await handle.result()
    assert failed.value.reason == "STEP_FAILED"
    assert failed.value.error.step == "book"
    assert str(failed.value).startswith(
        f"{handle.id} failed at step book, attempt 3: CarrierBusyError: no van is free (correlation id "
    )


async def test_a_state_has_metrics_for_those_who_ask(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    await world.run(handle.id, 1, end=DONE)
    assert (await handle.state(include_metrics=True)).metrics.steps[0].started_count == 1
    assert not (await handle.state()).HasField("metrics")


async def test_a_workflow_that_timed_out_raises_an_error_of_its_own_that_is_a_failure_too(
    world: World, client: Any
) -> None:
    handle = await client.start("order", good_order(), deadline=timedelta(hours=1))
    await world.run(handle.id, 1)
    await world.expire(handle.id)
    with pytest.raises(library.WorkflowTimedOut, match=f"{handle.id} timed out: The deadline passed") as late:
        await handle.result()
    assert isinstance(late.value, library.WorkflowFailed)
    assert late.value.reason == "DEADLINE_EXCEEDED"
    assert [event.WhichOneof("kind") async for event in handle.watch()][-1] == "timed_out"
    assert [found.workflow_id async for found in client.workflows(statuses=["timed_out"])] == [handle.id]
    assert (await (await handle.retry()).state()).workflow.origin.workflow_id == handle.id


async def test_a_result_that_breaks_its_contract_names_the_field(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    failure = Failure(Reason.RESULT_INVALID, "the result is no Report", violations=(Violation("summary", "is empty"),))
    await world.run(handle.id, 0, end=RunFailed(failure))
    with pytest.raises(library.WorkflowFailed, match="summary: is empty"):
        await handle.result()


async def test_a_cancelled_workflow_raises_its_cause(client: Any) -> None:
    handle = await client.start("order", good_order())
    assert (await handle.cancel("changed my mind")).status == handle.workflow.status
    with pytest.raises(library.WorkflowCancelled, match="was cancelled: changed my mind") as cancelled:
        await handle.result()
    assert (cancelled.value.cause, cancelled.value.workflow_id) == ("changed my mind", handle.id)


async def test_a_watch_gives_each_event_and_ends_with_the_last(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    await world.run(handle.id, 5, end=DONE)
    watch = handle.watch()
    assert [event.sequence async for event in watch] == list(range(1, 9))
    assert (watch.last_sequence, watch.breaks) == (8, 0)
    assert [event.sequence async for event in handle.watch(after=6)] == [7, 8]
    assert [event.sequence async for event in handle.watch(after=8)] == []
    with pytest.raises(library.SequenceOutOfRange) as refused:
        [event async for event in handle.watch(after=9)]
    assert refused.value.last_sequence == 8


# State, questions, verbs


async def test_a_state_is_read_at_one_moment(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    await world.run(handle.id, 2)
    state = await handle.state(min_sequence=3)
    assert state.as_of_sequence >= 3
    assert handle.workflow == state.workflow


async def test_a_sequence_that_does_not_come_is_out_of_range(worlds: Worlds, connect: Open) -> None:
    world = await worlds(limits=Limits(min_sequence_wait_seconds=0.1))
    handle = await connect(world.address).start("order", good_order())
    with pytest.raises(library.SequenceOutOfRange):
        await handle.state(min_sequence=99)


async def test_the_only_question_needs_no_id_and_plain_values_become_its_type(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    await waiting(world, handle.id, world.question("i1", REVIEW))
    decided = await handle.decide({"verdict": "VERDICT_APPROVE"})
    assert library.unpack(decided.decision) == ReviewDecision(verdict=1)
    again = await handle.decide({"verdict": "VERDICT_APPROVE"}, interrupt_id="i1")
    assert again.decided_at == decided.decided_at
    with pytest.raises(library.AlreadyDecided):
        await handle.decide(ReviewDecision(verdict=2), interrupt_id="i1")


async def test_a_wrong_decision_names_the_field(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    await waiting(world, handle.id, world.question("i1", REVIEW))
    with pytest.raises(library.InvalidInput) as refused:
        await handle.decide({"verdikt": 1})
    assert refused.value.violations[0].field == "verdikt"
    with pytest.raises(library.InvalidInput) as refused:
        await handle.decide(ReviewDecision())
    assert refused.value.violations[0].field == "verdict"


async def test_several_questions_want_an_id(world: World, client: Any) -> None:
    handle = await client.start("dynamic", {})
    await waiting(world, handle.id, world.question("i1"), world.question("i2"))
    with pytest.raises(library.UndecidedChoice, match="2 questions; say which: i1, i2") as choice:
        await handle.decide(decision=True)
    assert [interrupt.interrupt_id for interrupt in choice.value.interrupts] == ["i1", "i2"]
    assert library.unpack((await handle.decide([True], interrupt_id="i2")).decision) == [True]
    assert (await handle.decide({"only": "one"})).interrupt_id == "i1"
    with pytest.raises(library.NotFound, match="asks nothing now"):
        await handle.decide(decision=True)


async def test_a_failed_workflow_is_retried_and_any_is_forked(world: World, client: Any) -> None:
    handle = await client.start("order", good_order())
    with pytest.raises(library.NotRetryable):
        await handle.retry()
    await world.run(handle.id, 0, end=RunFailed(Failure(Reason.STEP_FAILED, "oh")))
    retried = await handle.retry(request_id="again")
    assert retried.workflow.origin.workflow_id == handle.id
    assert (await handle.retry(request_id="again")).id == retried.id
    with pytest.raises(library.NotFound) as refused:
        await handle.fork(checkpoint_id="none")
    assert refused.value.reason == "CHECKPOINT_NOT_FOUND"
    with pytest.raises(library.WorkflowEnded):
        await handle.cancel()


async def test_lists_go_over_pages_by_themselves(world: World, client: Any) -> None:
    started = [(await client.start("order", good_order(), labels={"n": str(number)})).id for number in range(7)]
    listed = [workflow.workflow_id async for workflow in client.workflows(page_size=3)]
    assert listed == started[::-1]
    assert [w.workflow_id async for w in client.workflows(labels={"n": "3"})] == [started[3]]
    assert [w async for w in client.workflows(statuses=["running"])] == []
    assert len([w async for w in client.workflows(statuses=["queued"], types=["order"])]) == 7
    assert [w async for w in client.workflows(created_before=timedelta(hours=-1))] == []
    with pytest.raises(library.InvalidInput, match="'walking' is no status; there are QUEUED, RUNNING"):
        [w async for w in client.workflows(statuses=["walking"])]
    assert [kind.name async for kind in client.types(page_size=1)] == ["dynamic", "order"]
    assert [checkpoint async for checkpoint in client.handle(started[0]).checkpoints()] == []


async def test_a_type_is_described_and_its_messages_are_decoded(client: Any) -> None:
    described = await client.describe("order")
    assert described.contract.result_type == Report.DESCRIPTOR.full_name
    payload = AnyMessage()
    payload.Pack(OrderProgress(items_done=3))
    assert await client.decode(payload) == OrderProgress(items_done=3)
    with pytest.raises(library.StrettoError, match=r"no\.such\.Message is neither an imported class nor in a contract"):
        await client.decode(AnyMessage(type_url="x/no.such.Message"))


async def test_messages_whose_classes_nobody_imported_come_out_of_the_catalog(
    world: World, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a process that has no generated code: the default pool is hidden."""
    monkeypatch.setattr(library._contracts, "class_of", _without_orders(library._contracts.class_of))
    handle = await client.start("order", GOOD)
    await world.run(handle.id, 0, end=DONE)
    result = await client.handle(handle.id).result()
    assert type(result) is not Report
    assert (result.DESCRIPTOR.full_name, result.summary, result.total_cents) == (
        Report.DESCRIPTOR.full_name,
        "two of ABC-1",
        300,
    )


def _without_orders(class_of: Callable[..., Any]) -> Callable[..., Any]:
    def hidden(full_name: str, pool: Any = None) -> Any:
        return (
            None if pool is None and full_name.startswith(orders_pb2.DESCRIPTOR.package) else class_of(full_name, pool)
        )

    return hidden


async def test_a_server_tells_how_it_is(world: World, client: Any) -> None:
    assert (await client.diagnose()).diagnosis.version == world.diagnostics.told.version
    await client.diagnose(commits=7)
    assert world.diagnostics.asked[-1] == 7
