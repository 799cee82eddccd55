"""Starting, reading, listing, deciding, cancelling, retrying and forking, over a real channel."""

import asyncio

import grpc
import ormsgpack
import pytest
from google.protobuf import json_format, struct_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp

from stretto.server.domain.change import (
    Blob,
    ChannelBlob,
    Checkpoint,
    RunFailed,
    RunPaused,
    RunSucceeded,
    Saved,
)
from stretto.server.domain.payload import STRUCT
from stretto.server.domain.workflow import DEFAULT_PROJECT, Failure, OriginKind, Reason
from stretto.server.rpc.server import Limits
from stretto.workflow.v1 import workflow_pb2
from stretto.workflow.v1 import workflow_service_pb2 as api
from tests.protos.generated.orders_pb2 import OrderRequest, Report, ReviewDecision
from tests.rpc.conftest import World, good_order, refusal_of

FAILED = RunFailed(Failure(Reason.STEP_FAILED, "It broke.", "ValueError", "node", "s1", 2))
REVIEW = "tests.orders.v1.ReviewDecision"


def packed(message) -> Any:
    made = Any()
    made.Pack(message)
    return made


def saved(number: int, **values) -> Saved:
    """A checkpoint with one value inside and the others outside."""
    body = {"id": f"c{number}", "channel_values": {"inline": number, "__start__": 1, "branch:to:node": None}}
    return Saved(
        checkpoints=(
            Checkpoint(
                namespace="",
                checkpoint_id=f"c{number}",
                parent_id=f"c{number - 1}" if number else "",
                superstep=number - 1,
                source="loop",
                created_at=1_000_000 + number,
                body=Blob("msgpack", ormsgpack.packb(body)),
                metadata=Blob("null", b""),
                channels=tuple((name, str(number)) for name in values),
            ),
        ),
        blobs=tuple(
            ChannelBlob("", name, str(number), Blob("msgpack", ormsgpack.packb(value)))
            for name, value in values.items()
        ),
    )


async def test_a_start_is_acknowledged_with_the_queued_workflow(world: World) -> None:
    deadline = Timestamp()
    deadline.FromMicroseconds(world.clock.now() + 60_000_000)
    response = await world.api.StartWorkflow(
        api.StartWorkflowRequest(
            workflow_type="order",
            input=packed(good_order()),
            session_id="s",
            labels={"a": "1", "b": "2"},
            deadline=deadline,
        )
    )
    made = response.workflow
    assert made.status == workflow_pb2.WORKFLOW_STATUS_QUEUED
    assert (made.workflow_type, made.type_version, made.session_id, dict(made.labels)) == (
        "order",
        "7",
        "s",
        {"a": "1", "b": "2"},
    )
    assert made.deadline == deadline
    assert (made.last_sequence, made.HasField("started_at")) == (1, False)
    assert [hint.workflow_id for hint in world.dispatcher.hints] == [made.workflow_id]
    stored = await world.store.get(DEFAULT_PROJECT, made.workflow_id)
    assert OrderRequest.FromString(stored.input.value) == good_order()


async def test_the_same_request_id_starts_one_workflow_however_the_request_is_serialized(world: World) -> None:
    order = good_order()
    order.notes.update({name: name for name in "abcdefgh"})
    backwards = good_order()
    backwards.notes.update({name: name for name in "hgfedcba"})
    foreign = Any(type_url="example.org/tests.orders.v1.OrderRequest", value=backwards.SerializeToString())
    requests = [
        api.StartWorkflowRequest(workflow_type="order", input=given, request_id="once")
        for given in (packed(order), packed(order), foreign)
    ]
    started = await asyncio.gather(*(world.api.StartWorkflow(request) for request in requests))
    assert len({response.workflow.workflow_id for response in started}) == 1
    assert started[0].workflow.request_id == "once"
    assert len(world.dispatcher.hints) == 1


async def test_a_start_without_a_request_id_gets_one(world: World) -> None:
    one, two = await world.start(), await world.start()
    assert one != two
    stored = await world.store.get(DEFAULT_PROJECT, one)
    assert stored.request_id.startswith("req_")


@pytest.mark.parametrize("message", [struct_pb2.Struct(), struct_pb2.Value(string_value="x"), struct_pb2.Value(), None])
async def test_the_dynamic_lane_takes_any_struct_or_value_or_nothing(world: World, message) -> None:
    request = api.StartWorkflowRequest(workflow_type="dynamic", input=packed(message) if message is not None else None)
    assert (await world.api.StartWorkflow(request)).workflow.workflow_id


async def test_state_and_journal_tell_the_same_story(world: World) -> None:
    workflow_id = await world.start()
    state = await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    assert (state.as_of_sequence, state.HasField("snapshot"), state.WhichOneof("outcome")) == (1, False, None)
    await world.claim(workflow_id)
    report = Report(summary="done", total_cents=5)
    payload = world.contracts.check("tests.orders.v1.Report", packed(report))
    await world.commit(workflow_id, saved=saved(3, notes=["a", {"b": None}]), end=RunSucceeded(payload))
    state = await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    assert state.workflow.status == workflow_pb2.WORKFLOW_STATUS_SUCCEEDED
    assert (state.as_of_sequence, state.workflow.last_sequence, state.checkpoint_id) == (3, 3, "c3")
    assert json_format.MessageToDict(state.snapshot) == {"inline": 3, "notes": ["a", {"b": None}]}
    shown = Report()
    assert state.result.Unpack(shown)
    assert shown == report
    brief = await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id, omit_snapshot=True))
    assert (brief.HasField("snapshot"), brief.checkpoint_id) == (False, "")


async def test_metrics_come_when_they_are_asked_for_and_belong_to_the_same_moment(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 2, end=FAILED)
    asked = api.GetStateRequest(workflow_id=workflow_id, include_metrics=True)
    state = await world.api.GetState(asked)
    row = state.workflow
    spans = (state.metrics.queued_for, state.metrics.ran_for, state.metrics.waited_for)
    lived = row.ended_at.ToMicroseconds() - row.created_at.ToMicroseconds()
    assert sum(span.ToMicroseconds() for span in spans) == lived
    assert state.metrics.event_count == state.as_of_sequence
    assert [(step.step, step.started_count) for step in state.metrics.steps] == [("node", 2)]
    asked.include_metrics = False
    assert not (await world.api.GetState(asked)).HasField("metrics")


async def test_a_failure_is_told_with_its_step(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 1, end=FAILED)
    state = await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    assert (state.error.reason, state.error.error_class, state.error.step, state.error.attempt) == (
        30,
        "ValueError",
        "node",
        2,
    )


async def test_a_read_waits_for_the_sequence_that_the_caller_knows_of(world: World) -> None:
    workflow_id = await world.start()
    reading = asyncio.ensure_future(world.api.GetState(api.GetStateRequest(workflow_id=workflow_id, min_sequence=4)))
    await world.run(workflow_id, 1)
    assert not reading.done()
    await world.commit(workflow_id, end=FAILED)
    assert (await reading).as_of_sequence == 4


async def test_a_read_that_waits_in_vain_says_how_far_it_is(worlds) -> None:
    world = await worlds(limits=Limits(min_sequence_wait_seconds=0.01))
    workflow_id = await world.start()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id, min_sequence=2))
    refusal = refusal_of(caught.value)
    assert (refusal.reason, refusal.metadata) == ("SEQUENCE_OUT_OF_RANGE", {"last_sequence": "1"})


async def test_a_decision_is_applied_once_and_the_same_again_is_fine(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 1)
    await world.commit(workflow_id, raised=(world.question("q", REVIEW),), end=RunPaused())
    waiting = await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    assert waiting.workflow.status == workflow_pb2.WORKFLOW_STATUS_WAITING
    asked = waiting.pending_interrupts[0]
    assert (asked.interrupt_id, asked.decision_type, asked.question.string_value) == ("q", REVIEW, "Well?")
    approve = packed(ReviewDecision(verdict=ReviewDecision.VERDICT_APPROVE, comment="Fine."))
    request = api.DecideRequest(workflow_id=workflow_id, interrupt_id="q", decision=approve)
    first, again = await world.api.Decide(request), await world.api.Decide(request)
    assert first.workflow.status == workflow_pb2.WORKFLOW_STATUS_QUEUED
    assert first == again
    assert first.interrupt.decision == approve
    state = await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))
    assert not state.pending_interrupts


async def test_of_many_different_decisions_one_wins_and_all_others_are_told(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 1)
    await world.commit(workflow_id, raised=(world.question("q"),), end=RunPaused())

    async def decide(number: int) -> str:
        answer = packed(struct_pb2.Value(number_value=number))
        request = api.DecideRequest(workflow_id=workflow_id, interrupt_id="q", decision=answer)
        try:
            await world.api.Decide(request)
        except grpc.aio.AioRpcError as error:
            return refusal_of(error).reason
        return "OK"

    outcomes = await asyncio.gather(*(decide(number) for number in range(20)))
    assert sorted(outcomes) == ["ALREADY_DECIDED"] * 19 + ["OK"]


async def test_no_decision_is_null_where_any_value_will_do(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 1)
    await world.commit(workflow_id, raised=(world.question("q", STRUCT),), end=RunPaused())
    request = api.DecideRequest(workflow_id=workflow_id, interrupt_id="q")
    decided = await world.api.Decide(request)
    assert decided.interrupt.decision_type == ""
    shown = struct_pb2.Value()
    assert decided.interrupt.decision.Unpack(shown)
    assert shown.WhichOneof("kind") == "null_value"
    request.decision.Pack(struct_pb2.Value(null_value=struct_pb2.NULL_VALUE))
    assert await world.api.Decide(request) == decided


async def test_a_cancel_is_idempotent(world: World) -> None:
    workflow_id = await world.start()
    request = api.CancelWorkflowRequest(workflow_id=workflow_id, cause="Enough.")
    first, again = await world.api.CancelWorkflow(request), await world.api.CancelWorkflow(request)
    assert first.workflow.status == workflow_pb2.WORKFLOW_STATUS_CANCELLED
    assert first == again
    assert first.workflow.last_sequence == 3


async def test_a_failed_workflow_is_retried_as_a_new_one(world: World) -> None:
    workflow_id = await world.start(labels={"a": "b"})
    await world.claim(workflow_id)
    await world.commit(workflow_id, saved=saved(1), end=FAILED)
    request = api.RetryWorkflowRequest(workflow_id=workflow_id, request_id="again")
    made = (await world.api.RetryWorkflow(request)).workflow
    assert (await world.api.RetryWorkflow(request)).workflow == made
    assert (made.origin.kind, made.origin.workflow_id, made.origin.checkpoint_id) == (
        OriginKind.RETRY,
        workflow_id,
        "c1",
    )
    assert dict(made.labels) == {"a": "b"}
    old = (await world.api.GetState(api.GetStateRequest(workflow_id=workflow_id))).workflow
    assert (old.retried_as, old.status) == (made.workflow_id, workflow_pb2.WORKFLOW_STATUS_FAILED)


async def test_a_fork_goes_on_from_a_chosen_checkpoint_with_edited_values(world: World) -> None:
    workflow_id = await world.start()
    await world.claim(workflow_id)
    await world.commit(workflow_id, saved=saved(1))
    await world.commit(workflow_id, saved=saved(2))
    values = struct_pb2.Struct()
    values.update({"inline": 9})
    request = api.ForkWorkflowRequest(workflow_id=workflow_id, checkpoint_id="c1", values=values, as_step="node")
    made = (await world.api.ForkWorkflow(request)).workflow
    assert (made.origin.kind, made.origin.checkpoint_id) == (OriginKind.FORK, "c1")
    origin = (await world.store.get(DEFAULT_PROJECT, made.workflow_id)).origin
    assert origin
    assert origin.edit
    assert (world.contracts.decode(origin.edit.values), origin.edit.as_step) == ({"inline": 9}, "node")


async def test_lists_page_through_everything_once_newest_first(world: World) -> None:
    started = [await world.start(session_id="s" if number % 2 else "") for number in range(7)]
    request, pages = api.ListWorkflowsRequest(page_size=3), []
    while True:
        response = await world.api.ListWorkflows(request)
        pages.append([workflow.workflow_id for workflow in response.workflows])
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
        request.page_size = 2  # The size of a page is no part of its filter.
    assert [len(page) for page in pages] == [3, 2, 2]
    found = [each for page in pages for each in page]
    assert sorted(found) == sorted(started)
    created = [(await world.store.get(DEFAULT_PROJECT, each)).created_at for each in found]
    assert created == sorted(created, reverse=True)


async def test_lists_filter(world: World) -> None:
    one = await world.start(labels={"a": "1"}, session_id="s")
    two = await world.start(labels={"a": "2"})
    await world.api.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=two))

    async def found(**fields) -> list[str]:
        response = await world.api.ListWorkflows(api.ListWorkflowsRequest(**fields))
        return [workflow.workflow_id for workflow in response.workflows]

    assert await found(labels={"a": "1"}) == [one]
    assert await found(session_id="s") == [one]
    assert await found(statuses=[workflow_pb2.WORKFLOW_STATUS_CANCELLED]) == [two]
    assert await found(workflow_types=["dynamic"]) == []
    assert sorted(await found(workflow_types=["dynamic", "order"])) == sorted([one, two])
    assert await found(created_before=Timestamp()) == []
    assert len(await found(created_after=Timestamp())) == 2


async def test_a_page_of_large_entries_ends_early_and_the_next_goes_on(world: World) -> None:
    workflow_id = await world.start()
    await world.claim(workflow_id)
    for number in range(6):
        await world.commit(workflow_id, saved=saved(number, text="x" * 900_000))
    request, seen = api.ListCheckpointsRequest(workflow_id=workflow_id, include_snapshots=True), []
    while True:
        response = await world.api.ListCheckpoints(request)
        assert response.ByteSize() < 3 * 1024 * 1024
        seen += [checkpoint.checkpoint_id for checkpoint in response.checkpoints]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert seen == [f"c{number}" for number in range(5, -1, -1)]


async def test_checkpoints_are_listed_with_what_made_them(world: World) -> None:
    workflow_id = await world.start()
    await world.claim(workflow_id)
    await world.commit(workflow_id, saved=saved(1, text="a"))
    await world.commit(workflow_id, saved=saved(2, text="b"))
    response = await world.api.ListCheckpoints(api.ListCheckpointsRequest(workflow_id=workflow_id))
    newest, oldest = response.checkpoints
    assert (newest.checkpoint_id, newest.parent_checkpoint_id, newest.superstep, newest.source) == (
        "c2",
        "c1",
        1,
        "loop",
    )
    assert oldest.created_at.ToMicroseconds() == 1_000_001
    assert not newest.HasField("snapshot")
    with_values = await world.api.ListCheckpoints(
        api.ListCheckpointsRequest(workflow_id=workflow_id, include_snapshots=True)
    )
    assert [json_format.MessageToDict(each.snapshot)["text"] for each in with_values.checkpoints] == ["b", "a"]
