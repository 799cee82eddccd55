"""Workflows, states, checkpoints and workflow types: domain -> protos. Requests: protos -> domain."""

import hashlib

from google.protobuf.message import Message

from stretto.catalog.v1 import workflow_type_pb2 as catalog
from stretto.server.domain.change import Request, StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import InvalidRequest
from stretto.server.domain.payload import Violation
from stretto.server.domain.workflow import Workflow
from stretto.server.domain.workflow_type import Contract, RetryPolicy, WorkflowType
from stretto.server.rpc._convert import (
    any_of,
    duration,
    failure_to_proto,
    interrupt_to_proto,
    micros_of,
    text,
    timestamp,
)
from stretto.server.rpc._descriptors import contract_of
from stretto.server.rpc.events import origin_to_proto
from stretto.server.rpc.snapshot import to_snapshot
from stretto.workflow.v1 import workflow_pb2

__all__ = [
    "any_of",
    "checkpoint_to_proto",
    "failure_to_proto",
    "interrupt_to_proto",
    "request_of",
    "time_of",
    "workflow_to_proto",
    "workflow_type_to_proto",
]

_SECONDS_MIN = -62_135_596_800
_SECONDS_MAX = 253_402_300_799
"""The years 1 to 9999: what a Timestamp may hold, and what fits into a store's columns as microseconds."""

_DYNAMIC_FILES = contract_of().file_descriptor_set


def workflow_to_proto(workflow: Workflow) -> workflow_pb2.Workflow:
    """A workflow's row."""
    return workflow_pb2.Workflow(
        workflow_id=workflow.workflow_id,
        workflow_type=workflow.workflow_type,
        type_version=workflow.type_version,
        status=workflow.status.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        session_id=workflow.session_id,
        labels=dict(workflow.labels),
        created_at=timestamp(workflow.created_at),
        updated_at=timestamp(workflow.updated_at),
        started_at=timestamp(workflow.started_at),
        ended_at=timestamp(workflow.ended_at),
        deadline=timestamp(workflow.deadline),
        last_sequence=workflow.last_sequence,
        fraction=workflow.fraction,
        headline=text(workflow.headline),
        current_steps=[
            workflow_pb2.Step(
                step_id=step.step_id,
                step=step.step,
                attempt=step.attempt,
                started_at=timestamp(step.started_at),
                fraction=step.fraction,
                message=text(step.message),
            )
            for step in workflow.steps
        ],
        pending_interrupt_count=workflow.interrupts_pending,
        origin=origin_to_proto(workflow.origin),
        cancel_requested_at=timestamp(workflow.cancel_requested_at),
        crash_count=workflow.crashes,
        request_id=workflow.request_id,
        retried_as=workflow.retried_as,
    )


def checkpoint_to_proto(stored: StoredCheckpoint, *, with_snapshot: bool) -> workflow_pb2.Checkpoint:
    """A checkpoint, with its channel values when they are asked for."""
    checkpoint = stored.checkpoint
    return workflow_pb2.Checkpoint(
        checkpoint_id=checkpoint.checkpoint_id,
        parent_checkpoint_id=checkpoint.parent_id,
        superstep=checkpoint.superstep,
        source=checkpoint.source,
        created_at=timestamp(checkpoint.created_at),
        snapshot=to_snapshot(stored) if with_snapshot else None,
    )


def workflow_type_to_proto(info: WorkflowType, *, whole: bool) -> catalog.WorkflowType:
    """A workflow type; `whole` adds what only DescribeWorkflowType sends."""
    made = catalog.WorkflowType(
        name=info.name,
        version=info.version,
        description=text(info.description),
        contract=_contract_to_proto(info.contract, whole=whole),
        policies=catalog.WorkflowPolicies(
            total_timeout=duration(info.total_timeout) if info.total_timeout else None,
            concurrency_max=info.concurrency_max,
        ),
    )
    if whole:
        made.mermaid = text(info.mermaid)
        made.input_json_schema = text(info.input_json_schema)
        made.examples.extend(
            catalog.Example(title=text(example.title), input=any_of(example.input)) for example in info.examples
        )
        made.steps.extend(
            catalog.StepType(
                step=step.step,
                retry_policies=[_retry_policy_to_proto(policy) for policy in step.retry_policies],
                timeout=duration(step.timeout) if step.timeout else None,
            )
            for step in info.steps
        )
    return made


def _contract_to_proto(contract: Contract, *, whole: bool) -> catalog.Contract:
    return catalog.Contract(
        input_type=contract.input_type,
        result_type=contract.result_type,
        progress_type=contract.progress_type,
        decision_type=contract.decision_type,
        decision_types=dict(contract.decision_types),
        file_descriptor_set=(contract.file_descriptor_set or _DYNAMIC_FILES) if whole else b"",
    )


def _retry_policy_to_proto(policy: RetryPolicy) -> catalog.RetryPolicy:
    return catalog.RetryPolicy(
        attempts_max=policy.attempts_max,
        initial_interval=duration(policy.initial_interval),
        backoff_factor=policy.backoff_factor,
        interval_max=duration(policy.interval_max),
        jitter=policy.jitter,
        retry_on=policy.retry_on,
    )


def time_of(request: Message, field: str) -> Micros:
    """The time in a request's field; zero when it is unset."""
    if not request.HasField(field):
        return 0
    at = getattr(request, field)
    if _SECONDS_MIN <= at.seconds <= _SECONDS_MAX and 0 <= at.nanos < 1_000_000_000:  # noqa: PLR2004 - A second.
        return micros_of(at) or 1  # The epoch itself is a time too, and zero means none.
    broken = Violation(field, "must be a time of the years 1 to 9999", "timestamp")
    raise InvalidRequest(f"The request breaks a rule: {field} {broken.description}.", violations=(broken,))


def request_of(method: str, request: Message, at: Micros) -> Request | None:
    """A caller's request id with a digest of what it asks for, or None when it gave none.

    Give it the request in its canonical form: the same question must make the same digest. Deadlines do not count,
    since a caller who means "an hour from now" says another moment each time.
    """
    request_id: str = getattr(request, "request_id")  # noqa: B009 - Message has no such field, each request of ours has.
    if not request_id:
        return None
    asked = type(request)()
    asked.CopyFrom(request)
    if "deadline" in asked.DESCRIPTOR.fields_by_name:
        asked.ClearField("deadline")
    told = f"{method}\0".encode() + asked.SerializeToString(deterministic=True)
    return Request(request_id, hashlib.sha256(told).digest(), at)
