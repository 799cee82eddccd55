"""What callers say, as requests."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar, cast

from google.protobuf import any_pb2, timestamp_pb2

from stretto.client._payloads import Plain, struct
from stretto.client.errors import InvalidInput, Violation
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from stretto.workflow.v1.workflow_service_pb2 import (
    ForkWorkflowRequest,
    ListWorkflowsRequest,
    RetryWorkflowRequest,
    StartWorkflowRequest,
)

N = TypeVar("N")

Moment: TypeAlias = "datetime | timedelta | None"
"""A point in time, or how far it is from now."""


def new_request_id() -> str:
    """An id that nobody else uses."""
    return str(uuid.uuid4())


def start_request(
    workflow_type: str,
    payload: any_pb2.Any | None,
    *,
    request_id: str | None,
    session_id: str,
    labels: Mapping[str, str] | None,
    deadline: Moment,
) -> StartWorkflowRequest:
    """Starting a workflow."""
    return StartWorkflowRequest(
        request_id=request_id or new_request_id(),
        workflow_type=workflow_type,
        input=payload,
        session_id=session_id,
        labels=labels,
        deadline=timestamp(deadline, "deadline"),
    )


def retry_request(workflow_id: str, request_id: str | None, deadline: Moment) -> RetryWorkflowRequest:
    """Retrying a workflow."""
    return RetryWorkflowRequest(
        workflow_id=workflow_id,
        request_id=request_id or new_request_id(),
        deadline=timestamp(deadline, "deadline"),
    )


def fork_request(
    workflow_id: str,
    *,
    checkpoint_id: str,
    values: Mapping[str, Plain] | None,
    as_step: str,
    request_id: str | None,
    deadline: Moment,
) -> ForkWorkflowRequest:
    """Forking a workflow."""
    return ForkWorkflowRequest(
        workflow_id=workflow_id,
        checkpoint_id=checkpoint_id,
        values=None if values is None else struct(values),
        as_step=as_step,
        request_id=request_id or new_request_id(),
        deadline=timestamp(deadline, "deadline"),
    )


def list_request(
    *,
    types: Iterable[str],
    statuses: "Iterable[str | WorkflowStatus.ValueType]",
    session_id: str,
    labels: Mapping[str, str] | None,
    created_after: Moment,
    created_before: Moment,
    page_size: int,
) -> ListWorkflowsRequest:
    """Listing workflows."""
    return ListWorkflowsRequest(
        workflow_types=one_or_several(types),
        statuses=[status_of(status) for status in one_or_several(statuses)],
        session_id=session_id,
        labels=labels,
        created_after=timestamp(created_after, "created_after"),
        created_before=timestamp(created_before, "created_before"),
        page_size=page_size,
    )


def one_or_several(given: Iterable[N]) -> Iterable[N]:
    """One name where one is given: taken for its letters it would find nothing, without a word."""
    return cast("Iterable[N]", [given]) if isinstance(given, str) else given


def status_of(status: "str | WorkflowStatus.ValueType") -> "WorkflowStatus.ValueType":
    """A status by its name, with or without the prefix, in any case."""
    if not isinstance(status, str):
        return status
    name = "WORKFLOW_STATUS_" + status.upper().removeprefix("WORKFLOW_STATUS_")
    if name not in WorkflowStatus.keys():  # noqa: SIM118 - An enum wrapper is no mapping.
        known = ", ".join(key.removeprefix("WORKFLOW_STATUS_") for key in WorkflowStatus.keys()[1:])
        raise InvalidInput(
            f"{status!r} is no status; there are {known}.",
            violations=[Violation("statuses", f"must be one of {known}")],
            reason="INVALID_REQUEST",
        )
    return WorkflowStatus.Value(name)


def timestamp(moment: Moment, field: str) -> timestamp_pb2.Timestamp | None:
    """A moment as the API has it. One without a time zone could mean anything."""
    if moment is None:
        return None
    if isinstance(moment, timedelta):
        moment = datetime.now(UTC) + moment
    if moment.tzinfo is None:
        raise InvalidInput(
            f"{field} has no time zone; use for example datetime.now(UTC).",
            violations=[Violation(field, "must have a time zone")],
            reason="INVALID_REQUEST",
        )
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(moment)
    return made
