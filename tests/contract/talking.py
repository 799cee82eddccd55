"""Short ways to make sessions: workflows in them, turns, and what is said."""

from typing import Any

from stretto.server.domain import transitions
from stretto.server.domain.change import EncodedEvent, RunCommit, RunFailed, RunSucceeded
from stretto.server.domain.payload import Payload
from stretto.server.domain.session import TURN, EntryKind, StoredSessionEvent
from stretto.server.domain.workflow import Failure, Reason, Workflow
from tests.contract.making import PROJECT, YES, accepted, claim, commit, request

SESSION = "s1"
ALL = 1_000
REPLY = Payload("stretto.session.v1.Reply", b"reply")


async def started(store, workflow_id: str = "wf_1", session_id: str = SESSION, **fields: Any) -> Workflow:
    """A workflow of a session that an executor owns, under epoch 1."""
    await store.create(accepted(workflow_id, session_id=session_id, **fields))
    return (await store.update(PROJECT, workflow_id, claim)).workflow


async def ended(
    store, workflow_id: str = "wf_1", session_id: str = SESSION, at: int = 3_000, **fields: Any
) -> Workflow:
    """A workflow of a session that has succeeded."""
    await started(store, workflow_id, session_id, **fields)
    return (
        await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, at=at, end=RunSucceeded(YES)))
    ).workflow


async def said(store, turn_id: str = "turn_1", session_id: str = SESSION, **fields: Any) -> Workflow:
    """A message that was accepted; its turn is under way."""
    return await started(store, turn_id, session_id, workflow_type=TURN, **fields)


async def replied(store, turn_id: str = "turn_1") -> Workflow:
    """The turn's end with a reply."""
    return (await store.update(PROJECT, turn_id, commit(workflow_id=turn_id, end=RunSucceeded(REPLY)))).workflow


async def broke(store, turn_id: str = "turn_1") -> Workflow:
    """The turn's end without one."""
    rule = commit(workflow_id=turn_id, end=RunFailed(Failure(Reason.STEP_FAILED, "broke")))
    return (await store.update(PROJECT, turn_id, rule)).workflow


async def journal(store, session_id: str = SESSION) -> tuple[StoredSessionEvent, ...]:
    """All entries of a session's journal."""
    return await store.session_events(PROJECT, session_id, 0, ALL)


def kinds(entries) -> list[str]:
    return [EntryKind(entry.kind).name for entry in entries]


def sequences(entries) -> list[int]:
    return [entry.sequence for entry in entries]


def wrote(turn_id: str, *texts: bytes):
    """A turn's commit of text that a model wrote, and of a step's event that nobody needs to see."""
    events = (*(EncodedEvent(text, is_text=True) for text in texts), EncodedEvent(b"step"))
    run = RunCommit(project=PROJECT, workflow_id=turn_id, epoch=1, at=2_900, events=events)
    return lambda workflow, interrupts: transitions.commit_run(workflow, interrupts, run)


__all__ = [
    "ALL",
    "REPLY",
    "SESSION",
    "broke",
    "ended",
    "journal",
    "kinds",
    "replied",
    "request",
    "said",
    "sequences",
    "started",
    "wrote",
]
