"""In which indexes workflows and sessions stand, and what a change does to that."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from stretto.server.domain.session import TURN, Session
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.store.redis._keys import name_of

Write: TypeAlias = "tuple[str | bytes | int, ...]"
"""A command, the key without its prefix, and the command's other arguments."""

Places: TypeAlias = Mapping[tuple[str, str], int]
"""Scores by index and member."""

_NOWHERE: Places = {}


def status_index(status: Status, *, turns: bool) -> str:
    """Where workflows of a status stand; turns stand apart."""
    return f"{'turns' if turns else 'status'}:{int(status)}"


def type_index(workflow_type: str) -> str:
    """Where workflows of a type stand."""
    return f"type:{workflow_type}"


def label_index(label: tuple[str, str]) -> str:
    """Where workflows with a label stand."""
    return f"l:{name_of(*label)}"


def of_workflow(workflow: Workflow) -> Iterator[Write]:
    """What a new workflow adds to indexes that it never leaves."""
    indexes = [type_index(workflow.workflow_type), *map(label_index, workflow.labels)]
    if workflow.workflow_type != TURN:
        indexes.append("all")
    if workflow.session_id:
        indexes.append(f"of:{workflow.session_id}")
    for index in indexes:
        yield ("ZADD", index, workflow.created_at, workflow.workflow_id)


def moved(before: Workflow | None, after: Workflow) -> Iterator[Write]:
    """What a change of a workflow does to the indexes of what changes."""
    if before is not None and _stands_still(before, after):
        return
    yield from _difference(_places(before) if before else _NOWHERE, _places(after))
    if after.status is Status.RUNNING:
        yield ("ZADD", "owners", 0, after.owner)


def session_moved(before: Session | None, after: Session) -> Iterator[Write]:
    """What a change of a session does to the indexes of sessions."""
    yield from _difference(_session_places(before) if before else _NOWHERE, _session_places(after))


def _stands_still(before: Workflow, after: Workflow) -> bool:
    """Whether nothing changed that an index knows: so it is with most steps."""
    return before.status is after.status and before.deadline == after.deadline and before.owner == after.owner


def _places(workflow: Workflow) -> Places:
    workflow_id, is_turn = workflow.workflow_id, workflow.workflow_type == TURN
    places = {(status_index(workflow.status, turns=is_turn), workflow_id): workflow.created_at}
    if workflow.deadline and not workflow.status.terminal:
        places["deadlines", workflow_id] = workflow.deadline
    if workflow.status is Status.RUNNING:
        places[f"o:{workflow.owner}", workflow_id] = workflow.created_at
    if workflow.session_id and not is_turn:
        if workflow.status.terminal:
            # Scores order by the end, and members with the same score by their bytes.
            places[f"se:{workflow.session_id}", f"{workflow.created_at:020d}{workflow_id}"] = workflow.ended_at
        else:
            places[f"sa:{workflow.session_id}", workflow_id] = workflow.created_at
    return places


def _session_places(session: Session) -> Places:
    if session.deleted_at:
        return {("sessions:deleted", session.session_id): session.deleted_at}
    places = {("sessions", session.session_id): session.created_at}
    if session.active_workflow_count > 0:
        places["sessions:active", session.session_id] = session.created_at
    return places


def _difference(before: Places, after: Places) -> Iterator[Write]:
    for index, member in before.keys() - after.keys():
        yield ("ZREM", index, member)
    for (index, member), score in after.items():
        if before.get((index, member)) != score:
            yield ("ZADD", index, score, member)
