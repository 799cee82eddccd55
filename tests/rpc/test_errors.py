"""Every status and reason that a caller can meet, each met over a real channel."""

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from structlog.testing import capture_logs

from stretto.server.domain.change import RunFailed, RunPaused
from stretto.server.domain.errors import Draining, Overloaded, StoreUnavailable
from stretto.server.domain.payload import STRUCT
from stretto.server.domain.workflow import DEFAULT_PROJECT, Failure, Reason
from stretto.server.store.port import WorkflowFilter
from stretto.session.v1 import session_service_pb2 as session_api
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.error_reason_pb2 import ErrorReason
from tests.protos.generated.orders_pb2 import Item, OrderRequest, ReviewDecision
from tests.rpc.conftest import World, refusal_of
from tests.rpc.refused import CASES, EXHAUSTED, PRECONDITION, REVIEW, UNAVAILABLE, packed, start


async def waiting_workflow(world: World) -> str:
    """A workflow with a typed question, an open one and a decided one."""
    workflow_id = await world.start(request_id="used")
    await world.run(workflow_id, 1)
    raised = tuple(world.question(name, REVIEW) for name in ("typed", "decided"))
    await world.commit(workflow_id, raised=(*raised, world.question("open", STRUCT)), end=RunPaused())
    await world.api.Decide(
        api.DecideRequest(
            workflow_id=workflow_id,
            interrupt_id="decided",
            decision=packed(ReviewDecision(verdict=ReviewDecision.VERDICT_APPROVE)),
        )
    )
    await world.start(session_id="busy")  # So that lists have two pages of one.
    return workflow_id


async def trace(world: World) -> object:
    """All that the store holds of workflows."""
    rows = await world.store.list(DEFAULT_PROJECT, WorkflowFilter(), 100)
    return [
        (row, await world.store.interrupts(DEFAULT_PROJECT, row.workflow_id), await world.events(row.workflow_id))
        for row in rows
    ]


@pytest.mark.parametrize("name", CASES)
async def test_a_bad_request_is_refused_with_its_own_reason_and_leaves_no_trace(world: World, name: str) -> None:
    case = CASES[name]
    workflow_id = await waiting_workflow(world)
    before, hints = await trace(world), len(world.dispatcher.hints)
    with capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as caught:
        await case.call(world, workflow_id)
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason, refusal.domain) == (case.code, case.reason, "stretto.dev")
    assert case.text in refusal.text
    assert set(refusal.fields) == set(case.fields) or (not case.fields and case.reason == "WRONG_PAYLOAD_TYPE")
    assert set(case.metadata) <= set(refusal.metadata)
    assert await trace(world) == before
    assert len(world.dispatcher.hints) == hints
    assert [entry["code"] for entry in logs if entry["event"] == "call" and entry["code"] != "OK"] == [case.code.name]
    assert not [entry for entry in logs if entry.get("exc_info") or entry["log_level"] in ("warning", "error")]


async def test_a_second_terminal_action_is_refused_with_the_status(world: World) -> None:
    workflow_id = await world.start()
    await world.run(workflow_id, 1, end=RunFailed(Failure(Reason.STEP_FAILED, "no")))
    before = await trace(world)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.api.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=workflow_id))
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason, refusal.metadata) == (PRECONDITION, "WORKFLOW_ENDED", {"status": "FAILED"})
    assert await trace(world) == before


async def test_a_decision_in_an_ended_workflow_is_refused(world: World) -> None:
    workflow_id = await waiting_workflow(world)
    await world.api.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=workflow_id))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.api.Decide(api.DecideRequest(workflow_id=workflow_id, interrupt_id="open"))
    assert refusal_of(caught.value).reason == "WORKFLOW_ENDED"


async def test_a_deleted_session_takes_no_workflow(world: World) -> None:
    workflow_id = await world.start(session_id="gone")
    await world.api.CancelWorkflow(api.CancelWorkflowRequest(workflow_id=workflow_id))
    await world.sessions.DeleteSession(session_api.DeleteSessionRequest(session_id="gone"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.start(session_id="gone")
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (PRECONDITION, "SESSION_DELETED")


@pytest.mark.parametrize(
    ("error", "code", "reason", "retry_seconds"),
    [
        (Overloaded(retry_seconds=2.5), EXHAUSTED, "OVERLOADED", 2.5),
        (Draining(), UNAVAILABLE, "DRAINING", 1.0),
        (StoreUnavailable(), UNAVAILABLE, "STORE_UNAVAILABLE", 1.0),
    ],
)
async def test_a_server_that_cannot_says_when_to_come_back(world: World, error, code, reason, retry_seconds) -> None:
    world.dispatcher.refusal = error
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.start()
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason, refusal.retry_seconds) == (code, reason, retry_seconds)


async def test_an_unknown_fault_tells_the_log_and_not_the_caller(world: World) -> None:
    world.dispatcher.refusal = ValueError("secret path /etc/x")  # type: ignore[assignment]
    with capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.start()
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in str(caught.value)
    assert [entry["event"] for entry in logs if entry.get("exc_info")] == ["call failed"]


async def test_a_message_beyond_grpcs_own_bound_is_refused_by_grpc(world: World) -> None:
    big = Any(type_url="x/tests.orders.v1.OrderRequest", value=b"x" * (5 * 1024 * 1024))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await start(input=big)(world, "")
    assert caught.value.code() is EXHAUSTED
    assert "larger than max" in (caught.value.details() or "")


async def test_a_method_that_is_not_there_is_unimplemented(world: World) -> None:
    for path in ("/stretto.workflow.v1.WorkflowService/Nope", "/no.Such/Thing", "/stretto.workflow.v1.WorkflowService"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.channels[0].unary_unary(path)(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_many_violations_still_fit_into_a_clients_headers(world: World) -> None:
    order = OrderRequest(customer="x" * 100, items=[Item(sku="y" * 200) for _ in range(200)])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await start(input=packed(order))(world, "")
    refusal = refusal_of(caught.value)
    assert refusal.reason == "INVALID_PAYLOAD"
    assert int(refusal.metadata["violations_left_out"]) > 0


def test_every_reason_of_a_refusal_is_met_by_a_test() -> None:
    met = {case.reason for case in CASES.values()}
    met |= {
        "WORKFLOW_ENDED",
        "OVERLOADED",
        "DRAINING",
        "STORE_UNAVAILABLE",
        "INTERNAL",
        "STREAM_ENDED",
        "SESSION_DELETED",
    }
    refusals = {name.removeprefix("ERROR_REASON_") for name, number in ErrorReason.items() if 0 < number < 30}
    assert met == refusals
