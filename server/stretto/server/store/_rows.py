"""Rows from and to domain values. Composite values are MessagePack maps with their fields' names."""

import json
from typing import Any

import ormsgpack

from stretto.server.domain.change import Blob, ChannelBlob, Checkpoint, PendingWrite
from stretto.server.domain.payload import Payload, Violation
from stretto.server.domain.session import EntryKind, Session, StoredSessionEvent
from stretto.server.domain.workflow import (
    Edit,
    Failure,
    Interrupt,
    InterruptStatus,
    Origin,
    OriginKind,
    Reason,
    Status,
    Step,
    Workflow,
)

Row = tuple[Any, ...]

WORKFLOW_COLUMNS = (
    "w.project, w.workflow_id, w.workflow_type, w.type_version, w.request_id, w.session_id, w.created_at, w.labels,"
    " w.origin, w.input_type, w.input, s.status, s.updated_at, s.started_at, s.ended_at, s.deadline, s.epoch,"
    " s.crashes, s.last_sequence, s.fraction, s.headline, s.steps, s.interrupts_pending, s.has_interrupts,"
    " s.has_checkpoints, s.cancel_requested_at, s.cancel_cause, s.retried_as, s.result_type, s.result, s.failure,"
    " s.trouble, s.status_since, s.queued_for, s.ran_for, s.waited_for, s.owner"
)
INTERRUPT_COLUMNS = (
    "interrupt_id, resume_key, step, step_id, question, decision_type, raised_at, status, decided_type, decision,"
    " decided_at"
)
CHECKPOINT_COLUMNS = (
    "namespace, checkpoint_id, parent_id, superstep, source, created_at, channels, body_tag, body, metadata_tag,"
    " metadata"
)
BLOB_COLUMNS = "namespace, channel, version, tag, body"
SESSION_COLUMNS = (
    "project, session_id, created_at, updated_at, last_sequence, message_count, workflow_count, active_workflow_count,"
    " active_turn_count, pending_interrupt_count, deleted_at"
)
WRITE_COLUMNS = "namespace, checkpoint_id, task_id, position, channel, tag, body, task_path"


def workflow_row(workflow: Workflow) -> Row:
    """What never changes of a workflow."""
    return (
        workflow.project,
        workflow.workflow_id,
        workflow.workflow_type,
        workflow.type_version,
        workflow.request_id,
        workflow.session_id,
        workflow.created_at,
        json.dumps(workflow.labels) if workflow.labels else None,
        ormsgpack.packb(workflow.origin) if workflow.origin else None,
        workflow.input.type_name,
        workflow.input.value,
    )


def state_row(workflow: Workflow) -> Row:
    """What changes of a workflow, and what its indexes need."""
    result = workflow.result
    return (
        workflow.project,
        workflow.workflow_id,
        workflow.workflow_type,
        workflow.created_at,
        workflow.session_id,
        int(workflow.status),
        workflow.updated_at,
        workflow.started_at,
        workflow.ended_at,
        workflow.deadline,
        workflow.epoch,
        workflow.crashes,
        workflow.last_sequence,
        workflow.fraction,
        workflow.headline,
        ormsgpack.packb(workflow.steps) if workflow.steps else None,
        workflow.interrupts_pending,
        int(workflow.has_interrupts),
        int(workflow.has_checkpoints),
        workflow.cancel_requested_at,
        workflow.cancel_cause,
        workflow.retried_as,
        result.type_name if result else None,
        result.value if result else None,
        ormsgpack.packb(workflow.failure) if workflow.failure else None,
        ormsgpack.packb(workflow.trouble) if workflow.trouble else None,
        workflow.status_since,
        workflow.queued_for,
        workflow.ran_for,
        workflow.waited_for,
        workflow.owner,
    )


def to_workflow(row: Row) -> Workflow:
    """A workflow from the columns of WORKFLOW_COLUMNS."""
    (project, workflow_id, workflow_type, type_version, request_id, session_id, created_at, labels, origin, input_type,
     input_value, status, updated_at, started_at, ended_at, deadline, epoch, crashes, last_sequence, fraction,
     headline, steps, interrupts_pending, has_interrupts, has_checkpoints, cancel_requested_at, cancel_cause,
     retried_as, result_type, result, failure, trouble, status_since, queued_for, ran_for,
     waited_for, owner) = row  # fmt: skip
    return Workflow(
        project=project,
        workflow_id=workflow_id,
        workflow_type=workflow_type,
        type_version=type_version,
        status=Status(status),
        request_id=request_id,
        input=Payload(input_type, input_value),
        created_at=created_at,
        updated_at=updated_at,
        session_id=session_id,
        labels=tuple((name, value) for name, value in json.loads(labels)) if labels else (),
        started_at=started_at,
        ended_at=ended_at,
        deadline=deadline,
        epoch=epoch,
        crashes=crashes,
        last_sequence=last_sequence,
        fraction=fraction,
        headline=headline,
        steps=tuple(Step(**step) for step in ormsgpack.unpackb(steps)) if steps else (),
        interrupts_pending=interrupts_pending,
        has_interrupts=bool(has_interrupts),
        has_checkpoints=bool(has_checkpoints),
        cancel_requested_at=cancel_requested_at,
        cancel_cause=cancel_cause,
        origin=_to_origin(ormsgpack.unpackb(origin)) if origin else None,
        retried_as=retried_as,
        result=None if result_type is None else Payload(result_type, result),
        failure=_to_failure(ormsgpack.unpackb(failure)) if failure else None,
        trouble=_to_failure(ormsgpack.unpackb(trouble)) if trouble else None,
        status_since=status_since,
        queued_for=queued_for,
        ran_for=ran_for,
        waited_for=waited_for,
        owner=owner,
    )


def interrupt_row(project: str, workflow_id: str, position: int, interrupt: Interrupt) -> Row:
    """An interrupt; its position is its age among the workflow's interrupts."""
    decision = interrupt.decision
    return (
        project,
        workflow_id,
        position,
        interrupt.interrupt_id,
        interrupt.resume_key,
        interrupt.step,
        interrupt.step_id,
        json.dumps(interrupt.question),
        interrupt.decision_type,
        interrupt.raised_at,
        int(interrupt.status),
        decision.type_name if decision else None,
        decision.value if decision else None,
        interrupt.decided_at,
    )


def to_interrupt(row: Row) -> Interrupt:
    """An interrupt from the columns of INTERRUPT_COLUMNS."""
    (interrupt_id, resume_key, step, step_id, question, decision_type, raised_at, status, decided_type, decision,
     decided_at) = row  # fmt: skip
    return Interrupt(
        interrupt_id=interrupt_id,
        resume_key=resume_key,
        step=step,
        step_id=step_id,
        question=json.loads(question),
        decision_type=decision_type,
        raised_at=raised_at,
        status=InterruptStatus(status),
        decision=None if decided_type is None else Payload(decided_type, decision),
        decided_at=decided_at,
    )


def checkpoint_row(project: str, workflow_id: str, checkpoint: Checkpoint) -> Row:
    """A checkpoint; its channels are a JSON object, so that SQL can look into it."""
    return (
        project,
        workflow_id,
        checkpoint.namespace,
        checkpoint.checkpoint_id,
        checkpoint.parent_id,
        checkpoint.superstep,
        checkpoint.source,
        checkpoint.created_at,
        json.dumps(dict(checkpoint.channels)),
        checkpoint.body.tag,
        checkpoint.body.body,
        checkpoint.metadata.tag,
        checkpoint.metadata.body,
    )


def to_checkpoint(row: Row) -> Checkpoint:
    """A checkpoint from the columns of CHECKPOINT_COLUMNS."""
    (namespace, checkpoint_id, parent_id, superstep, source, created_at, channels, body_tag, body, metadata_tag,
     metadata) = row  # fmt: skip
    return Checkpoint(
        namespace=namespace,
        checkpoint_id=checkpoint_id,
        parent_id=parent_id,
        superstep=superstep,
        source=source,
        created_at=created_at,
        body=Blob(body_tag, body),
        metadata=Blob(metadata_tag, metadata),
        channels=tuple(json.loads(channels).items()),
    )


def blob_row(project: str, workflow_id: str, blob: ChannelBlob) -> Row:
    """A channel's value."""
    return (project, workflow_id, blob.namespace, blob.channel, blob.version, blob.blob.tag, blob.blob.body)


def to_blob(row: Row) -> ChannelBlob:
    """A channel's value from the columns of BLOB_COLUMNS."""
    namespace, channel, version, tag, body = row
    return ChannelBlob(namespace, channel, version, Blob(tag, body))


def write_row(project: str, workflow_id: str, write: PendingWrite) -> Row:
    """A pending write."""
    return (
        project,
        workflow_id,
        write.namespace,
        write.checkpoint_id,
        write.task_id,
        write.index,
        write.channel,
        write.blob.tag,
        write.blob.body,
        write.task_path,
    )


def to_write(row: Row) -> PendingWrite:
    """A pending write from the columns of WRITE_COLUMNS."""
    namespace, checkpoint_id, task_id, position, channel, tag, body, task_path = row
    return PendingWrite(namespace, checkpoint_id, task_id, position, channel, Blob(tag, body), task_path)


def session_row(session: Session) -> Row:
    """A session, in the order of SESSION_COLUMNS."""
    return (
        session.project,
        session.session_id,
        session.created_at,
        session.updated_at,
        session.last_sequence,
        session.message_count,
        session.workflow_count,
        session.active_workflow_count,
        session.active_turn_count,
        session.pending_interrupt_count,
        session.deleted_at,
    )


def to_session(row: Row) -> Session:
    """A session from the columns of SESSION_COLUMNS."""
    (project, session_id, created_at, updated_at, last_sequence, message_count, workflow_count, active_workflow_count,
     active_turn_count, pending_interrupt_count, deleted_at) = row  # fmt: skip
    return Session(
        project=project,
        session_id=session_id,
        created_at=created_at,
        updated_at=updated_at,
        last_sequence=last_sequence,
        message_count=message_count,
        workflow_count=workflow_count,
        active_workflow_count=active_workflow_count,
        active_turn_count=active_turn_count,
        pending_interrupt_count=pending_interrupt_count,
        deleted_at=deleted_at,
    )


def session_event_row(project: str, session_id: str, event: StoredSessionEvent) -> Row:
    """An entry of a session's journal; one that stands for a workflow's event has no body of its own."""
    return (
        project,
        session_id,
        event.sequence,
        int(event.kind),
        event.workflow_id,
        event.event_sequence,
        None if event.event_sequence else event.body,
    )


def to_session_event(row: Row) -> StoredSessionEvent:
    """An entry of a session's journal, with the body of the event that it stands for."""
    sequence, kind, workflow_id, event_sequence, body = row
    return StoredSessionEvent(sequence, EntryKind(kind), body, workflow_id, event_sequence)


def _to_origin(fields: dict[str, Any]) -> Origin:
    edit = fields["edit"]
    return Origin(
        OriginKind(fields["kind"]),
        fields["workflow_id"],
        fields["checkpoint_id"],
        edit and Edit(Payload(**edit["values"]), edit["as_step"]),
    )


def _to_failure(fields: dict[str, Any]) -> Failure:
    violations = tuple(Violation(**violation) for violation in fields.pop("violations"))
    return Failure(Reason(fields.pop("reason")), violations=violations, **fields)
