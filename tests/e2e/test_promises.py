"""Promises that callers rely on, each kept by a real server over a real channel."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.struct_pb2 import Struct, Value

from stretto.workflow.v1 import workflow_pb2 as model
from stretto.workflow.v1 import workflow_service_pb2 as api
from tests.e2e.conftest import Caller, Serving
from tests.rpc.conftest import refusal_of

APP = "tests.e2e.promised:app"
TERMINAL = {"completed", "failed", "cancelled", "quarantined"}
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server for all tests that do not kill it."""
    place = Serving(tmp_path_factory.mktemp("shared"))
    asyncio.run(place.up(APP, "--bookmark-seconds", "0.05"))
    yield place
    place.service.kill()


@pytest.fixture
async def guest(shared):
    """A caller of the shared server."""
    guest = Caller(shared.address)
    yield guest
    await guest.channel.close()


def packed(message: Any) -> AnyProto:
    made = AnyProto()
    made.Pack(message)
    return made


def start_of(workflow_type: str, request_id: str = "", session_id: str = "", **values: Any) -> api.StartWorkflowRequest:
    struct = Struct()
    struct.update(values)
    return api.StartWorkflowRequest(
        workflow_type=workflow_type, input=packed(struct), request_id=request_id, session_id=session_id
    )


async def refused(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Code, reason and metadata of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = refusal_of(caught.value)
    return refusal.code, refusal.reason, refusal.metadata


async def journal(caller: Any, workflow_id: str, after: int = 0) -> list[Any]:
    return [event async for event in caller.watch(workflow_id, after)]


def kinds_of(events: list[Any]) -> list[str]:
    return [event.WhichOneof("kind") for event in events]


# P2: the same request id never starts two.


async def test_p2_a_request_id_starts_one_workflow_whatever_comes_with_it_also_after_a_kill(
    serving, caller, make_caller
):
    server = await serving.up(APP)
    callers = [make_caller(serving.address) for _ in range(5)]

    async def fifty() -> set[str]:
        request = start_of("counts", "the-one", count=1)
        calls = [each.stub.StartWorkflow(request, wait_for_ready=True) for each in callers for _ in range(10)]
        return {answer.workflow.workflow_id for answer in await asyncio.gather(*calls)}

    async def others() -> list[tuple[grpc.StatusCode, str, dict[str, str]]]:
        calls = [
            caller.stub.StartWorkflow(other, wait_for_ready=True)
            for other in (*different, start_of("fails", "the-one", count=1))
        ]
        cancel = api.CancelWorkflowRequest(workflow_id=workflow_id, request_id="the-one")
        return [await refused(call) for call in (*calls, caller.stub.CancelWorkflow(cancel, wait_for_ready=True))]

    different = (start_of("counts", "the-one", count=2), start_of("counts", "the-one", "session", count=1))
    (workflow_id,) = await fifty()
    expected = [(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", {"workflow_id": workflow_id})] * 4
    assert await others() == expected
    server.kill()
    await serving.up(APP)
    assert await fifty() == {workflow_id}
    await caller.until(workflow_id, "completed")
    assert await fifty() == {workflow_id}
    assert await others() == expected
    listed = await caller.stub.ListWorkflows(api.ListWorkflowsRequest())
    assert [workflow.workflow_id for workflow in listed.workflows] == [workflow_id]
    assert kinds_of(await journal(caller, workflow_id)).count("accepted") == 1
    for each in callers:
        await each.channel.close()


# P3: unknown is not failed.


@dataclass
class Attempt:
    """A call that changes something, and how often it did."""

    call: Callable[[], Any]
    effects: Callable[[], Awaitable[int]]

    async def settle(self) -> None:
        """Repeat the call until its answer is known, and once more; it must have happened once."""
        answers = [(await self.call()).workflow.workflow_id for _ in range(2)]
        assert answers[0] == answers[1]
        assert await self.effects() == 1


async def attempts(caller: Any, name: str) -> dict[str, Attempt]:
    """One attempt of each mutating verb, each with a workflow of its own to act on."""
    stub = caller.stub

    async def listed(session: str) -> int:
        return len((await stub.ListWorkflows(api.ListWorkflowsRequest(session_id=session))).workflows)

    async def happened(workflow_id: str, kind: str) -> int:
        sequence = (await caller.state(workflow_id)).as_of_sequence
        seen = 0
        async for event in caller.watch(workflow_id):
            seen += event.WhichOneof("kind") == kind
            if event.sequence == sequence:
                return seen
        return seen

    async def started(workflow_type: str, verb: str) -> str:
        request = start_of(workflow_type, session_id=f"{name}-{verb}")
        return (await stub.StartWorkflow(request, wait_for_ready=True)).workflow.workflow_id

    asks, waits, fails, forked = (
        await started("asks", "decide"),
        await started("asks", "cancel"),
        await started("fails", "retry"),
        await started("quick", "fork"),
    )
    question = (await caller.until(asks, "interrupt_raised")).interrupt_raised.interrupt
    for workflow_id in (asks, waits):
        await caller.until_status(workflow_id, model.WORKFLOW_STATUS_WAITING)
    await caller.until(fails, "failed")
    await caller.until(forked, "completed")
    requests = {
        "start": (stub.StartWorkflow, start_of("quick", f"{name}-start", f"{name}-start")),
        "decide": (
            stub.Decide,
            api.DecideRequest(
                workflow_id=asks,
                interrupt_id=question.interrupt_id,
                decision=packed(Value(string_value="yes")),
                request_id=f"{name}-decide",
            ),
        ),
        "cancel": (stub.CancelWorkflow, api.CancelWorkflowRequest(workflow_id=waits, request_id=f"{name}-cancel")),
        "retry": (stub.RetryWorkflow, api.RetryWorkflowRequest(workflow_id=fails, request_id=f"{name}-retry")),
        "fork": (stub.ForkWorkflow, api.ForkWorkflowRequest(workflow_id=forked, request_id=f"{name}-fork")),
    }

    def calling(verb: str) -> Callable[[], Any]:
        method, request = requests[verb]
        return lambda: method(request, wait_for_ready=True, timeout=20)

    async def made(verb: str) -> int:
        return await listed(f"{name}-{verb}") - 1  # Without the one that it was made from.

    return {
        "start": Attempt(calling("start"), lambda: listed(f"{name}-start")),
        "decide": Attempt(calling("decide"), lambda: happened(asks, "interrupt_decided")),
        "cancel": Attempt(calling("cancel"), lambda: happened(waits, "cancelled")),
        "retry": Attempt(calling("retry"), lambda: made("retry")),
        "fork": Attempt(calling("fork"), lambda: made("fork")),
    }


async def test_p3_a_caller_that_gives_up_at_any_moment_may_repeat_every_verb(guest):
    for turns in (0, 1, 2, 4, 8, 16, 32):
        for attempt in (await attempts(guest, f"turns-{turns}")).values():
            call = attempt.call()
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
            await attempt.settle()


async def test_p3_every_verb_may_be_repeated_after_a_kill_during_its_call(serving, caller):
    server = await serving.up(APP)
    for answers_before in (0, 1):
        made = await attempts(caller, f"killed-after-{answers_before}")
        calls = [asyncio.ensure_future(_outcome(attempt.call())) for attempt in made.values()]
        if answers_before:
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(0)  # The calls are on their way; nobody knows how far they get.
        server.kill()
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        server = await serving.up(APP)
        for attempt in made.values():
            await attempt.settle()


async def _outcome(call: Any) -> Any:
    with contextlib.suppress(grpc.aio.AioRpcError):
        return await call


# P4: progress events are ordered, unique, gapless, resumable and bookmarked.


async def bytes_of(caller: Any, workflow_id: str, after: int = 0) -> list[bytes]:
    """The answers of a watch as they came over the wire, one event each."""
    raw = caller.channel.unary_stream(
        "/stretto.workflow.v1.WorkflowService/WatchProgress",
        request_serializer=api.WatchProgressRequest.SerializeToString,
    )
    request = api.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after)
    return [response async for response in raw(request, wait_for_ready=True, timeout=20)]


async def test_p4_a_watcher_cut_at_every_sequence_sees_exactly_what_is_missing(serving, caller):
    server = await serving.up(APP)
    path = str(serving.folder / "gate")
    workflow_id = await caller.start("gates", path=path, count=3)
    live = [asyncio.ensure_future(bytes_of(caller, workflow_id)) for _ in range(2)]
    for number in range(3):  # Each event is waited for, so the live watchers get them one by one.
        await _until_message(caller, workflow_id, f"gate {number}")
        Path(f"{path}.{number}").touch()
    whole, other = await asyncio.gather(*live)
    assert whole == other
    events = [api.WatchProgressResponse.FromString(body).event for body in whole]
    last = len(events)
    assert [event.sequence for event in events] == list(range(1, last + 1))
    assert [kind in TERMINAL for kind in kinds_of(events)] == [False] * (last - 1) + [True]
    for restarts in range(2):  # Out of memory, and after a kill out of the store.
        if restarts:
            server.kill()
            await serving.up(APP)
        for cut in range(last + 1):
            assert await bytes_of(caller, workflow_id, cut) == whole[cut:]
            for size in (2, 3, 1000):
                assert await _batches(caller, workflow_id, cut, size) == events[cut:]
        assert await refused(bytes_of(caller, workflow_id, last + 1)) == (
            grpc.StatusCode.OUT_OF_RANGE,
            "SEQUENCE_OUT_OF_RANGE",
            {"last_sequence": str(last)},
        )


async def test_p4_a_watcher_that_is_cut_after_each_event_of_a_running_workflow_misses_none(guest):
    workflow_id = await guest.start("counts", count=60)
    seen: list[Any] = []
    while not seen or seen[-1].WhichOneof("kind") not in TERMINAL:
        async with contextlib.aclosing(guest.watch(workflow_id, len(seen))) as stream:
            seen.append(await anext(stream))
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert seen == await journal(guest, workflow_id)
    messages = [event.step_progress.message for event in seen if event.WhichOneof("kind") == "step_progress"]
    assert messages == [str(number) for number in range(60)]


async def test_p4_an_idle_watcher_gets_bookmarks_that_take_no_sequence(guest):
    workflow_id = await guest.start("asks")
    question = (await guest.until(workflow_id, "interrupt_raised")).interrupt_raised.interrupt
    await guest.until_status(workflow_id, model.WORKFLOW_STATUS_WAITING)
    last = (await guest.state(workflow_id)).as_of_sequence
    for after in (0, last):
        stream = guest.stub.WatchProgress(
            api.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after), timeout=20
        )
        sequences = [(await stream.read()).event.sequence for _ in range(last - after)]
        assert sequences == list(range(after + 1, last + 1))
        assert [(await stream.read()).bookmark.last_sequence for _ in range(3)] == [last] * 3
        stream.cancel()
    stream = guest.watch(workflow_id, last)
    await guest.stub.Decide(api.DecideRequest(workflow_id=workflow_id, interrupt_id=question.interrupt_id))
    rest = [event async for event in stream]
    assert [event.sequence for event in rest] == list(range(last + 1, last + len(rest) + 1))
    assert kinds_of(rest)[0] == "interrupt_decided"


async def _batches(caller: Any, workflow_id: str, after: int, size: int) -> list[Any]:
    """The events of a watch that takes batches."""
    request = api.WatchProgressRequest(workflow_id=workflow_id, after_sequence=after, batch_size_max=size)
    events = []
    async for response in caller.stub.WatchProgress(request, timeout=20):
        assert len(response.batch.events) <= size
        events += response.batch.events or [response.event]
    return events


async def _until_message(caller: Any, workflow_id: str, message: str) -> None:
    async with contextlib.aclosing(caller.watch(workflow_id)) as stream:
        async for event in stream:
            if event.step_progress.message == message:
                return
    raise AssertionError(f"no {message}")


# P5: reads are of durable state.


async def test_p5_a_state_says_how_far_it_is_and_watching_on_misses_nothing(guest, tmp_path):
    path = str(tmp_path / "gate")
    workflow_id = await guest.start("gates", path=path, count=4)
    states, rests = [], []
    for number in range(4):
        await _until_message(guest, workflow_id, f"gate {number}")
        states.append(await guest.state(workflow_id))
        rests.append(asyncio.ensure_future(journal(guest, workflow_id, states[-1].as_of_sequence)))
        Path(f"{path}.{number}").touch()
    while states[-1].workflow.status != model.WORKFLOW_STATUS_SUCCEEDED:  # Reads at whatever moment, too.
        states.append(await guest.state(workflow_id))
        rests.append(asyncio.ensure_future(journal(guest, workflow_id, states[-1].as_of_sequence)))
    whole = await journal(guest, workflow_id)
    for state, rest in zip(states, rests, strict=True):
        at = state.as_of_sequence
        assert await rest == whole[at:]
        assert state.workflow.last_sequence == at
        told = [event for event in whole[:at] if event.WhichOneof("kind") == "step_progress"]
        assert state.workflow.headline == told[-1].step_progress.message
        ended = kinds_of(whole)[at - 1] in TERMINAL
        assert (state.workflow.status == model.WORKFLOW_STATUS_SUCCEEDED, state.HasField("result")) == (ended, ended)
    assert [state.as_of_sequence for state in states] == sorted(state.as_of_sequence for state in states)


async def test_p5_a_read_waits_for_the_sequence_that_its_caller_asks_for(guest, tmp_path):
    path = str(tmp_path / "gate")
    workflow_id = await guest.start("gates", path=path, count=1)
    await _until_message(guest, workflow_id, "gate 0")
    before = (await guest.state(workflow_id)).as_of_sequence
    assert (await _read_at(guest, workflow_id, before)).as_of_sequence == before
    waiting = asyncio.ensure_future(_read_at(guest, workflow_id, before + 1))
    await guest.state(workflow_id)  # A whole other call fits in between.
    assert not waiting.done()
    Path(f"{path}.0").touch()
    assert (await waiting).as_of_sequence > before
    last = len(await journal(guest, workflow_id))
    assert (await _read_at(guest, workflow_id, last)).workflow.status == model.WORKFLOW_STATUS_SUCCEEDED
    assert await refused(_read_at(guest, workflow_id, last + 1)) == (
        grpc.StatusCode.OUT_OF_RANGE,
        "SEQUENCE_OUT_OF_RANGE",
        {"last_sequence": str(last)},
    )


async def _read_at(caller: Any, workflow_id: str, sequence: int) -> api.GetStateResponse:
    request = api.GetStateRequest(workflow_id=workflow_id, min_sequence=sequence)
    return await caller.stub.GetState(request, timeout=20)


# P10: one terminal state.


async def test_p10_an_ended_workflow_never_changes_and_each_second_end_is_told_why(serving, caller):
    server = await serving.up(APP)
    succeeded, failed, cancelled = [await caller.start(kind) for kind in ("quick", "fails", "asks")]
    await caller.until(succeeded, "completed")
    await caller.until(failed, "failed")
    question = (await caller.until(cancelled, "interrupt_raised")).interrupt_raised.interrupt
    await caller.stub.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=cancelled, cause="first"))
    await caller.until(cancelled, "cancelled")
    ended = (succeeded, failed, cancelled)
    before = [((await caller.state(each)), await journal(caller, each)) for each in ended]

    def cancel(workflow_id: str) -> Awaitable[Any]:
        return caller.stub.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=workflow_id), wait_for_ready=True)

    def retry(workflow_id: str) -> Awaitable[Any]:
        return caller.stub.RetryWorkflow(api.RetryWorkflowRequest(workflow_id=workflow_id), wait_for_ready=True)

    decide = api.DecideRequest(workflow_id=cancelled, interrupt_id=question.interrupt_id)
    for restarts in range(2):
        if restarts:
            server.kill()
            await serving.up(APP)
        assert await refused(cancel(succeeded)) == (PRECONDITION, "WORKFLOW_ENDED", {"status": "SUCCEEDED"})
        assert await refused(cancel(failed)) == (PRECONDITION, "WORKFLOW_ENDED", {"status": "FAILED"})
        assert await refused(caller.stub.Decide(decide, wait_for_ready=True)) == (
            PRECONDITION,
            "WORKFLOW_ENDED",
            {"status": "CANCELLED"},
        )
        assert await refused(retry(succeeded)) == (PRECONDITION, "NOT_RETRYABLE", {"status": "SUCCEEDED"})
        assert await refused(retry(cancelled)) == (PRECONDITION, "NOT_RETRYABLE", {"status": "CANCELLED"})
        assert (await cancel(cancelled)).workflow == before[2][0].workflow
        assert [((await caller.state(each)), await journal(caller, each)) for each in ended] == before


async def test_p10_a_cancel_that_races_the_last_step_leaves_one_end(guest, tmp_path):
    ends = {
        "completed": model.WORKFLOW_STATUS_SUCCEEDED,
        "cancelled": model.WORKFLOW_STATUS_CANCELLED,
    }
    for number in range(10):
        path = str(tmp_path / f"race-{number}")
        workflow_id = await guest.start("gates", path=path, count=1)
        await _until_message(guest, workflow_id, "gate 0")
        Path(f"{path}.0").touch()
        await asyncio.sleep(number * 0.001)  # Spreads the races; each outcome is right.
        with contextlib.suppress(grpc.aio.AioRpcError):
            await guest.stub.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=workflow_id))
        kinds = kinds_of(await journal(guest, workflow_id))
        assert [kind for kind in kinds if kind in TERMINAL] == kinds[-1:]
        assert (await guest.state(workflow_id)).workflow.status == ends[kinds[-1]]
