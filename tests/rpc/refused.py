"""Calls that are refused, each with its own status and reason."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp

from stretto.operations.v1 import operations_service_pb2 as operations
from stretto.server.rpc.contracts import PAYLOAD_BYTES_MAX
from stretto.session.v1 import session_service_pb2 as session_api
from stretto.workflow.v1 import workflow_service_pb2 as api
from tests.protos.generated.orders_pb2 import Item, OrderRequest, ReviewDecision
from tests.rpc.conftest import World, good_order

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
