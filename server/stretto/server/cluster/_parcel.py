"""News as they cross the bus: a version byte, then MessagePack. Not pickle: whoever can write to Redis writes here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import ormsgpack

from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import EntryKind, StoredSessionEvent
from stretto.server.domain.workflow import Status
from stretto.server.engine.news import News, SessionNews, WorkflowNews

VERSION = b"\x01"

JOURNAL_BYTES_MAX = 64 * 1024
"""Of one workflow's or session's events. More than that, a receiver reads from the store as fast."""

PARCEL_BYTES_MAX = 512 * 1024
"""Of all events in one message: Redis keeps it once for every subscriber that is slow."""

HEADS_MAX = 10_000
"""Of workflows and sessions in one message. What is more was not told, and the receivers are told that."""

_WORKFLOW = (str, str, str, str, int, int, int, bool, list)
_SESSION = (str, str, int, bool, list)
_EVENT = (int, bytes)
_SESSION_EVENT = (int, int, bytes, str, int)


Entry = TypeVar("Entry", StoredEvent, StoredSessionEvent)


class Unreadable(ValueError):
    """The message is not one of this release's."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says: who sent it, the news, and whether its sender could not tell all."""

    sender: bytes
    news: News
    missed: bool


class Parcel:
    """What waits to be told, in the form of a message."""

    def __init__(self, *, missed: bool = False) -> None:
        self.missed = missed
        self._workflows: list[tuple[object, ...]] = []
        self._sessions: list[tuple[object, ...]] = []
        self._bytes = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.missed or self._workflows or self._sessions)

    def add(self, news: News) -> None:
        """Put in more, or remember that it did not fit."""
        added = len(news.workflows) + len(news.sessions)
        if len(self._workflows) + len(self._sessions) + added > HEADS_MAX:
            self.missed = True
            return
        self._workflows += [_workflow_row(one, self._fit(one.events)) for one in news.workflows]
        self._sessions += [_session_row(one, self._fit(one.events)) for one in news.sessions]

    def pack(self, sender: bytes) -> bytes:
        """The message."""
        return VERSION + ormsgpack.packb((sender, self.missed, self._workflows, self._sessions))

    def _fit(self, events: Sequence[Entry]) -> Sequence[Entry]:
        """The events, or none if they are too large."""
        size = sum(len(event.body) for event in events)
        if size > JOURNAL_BYTES_MAX or self._bytes + size > PARCEL_BYTES_MAX:
            return ()
        self._bytes += size
        return events


def unpack(message: bytes) -> Heard:
    """What a message says."""
    if message[:1] != VERSION:
        raise Unreadable(f"Version {message[:1].hex() or 'none'}; this release reads {VERSION.hex()}.")
    try:
        sender, missed, workflows, sessions = ormsgpack.unpackb(message[1:])
        news = News(
            sessions=tuple([_session(_checked(row, _SESSION)) for row in sessions]),
            workflows=tuple([_workflow(_checked(row, _WORKFLOW)) for row in workflows]),
        )
    except (TypeError, ValueError) as error:
        raise Unreadable(str(error)) from error
    return Heard(sender, news, missed is True)


def _workflow_row(told: WorkflowNews, events: Sequence[StoredEvent]) -> tuple[object, ...]:
    return (
        *(told.project, told.workflow_id, told.workflow_type, told.session_id, int(told.status)),
        *(told.epoch, told.last_sequence, told.cancel_requested),
        [(event.sequence, event.body) for event in events],
    )


def _session_row(told: SessionNews, events: Sequence[StoredSessionEvent]) -> tuple[object, ...]:
    return (
        *(told.project, told.session_id, told.last_sequence, told.deleted),
        [(one.sequence, int(one.kind), one.body, one.workflow_id, one.event_sequence) for one in events],
    )


def _workflow(row: Sequence[Any]) -> WorkflowNews:
    return WorkflowNews(
        project=row[0],
        workflow_id=row[1],
        workflow_type=row[2],
        session_id=row[3],
        status=Status(row[4]),
        epoch=row[5],
        last_sequence=row[6],
        cancel_requested=row[7],
        events=tuple([StoredEvent(*_checked(event, _EVENT)) for event in row[8]]),
    )


def _session(row: Sequence[Any]) -> SessionNews:
    return SessionNews(
        project=row[0],
        session_id=row[1],
        last_sequence=row[2],
        deleted=row[3],
        events=tuple([_session_event(*_checked(event, _SESSION_EVENT)) for event in row[4]]),
    )


def _session_event(sequence: int, kind: int, *rest: Any) -> StoredSessionEvent:
    return StoredSessionEvent(sequence, EntryKind(kind), *rest)


def _checked(row: Sequence[Any], form: tuple[type, ...]) -> Sequence[Any]:
    if tuple(map(type, row)) != form:
        raise Unreadable(f"A row has the wrong form: {[type(item).__name__ for item in row]}.")
    return row
