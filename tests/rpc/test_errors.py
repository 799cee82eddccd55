"""Every status and reason that a caller can meet, each met over a real channel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp
from structlog.testing import capture_logs

from stretto.operations.v1 import operations_service_pb2 as operations
from stretto.server.domain.change import RunFailed, RunPaused
from stretto.server.domain.errors import Draining, Overloaded, StoreUnavailable
from stretto.server.domain.payload import STRUCT
from stretto.server.domain.workflow import DEFAULT_PROJECT, Failure, Reason
from stretto.server.rpc.contracts import PAYLOAD_BYTES_MAX
from stretto.server.store.port import WorkflowFilter
from stretto.session.v1 import session_service_pb2 as session_api
from stretto.workflow.v1 import workflow_service_pb2 as api
from stretto.workflow.v1.error_reason_pb2 import ErrorReason
from tests.protos.generated.orders_pb2 import Item, OrderRequest, ReviewDecision
from tests.rpc.conftest import World, good_order, refusal_of

REVIEW = "tests.orders.v1.ReviewDecision"

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@dataclass(frozen=True)
class Case:
    call: Callable[[World, str], Awaitable[object]]
    code: grpc.StatusCode
    reason: str
    text: str
    fields: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()


def packed(message) -> Any:
    made = Any()
    made.Pack(message)
    return made


def start(**fields):
    async def call(world: World, _: str) -> None:
        await world.api.StartWorkflow(api.StartWorkflowRequest(**{"workflow_type": "order", **fields}))

    return call


def start_with(body: bytes):
    return start(input=Any(type_url="type.googleapis.com/tests.orders.v1.OrderRequest", value=body))


async def malformed(world: World, _: str) -> None:
    call = world.channels[0].unary_unary("/stretto.workflow.v1.WorkflowService/StartWorkflow")
    await call(b"\xff\xff\xff")


async def malformed_watch(world: World, _: str) -> None:
    async for _response in world.channels[0].unary_stream("/stretto.workflow.v1.WorkflowService/WatchProgress")(
        b"\x0f"
    ):
        pass


async def malformed_reflection(world: World, _: str) -> None:
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    async for _response in world.channels[0].stream_stream(path)(iter([b"\xff\xff\xff"])):
        pass


async def reused_request_id(world: World, _: str) -> None:
    await world.api.StartWorkflow(
        api.StartWorkflowRequest(workflow_type="order", input=packed(good_order()), request_id="used", session_id="x")
    )


def decide(interrupt_id: str = "typed", **fields):
    async def call(world: World, workflow_id: str) -> None:
        await world.api.Decide(api.DecideRequest(workflow_id=workflow_id, interrupt_id=interrupt_id, **fields))

    return call


def on(method: str, request, **fields):
    """A call about the workflow that the test has."""

    async def call(world: World, workflow_id: str) -> None:
        await getattr(world.api, method)(request(**{"workflow_id": workflow_id, **fields}))

    return call


async def watch_too_far(world: World, workflow_id: str) -> None:
    async for _ in world.api.WatchProgress(api.WatchProgressRequest(workflow_id=workflow_id, after_sequence=99)):
        pass


async def watch_unknown(world: World, _: str) -> None:
    async for _ in world.api.WatchProgress(api.WatchProgressRequest(workflow_id="wf_no")):
        pass


def listing(**fields):
    async def call(world: World, _: str) -> None:
        await world.api.ListWorkflows(api.ListWorkflowsRequest(**fields))

    return call


def talk(method: str, request, **fields):
    """A call about a session."""

    async def call(world: World, _: str) -> None:
        answer = getattr(world.sessions, method)(request(**{"session_id": "no", **fields}))
        await (answer.read() if hasattr(answer, "read") else answer)

    return call


def operate(method: str, request, **fields):
    """A call of those who operate the server."""

    async def call(world: World, _: str) -> None:
        await getattr(world.operations, method)(request(**fields))

    return call


async def token_of_another_filter(world: World, _: str) -> None:
    first = await world.api.ListWorkflows(api.ListWorkflowsRequest(page_size=1))
    assert first.next_page_token
    await world.api.ListWorkflows(
        api.ListWorkflowsRequest(page_size=1, page_token=first.next_page_token, session_id="other")
    )


async def token_of_another_list(world: World, workflow_id: str) -> None:
    first = await world.api.ListWorkflows(api.ListWorkflowsRequest(page_size=1))
    await world.api.ListCheckpoints(
        api.ListCheckpointsRequest(workflow_id=workflow_id, page_token=first.next_page_token)
    )


BIG = good_order()
BIG.customer = "x" * PAYLOAD_BYTES_MAX

CASES = {
    "malformed bytes": Case(malformed, INVALID, "MALFORMED_REQUEST", "bytes are no message"),
    "malformed bytes of a stream": Case(malformed_watch, INVALID, "MALFORMED_REQUEST", "bytes are no message"),
    "malformed bytes in a stream": Case(malformed_reflection, INVALID, "MALFORMED_REQUEST", "bytes are no message"),
    "a request that breaks its rules": Case(
        start(workflow_type="", request_id="x" * 129),
        INVALID,
        "INVALID_REQUEST",
        "workflow_type must be at least 1",
        ("request_id", "workflow_type"),
    ),
    "too long a label": Case(
        start(labels={"": "x"}),
        INVALID,
        "INVALID_REQUEST",
        "labels['']",
        ("labels['']",),
    ),
    "a deadline in the past": Case(
        start(input=packed(good_order()), deadline=Timestamp(seconds=1)),
        INVALID,
        "INVALID_REQUEST",
        "deadline must lie in the future",
        ("deadline",),
    ),
    "a deadline that no calendar has": Case(
        start(input=packed(good_order()), deadline=Timestamp(seconds=2**62)),
        INVALID,
        "INVALID_REQUEST",
        "years 1 to 9999",
        ("deadline",),
    ),
    "an unknown workflow type": Case(
        start(workflow_type="oder"),
        NOT_FOUND,
        "UNKNOWN_WORKFLOW_TYPE",
        "'oder' is registered; there are: dynamic, order",
    ),
    "the wrong type in an Any": Case(
        start(input=packed(Item())),
        INVALID,
        "WRONG_PAYLOAD_TYPE",
        "asks for tests.orders.v1.OrderRequest",
        metadata=("got", "expected"),
    ),
    "a payload that breaks its contract": Case(
        start(input=packed(OrderRequest(customer="A", items=[Item(sku="x", quantity=1, price=1)]))),
        INVALID,
        "INVALID_PAYLOAD",
        "items[0].sku does not match",
        ("items[0].sku",),
    ),
    "no payload where rules need one": Case(
        start(),
        INVALID,
        "INVALID_PAYLOAD",
        "customer must be",
        ("customer", "items"),
    ),
    "malformed bytes in a payload": Case(start_with(b"\xff\xff"), INVALID, "INVALID_PAYLOAD", "do not parse", ("",)),
    "a payload that is too large": Case(
        start(input=packed(BIG)), EXHAUSTED, "TOO_LARGE", "at most 2,097,152 are taken"
    ),
    "a used request id": Case(
        reused_request_id,
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
        "another request",
        metadata=("workflow_id",),
    ),
    "an unknown workflow": Case(
        on("GetState", api.GetStateRequest, workflow_id="wf_no"),
        NOT_FOUND,
        "WORKFLOW_NOT_FOUND",
        "no workflow of that id",
    ),
    "watching an unknown workflow": Case(watch_unknown, NOT_FOUND, "WORKFLOW_NOT_FOUND", "no workflow of that id"),
    "checkpoints of an unknown workflow": Case(
        on("ListCheckpoints", api.ListCheckpointsRequest, workflow_id="wf_no"),
        NOT_FOUND,
        "WORKFLOW_NOT_FOUND",
        "no workflow",
    ),
    "cancelling an unknown workflow": Case(
        on("CancelWorkflow", api.CancelWorkflowRequest, workflow_id="wf_no"),
        NOT_FOUND,
        "WORKFLOW_NOT_FOUND",
        "no workflow",
    ),
    "retrying an unknown workflow": Case(
        on("RetryWorkflow", api.RetryWorkflowRequest, workflow_id="wf_no"),
        NOT_FOUND,
        "WORKFLOW_NOT_FOUND",
        "no workflow",
    ),
    "forking an unknown workflow": Case(
        on("ForkWorkflow", api.ForkWorkflowRequest, workflow_id="wf_no"), NOT_FOUND, "WORKFLOW_NOT_FOUND", "no workflow"
    ),
    "deciding in an unknown workflow": Case(
        on("Decide", api.DecideRequest, workflow_id="wf_no", interrupt_id="typed"),
        NOT_FOUND,
        "WORKFLOW_NOT_FOUND",
        "no workflow of that id",
    ),
    "an unknown interrupt, even with a decision of no type": Case(
        decide("no", decision=Any(type_url="x/y", value=b"z")),
        NOT_FOUND,
        "INTERRUPT_NOT_FOUND",
        "no interrupt of that id",
    ),
    "a decision of the wrong type": Case(
        decide(decision=packed(Item())),
        INVALID,
        "WRONG_PAYLOAD_TYPE",
        f"asks for {REVIEW}",
    ),
    "a decision that breaks its contract": Case(
        decide(decision=packed(ReviewDecision())), INVALID, "INVALID_PAYLOAD", "verdict", ("verdict",)
    ),
    "another decision than the first": Case(
        decide("decided", decision=packed(ReviewDecision(verdict=ReviewDecision.VERDICT_REJECT))),
        PRECONDITION,
        "ALREADY_DECIDED",
        "another decision already",
        metadata=("decided_at",),
    ),
    "an unknown checkpoint": Case(
        on("ForkWorkflow", api.ForkWorkflowRequest, checkpoint_id="no"),
        NOT_FOUND,
        "CHECKPOINT_NOT_FOUND",
        "no checkpoint",
    ),
    "a fork as a step without values": Case(
        on("ForkWorkflow", api.ForkWorkflowRequest, as_step="node"),
        INVALID,
        "INVALID_REQUEST",
        "as_step needs",
        ("as_step",),
    ),
    "retrying what has not failed": Case(
        on("RetryWorkflow", api.RetryWorkflowRequest),
        PRECONDITION,
        "NOT_RETRYABLE",
        "failed, timed out or was quarantined",
        metadata=("status",),
    ),
    "a page token of another filter": Case(
        token_of_another_filter, INVALID, "INVALID_PAGE_TOKEN", "start again without"
    ),
    "a page token of another list": Case(token_of_another_list, INVALID, "INVALID_PAGE_TOKEN", "start again without"),
    "a page token of nobody's": Case(
        listing(page_token="rubbish!"), INVALID, "INVALID_PAGE_TOKEN", "start again without"
    ),
    "a page token that is no text": Case(
        listing(page_token="\x00ü"), INVALID, "INVALID_PAGE_TOKEN", "start again without"
    ),
    "too large a page": Case(listing(page_size=501), INVALID, "INVALID_REQUEST", "page_size must be", ("page_size",)),
    "a status that is none": Case(listing(statuses=[0]), INVALID, "INVALID_REQUEST", "statuses[0]", ("statuses[0]",)),
    "a time that no calendar has": Case(
        listing(created_after=Timestamp(nanos=-1)), INVALID, "INVALID_REQUEST", "years 1 to 9999", ("created_after",)
    ),
    "reading an unknown session": Case(
        talk("GetSession", session_api.GetSessionRequest), NOT_FOUND, "SESSION_NOT_FOUND", "no session of that id"
    ),
    "watching an unknown session": Case(
        talk("WatchSession", session_api.WatchSessionRequest), NOT_FOUND, "SESSION_NOT_FOUND", "no session of that id"
    ),
    "listing the messages of an unknown session": Case(
        talk("ListMessages", session_api.ListMessagesRequest), NOT_FOUND, "SESSION_NOT_FOUND", "no session of that id"
    ),
    "reading the context of an unknown session": Case(
        talk("GetSessionContext", session_api.GetSessionContextRequest),
        NOT_FOUND,
        "SESSION_NOT_FOUND",
        "no session of that id",
    ),
    "deleting an unknown session": Case(
        talk("DeleteSession", session_api.DeleteSessionRequest), NOT_FOUND, "SESSION_NOT_FOUND", "no session of that id"
    ),
    "deleting a session that is busy": Case(
        talk("DeleteSession", session_api.DeleteSessionRequest, session_id="busy"),
        PRECONDITION,
        "SESSION_BUSY",
        "have not ended",
        metadata=("active_workflow_count",),
    ),
    "a message of blanks": Case(
        talk("SendMessage", session_api.SendMessageRequest, text=" \n"), INVALID, "INVALID_REQUEST", "text", ("text",)
    ),
    "too small a budget of tokens": Case(
        talk("GetSessionContext", session_api.GetSessionContextRequest, token_budget=99),
        INVALID,
        "INVALID_REQUEST",
        "token_budget",
        ("token_budget",),
    ),
    "a message for a server without an orchestrator": Case(
        talk("SendMessage", session_api.SendMessageRequest, text="hello"),
        PRECONDITION,
        "ORCHESTRATOR_OFF",
        "takes no messages",
    ),
    "a page token of messages that is no number": Case(
        talk("ListMessages", session_api.ListMessagesRequest, page_token="rubbish!"),
        INVALID,
        "INVALID_PAGE_TOKEN",
        "start again without",
    ),
    "draining a member that there is not": Case(
        operate("DrainMember", operations.DrainMemberRequest, member_id="gone"),
        NOT_FOUND,
        "MEMBER_NOT_FOUND",
        "no member",
    ),
    "too large a page of members": Case(
        operate("ListMembers", operations.ListMembersRequest, page_size=501),
        INVALID,
        "INVALID_REQUEST",
        "page_size",
        ("page_size",),
    ),
    "a member's id that is none": Case(
        operate("DrainMember", operations.DrainMemberRequest, member_id="x" * 129),
        INVALID,
        "INVALID_REQUEST",
        "member_id",
        ("member_id",),
    ),
    "watching after the newest event": Case(
        watch_too_far,
        grpc.StatusCode.OUT_OF_RANGE,
        "SEQUENCE_OUT_OF_RANGE",
        "after the newest",
        metadata=("last_sequence",),
    ),
}


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
