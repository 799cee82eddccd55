"""News to tell in tests."""

from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import EntryKind, StoredSessionEvent
from stretto.server.domain.workflow import Status
from stretto.server.engine.news import News, SessionNews, WorkflowNews


def workflow_news(number: int = 1, *bodies: bytes) -> WorkflowNews:
    """A workflow's, whose last sequence is the number."""
    return WorkflowNews(
        project="default",
        workflow_id=f"wf_{number}",
        workflow_type="beekeeping",
        session_id="ses_1",
        status=Status.RUNNING,
        epoch=2,
        last_sequence=number,
        cancel_requested=False,
        events=tuple(StoredEvent(number + index, body) for index, body in enumerate(bodies)),
    )


def session_news(number: int = 1, *bodies: bytes) -> SessionNews:
    """A session's, whose last sequence is the number."""
    return SessionNews(
        project="default",
        session_id="ses_1",
        last_sequence=number,
        deleted=False,
        events=tuple(
            StoredSessionEvent(number + index, EntryKind.NOTICE, body, "wf_1") for index, body in enumerate(bodies)
        ),
    )


def news(number: int = 1) -> News:
    """Of one workflow."""
    return News(workflows=(workflow_news(number, b"body"),))
