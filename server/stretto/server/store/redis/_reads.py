"""Reading workflows, their journals and their checkpoints."""

from stretto.server.domain.change import Request, StoredCheckpoint
from stretto.server.domain.errors import RequestIdReused, SessionDeleted, WorkflowNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store.port import WorkflowFilter, WorkflowState
from stretto.server.store.redis import _encoding
from stretto.server.store.redis._keys import name_of, prefix_of
from stretto.server.store.redis._link import Link
from stretto.server.store.redis._places import label_index, status_index, type_index
from stretto.server.store.redis._walk import Cursor, Walk, walk_all


def workflow(link: Link, project: str, workflow_id: str) -> Workflow:
    """One workflow, or WorkflowNotFound."""
    (parts,) = link.ask("rows", prefix_of(project), "f", workflow_id)
    if parts is None:
        raise WorkflowNotFound(workflow_id=workflow_id)
    return _encoding.to_workflow(parts)


def requested(link: Link, project: str, request: Request) -> Workflow | None:
    """The workflow that a request id was used for, or None; RequestIdReused, or SessionDeleted when it is gone."""
    row = link.ask("requested", prefix_of(project), request.request_id)
    if row is None:
        return None
    used = _encoding.to_request(row)
    if used.digest != request.digest:
        raise RequestIdReused(workflow_id=used.workflow_id)
    try:
        return workflow(link, project, used.workflow_id)
    except WorkflowNotFound:
        # Only with its session is a workflow deleted, and a request id outlives it.
        raise SessionDeleted(workflow_id=used.workflow_id) from None


def interrupts(link: Link, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
    """A workflow's interrupts, oldest first."""
    parts = link.ask("state", prefix_of(project), workflow_id, 0)
    return () if parts is None else _encoding.to_interrupts(parts[1])


def state(link: Link, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
    """A workflow and what belongs to it, at one moment."""
    parts = link.ask("state", prefix_of(project), workflow_id, int(with_checkpoint))
    if parts is None:
        raise WorkflowNotFound(workflow_id=workflow_id)
    return _encoding.to_state(parts)


def events(link: Link, project: str, workflow_id: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
    """A part of a journal."""
    bodies = link.ask("events", prefix_of(project), workflow_id, after, after + limit - 1) if limit else []
    return tuple(StoredEvent(sequence, body) for sequence, body in enumerate(bodies, start=after + 1))


def workflows(
    link: Link, project: str, where: WorkflowFilter, limit: int, before: Cursor | None
) -> tuple[Workflow, ...]:
    """Workflows, newest first: a walk along the narrowest index, or along several that each hold a part."""
    groups = _groups(where)
    narrowest = _narrowest(link, project, groups)
    others = [group for group in groups if group is not narrowest]
    walks = [
        Walk(
            prefix=prefix_of(project),
            index=index,
            limit=limit,
            descending=True,
            low=str(where.created_after or "-inf"),
            high=f"({where.created_before}" if where.created_before else "+inf",
            begin=before,
            groups=others,
        )
        for index in narrowest
    ]
    found = [_encoding.to_workflow(parts) for rows in walk_all(link, walks) for parts in rows]
    found.sort(key=lambda one: (one.created_at, one.workflow_id), reverse=True)
    return tuple(found[:limit])


def checkpoint(
    link: Link, project: str, workflow_id: str, namespace: str, checkpoint_id: str
) -> StoredCheckpoint | None:
    """One checkpoint, or the newest one of the namespace."""
    found = link.ask("checkpoints", prefix_of(project), workflow_id, name_of(namespace, checkpoint_id))
    return next((_encoding.to_stored(parts) for parts in found if parts is not None), None)


def checkpoints(
    link: Link, project: str, workflow_id: str, namespace: str | None, limit: int, before: str
) -> tuple[StoredCheckpoint, ...]:
    """Checkpoints of one namespace or of all, newest first. None of them ever changes, so two looks are one."""
    prefix = prefix_of(project)
    names = [name.decode().split("\0") for name in link.ask("checkpoint_names", prefix, workflow_id)]
    wanted = [
        (of, checkpoint_id)
        for of, checkpoint_id in names
        if namespace in (None, of) and (not before or checkpoint_id < before)
    ]
    wanted.sort(key=lambda name: name[0])
    wanted.sort(key=lambda name: name[1], reverse=True)
    chosen = wanted if limit < 0 else wanted[:limit]
    found = link.ask("checkpoints", prefix, workflow_id, *(name_of(*name) for name in chosen))
    return tuple(_encoding.to_stored(parts) for parts in found if parts is not None)


def _groups(where: WorkflowFilter) -> list[list[str]]:
    """The conditions as indexes; a workflow must stand in one of each group. Turns show only when asked for."""
    kinds = {workflow_type == TURN for workflow_type in where.workflow_types} or {False}
    groups = [[label_index(label)] for label in where.labels]
    if where.session_id:
        groups.append([f"of:{where.session_id}"])
    if where.statuses:
        groups.append([status_index(status, turns=turns) for status in set(where.statuses) for turns in kinds])
    if where.workflow_types:
        groups.append([type_index(workflow_type) for workflow_type in set(where.workflow_types)])
    elif not where.statuses:
        groups.append(["all"])
    return groups


def _narrowest(link: Link, project: str, groups: list[list[str]]) -> list[str]:
    if len(groups) == 1:
        return groups[0]
    sizes = iter(link.ask("sizes", prefix_of(project), *(index for group in groups for index in group)))
    totals = [sum(next(sizes) for _ in group) for group in groups]
    return groups[totals.index(min(totals))]
