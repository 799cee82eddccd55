"""What a process tells others of its commits, so that they need not ask the store: plain values."""

from collections.abc import Sequence
from dataclasses import dataclass

from stretto.server.domain.change import Publication
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import SessionPublication, StoredSessionEvent
from stretto.server.domain.workflow import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowNews:
    """Where a workflow stands after a commit, and its new events; none when they are too large to be sent around."""

    project: str
    workflow_id: str
    workflow_type: str
    session_id: str
    status: Status
    epoch: int
    last_sequence: int
    cancel_requested: bool
    events: tuple[StoredEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNews:
    """Where a session stands after a commit, and the new entries of its journal; none when they are too large."""

    project: str
    session_id: str
    last_sequence: int
    deleted: bool
    events: tuple[StoredSessionEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What one commit made public."""

    sessions: tuple[SessionNews, ...] = ()
    workflows: tuple[WorkflowNews, ...] = ()


def of_workflows(publications: Sequence[Publication]) -> tuple[WorkflowNews, ...]:
    """What to tell of workflows that were changed."""
    return tuple(
        WorkflowNews(
            project=publication.workflow.project,
            workflow_id=publication.workflow.workflow_id,
            workflow_type=publication.workflow.workflow_type,
            session_id=publication.workflow.session_id,
            status=publication.workflow.status,
            epoch=publication.workflow.epoch,
            last_sequence=publication.workflow.last_sequence,
            cancel_requested=publication.workflow.cancel_requested_at != 0,
            events=publication.events,
        )
        for publication in publications
    )


def of_sessions(publications: Sequence[SessionPublication]) -> tuple[SessionNews, ...]:
    """What to tell of sessions that were changed."""
    return tuple(
        SessionNews(
            project=publication.session.project,
            session_id=publication.session.session_id,
            last_sequence=publication.session.last_sequence,
            deleted=publication.session.deleted_at != 0,
            events=publication.events,
        )
        for publication in publications
    )
