"""How a server and its executor process talk: msgpack frames over a socket that only the two of them hold.

Values go out as maps of their fields. They come back through the constructors below, never through pickle: what runs
graphs must not be able to make the server run code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import ormsgpack

from stretto.server.domain import change, workflow, workflow_type
from stretto.server.domain.payload import Payload, Violation
from stretto.server.engine.ledger import Assignment

HEADER_BYTES = 4
FRAME_BYTES_MAX = 256 * 1024 * 1024
"""A longer frame is a fault of ours: contracts and checkpoints are bounded far below."""

Fields: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One frame: what it is about, the call that it belongs to (0 for none), and its values."""

    kind: str
    call: int
    body: Any


def pack(kind: str, call: int, body: Any) -> bytes:
    """A frame, header included."""
    frame = ormsgpack.packb((kind, call, body))
    return len(frame).to_bytes(HEADER_BYTES, "big") + frame


def unpack(frame: bytes | memoryview) -> Message:
    """The message of a frame, without its header."""
    return Message(*ormsgpack.unpackb(frame))


def assignment(fields: Fields) -> Assignment:
    """An assignment out of its fields."""
    return Assignment(_workflow(fields["workflow"]), tuple(_interrupt(item) for item in fields["interrupts"]))


_PLAIN_ENDS: dict[str, change.RunEnd] = {
    type(end).__name__: end for end in (change.RunPaused(), change.RunReleased(), change.RunCancelled())
}


def commit_body(commit: change.RunCommit) -> tuple[change.RunCommit, str]:
    """A commit with the name of its end, which its fields alone do not tell."""
    return commit, type(commit.end).__name__


def run_commit(body: tuple[Fields, str]) -> change.RunCommit:
    """A commit out of its fields."""
    fields, end = body
    return change.RunCommit(
        project=fields["project"],
        workflow_id=fields["workflow_id"],
        epoch=fields["epoch"],
        at=fields["at"],
        events=tuple([change.EncodedEvent(event["body"], event["is_text"]) for event in fields["events"]]),
        saved=_saved(fields["saved"]),
        raised=tuple([_interrupt(item) for item in fields["raised"]]),
        applied=tuple(fields["applied"]),
        steps=tuple([workflow.Step(**step) for step in fields["steps"]]),
        fraction=fields["fraction"],
        headline=fields["headline"],
        trouble=fields["trouble"] and _failure(fields["trouble"]),
        claims=fields["claims"],
        starts=fields["starts"],
        progressed=fields["progressed"],
        end=_end(fields["end"], end),
    )


def stored_checkpoint(fields: Fields) -> change.StoredCheckpoint:
    """A stored checkpoint out of its fields."""
    return change.StoredCheckpoint(
        _checkpoint(fields["checkpoint"]),
        tuple(_channel_blob(blob) for blob in fields["blobs"]),
        tuple(_write(write) for write in fields["writes"]),
    )


def described_type(fields: Fields) -> workflow_type.WorkflowType:
    """A workflow type out of its fields."""
    contract = {**fields["contract"]}
    contract["decision_types"] = tuple((step, name) for step, name in contract["decision_types"])
    return workflow_type.WorkflowType(
        **{
            **fields,
            "contract": workflow_type.Contract(**contract),
            "steps": tuple(_step_type(step) for step in fields["steps"]),
            "examples": tuple(
                workflow_type.Example(example["title"], Payload(**example["input"])) for example in fields["examples"]
            ),
        }
    )


def _step_type(fields: Fields) -> workflow_type.StepType:
    policies = tuple(
        workflow_type.RetryPolicy(**{**policy, "retry_on": tuple(policy["retry_on"])})
        for policy in fields["retry_policies"]
    )
    return workflow_type.StepType(fields["step"], policies, fields["timeout"])


def _end(fields: Fields | None, name: str) -> change.RunEnd | None:
    if fields is None:
        return None
    if name == change.RunSucceeded.__name__:
        return change.RunSucceeded(Payload(**fields["result"]))
    if name == change.RunFailed.__name__:
        return change.RunFailed(_failure(fields["failure"]))
    return _PLAIN_ENDS[name]


def _saved(fields: Fields) -> change.Saved:
    return change.Saved(
        checkpoints=tuple([_checkpoint(item) for item in fields["checkpoints"]]),
        blobs=tuple([_channel_blob(item) for item in fields["blobs"]]),
        writes=tuple([_write(item) for item in fields["writes"]]),
    )


def _checkpoint(fields: Fields) -> change.Checkpoint:
    return change.Checkpoint(
        **{
            **fields,
            "body": change.Blob(**fields["body"]),
            "metadata": change.Blob(**fields["metadata"]),
            "channels": tuple([(channel, version) for channel, version in fields["channels"]]),
        }
    )


def _channel_blob(fields: Fields) -> change.ChannelBlob:
    return change.ChannelBlob(**{**fields, "blob": change.Blob(**fields["blob"])})


def _write(fields: Fields) -> change.PendingWrite:
    return change.PendingWrite(**{**fields, "blob": change.Blob(**fields["blob"])})


def _interrupt(fields: Fields) -> workflow.Interrupt:
    decision = fields["decision"]
    return workflow.Interrupt(
        **{
            **fields,
            "status": workflow.InterruptStatus(fields["status"]),
            "decision": decision and Payload(**decision),
        }
    )


def _failure(fields: Fields) -> workflow.Failure:
    violations = tuple(Violation(**violation) for violation in fields["violations"])
    return workflow.Failure(**{**fields, "reason": workflow.Reason(fields["reason"]), "violations": violations})


def _workflow(fields: Fields) -> workflow.Workflow:
    """A claimed workflow: it has neither result nor failure."""
    origin = fields["origin"]
    return workflow.Workflow(
        **{
            **fields,
            "status": workflow.Status(fields["status"]),
            "input": Payload(**fields["input"]),
            "labels": tuple((key, value) for key, value in fields["labels"]),
            "steps": tuple(workflow.Step(**step) for step in fields["steps"]),
            "origin": origin and _origin(origin),
            "trouble": None,  # Of no use to an executor, which tells of new trouble only.
        }
    )


def _origin(fields: Fields) -> workflow.Origin:
    edit = fields["edit"]
    return workflow.Origin(
        workflow.OriginKind(fields["kind"]),
        fields["workflow_id"],
        fields["checkpoint_id"],
        edit and workflow.Edit(Payload(**edit["values"]), edit["as_step"]),
    )
