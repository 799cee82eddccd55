"""Short ways to make what stores keep."""

from functools import partial
from typing import Any

from stretto.server.domain import transitions
from stretto.server.domain.change import (
    Blob,
    ChannelBlob,
    Checkpoint,
    EncodedEvent,
    PendingWrite,
    Request,
    RunCommit,
    RunPaused,
    Saved,
)
from stretto.server.domain.event import Event
from stretto.server.domain.member import Member, MemberKind
from stretto.server.domain.payload import Payload
from stretto.server.domain.session import Encoders, SessionHappening
from stretto.server.domain.workflow import Interrupt, Status, Workflow

PROJECT = "red"
LONG = 60_000_000
YES = Payload("orders.Decision", b"yes")
NO = Payload("orders.Decision", b"no")


def encode(workflow_id: str, event: Event) -> bytes:
    if not isinstance(event, Event):
        raise TypeError(event)
    return repr((workflow_id, event)).encode()


def encode_session(session_id: str, at: int, what: SessionHappening) -> bytes:
    return repr((session_id, at, what)).encode()


ENCODERS = Encoders(encode, encode_session)


def a_workflow(workflow_id: str = "wf_1", **fields: Any) -> Workflow:
    given = {
        "project": PROJECT,
        "workflow_id": workflow_id,
        "workflow_type": "orders",
        "type_version": "1",
        "status": Status.QUEUED,
        "request_id": f"req_{workflow_id}",
        "input": Payload("orders.Order", b"\x00input"),
        "created_at": 1_000,
        "updated_at": 1_000,
    }
    return Workflow(**{**given, **fields})


def accepted(workflow_id: str = "wf_1", **fields: Any):
    return transitions.accept(a_workflow(workflow_id, **fields))


def request(request_id: str = "once", digest: bytes = b"digest", at: int = 1_000) -> Request:
    return Request(request_id, digest, at)


def claim(workflow, _interrupts):
    return transitions.claim(workflow, 2_000)


def commit(
    epoch: int = 1, *, workflow_id: str = "wf_1", at: int = 3_000, events: tuple[bytes, ...] = (), **fields: Any
):
    run = RunCommit(
        project=PROJECT,
        workflow_id=workflow_id,
        epoch=epoch,
        at=at,
        events=tuple(EncodedEvent(body) for body in events),
        **fields,
    )
    return partial(transitions.commit_run, commit=run)


def decide(interrupt_id: str, decision: Payload, at: int = 4_000):
    return partial(transitions.decide, interrupt_id=interrupt_id, decision=decision, at=at)


def question(interrupt_id: str = "q1", **fields: Any) -> Interrupt:
    given = {
        "interrupt_id": interrupt_id,
        "resume_key": "key",
        "step": "approve",
        "step_id": "step_1",
        "question": {"text": "Wirklich? \N{SNOWMAN}", "amounts": [1, 2.5, None, True, 2**70]},
        "decision_type": "orders.Decision",
        "raised_at": 2_500,
    }
    return Interrupt(**{**given, **fields})


def checkpoint(checkpoint_id: str, parent_id: str = "", namespace: str = "", **fields: Any) -> Checkpoint:
    given = {
        "namespace": namespace,
        "checkpoint_id": checkpoint_id,
        "parent_id": parent_id,
        "superstep": 3,
        "source": "loop",
        "created_at": 2_700,
        "body": Blob("msgpack", checkpoint_id.encode()),
        "metadata": Blob("json", b"{}"),
    }
    return Checkpoint(**{**given, **fields})


def blob(channel: str, version: str, body: bytes = b"value", namespace: str = "") -> ChannelBlob:
    return ChannelBlob(namespace, channel, version, Blob("msgpack", body))


def write(checkpoint_id: str, task_id: str = "task", index: int = 0, body: bytes = b"w", namespace: str = ""):
    return PendingWrite(namespace, checkpoint_id, task_id, index, "channel", Blob("msgpack", body), "path")


def a_member(member_id: str = "worker_1", **fields) -> Member:
    given = {
        "member_id": member_id,
        "kind": MemberKind.WORKER,
        "lease": LONG,
        "version": "1.2.3",
        "types": (("orders", "1"), ("orders", "2")),
        "joined_at": 7,
        "running": 3,
        "concurrency_max": 10,
    }
    return Member(**{**given, **fields})


async def running(store, workflow_id: str = "wf_1", saved: Saved | None = None, **fields: Any) -> Workflow:
    """A workflow that an executor owns, under epoch 1."""
    await store.create(accepted(workflow_id, **fields))
    committed = await store.update(PROJECT, workflow_id, claim)
    if saved:
        committed = await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, saved=saved))
    return committed.workflow


async def waiting(store, workflow_id: str = "wf_1", *questions: Interrupt) -> Workflow:
    """A workflow that waits for decisions."""
    await running(store, workflow_id)
    rule = commit(workflow_id=workflow_id, raised=questions or (question(),), end=RunPaused())
    return (await store.update(PROJECT, workflow_id, rule)).workflow


HISTORY = Saved(
    checkpoints=(
        checkpoint("cp_1", channels=(("a", "1"),)),
        checkpoint("cp_2", "cp_1", channels=(("a", "2"),)),
        checkpoint("cp_2b", "cp_1", channels=(("a", "2b"),)),
        checkpoint("cp_3", "cp_2", namespace="sub:x", channels=(("b", "1"),)),
        checkpoint("cp_4", "cp_2", channels=(("a", "2"), ("c", "1"))),
        checkpoint("cp_5", "cp_4", channels=(("a", "3"),)),
        checkpoint("cp_6", "cp_3", namespace="sub:x", channels=(("b", "2"),)),
    ),
    blobs=(
        *(blob("a", version, version.encode()) for version in ("1", "2", "2b", "3")),
        blob("c", "1"),
        blob("b", "1", namespace="sub:x"),
        blob("b", "2", namespace="sub:x"),
    ),
    writes=(
        write("cp_1"),
        write("cp_2"),
        write("cp_2b"),
        write("cp_3", namespace="sub:x"),
        write("cp_4", "task_a"),
        write("cp_4", "task_b"),
        write("cp_5"),
    ),
)
