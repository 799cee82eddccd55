"""What a session is, and what its journal tells of its workflows: pure functions from a change to entries."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from stretto.server.domain.change import Change, EncodedEvent
from stretto.server.domain.clock import Micros
from stretto.server.domain.event import EventEncoder, StoredEvent
from stretto.server.domain.payload import JsonValue, Payload
from stretto.server.domain.workflow import Failure, Interrupt, InterruptStatus, Status, Workflow

TURN = "stretto.orchestrator"
"""The workflow type of turns: each works out the reply to one message of a user. Only SendMessage starts them."""

QUESTION_CHARACTERS_MAX = 500
"""A longer question is cut in its notice; the interrupt has the whole of it."""

_VOWELS = frozenset("aeiouy")
_QUESTION_KEYS = ("question", "prompt", "message", "text", "title")


class EntryKind(enum.IntEnum):
    """Sorts of entries in a session's journal; the numbers are those of the protos."""

    MESSAGE = 1
    NOTICE = 2
    REPLY_DELTA = 3
    PROGRESS = 4
    DELETED = 5


class NoticeKind(enum.IntEnum):
    """What a notice tells of a workflow; the numbers are those of the protos."""

    WAITING = 1
    SUCCEEDED = 2
    FAILED = 3
    CANCELLED = 4
    QUARANTINED = 5
    TIMED_OUT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A conversation of one user: the row that its counts and its last sequence stand in."""

    project: str
    session_id: str
    created_at: Micros
    updated_at: Micros
    last_sequence: int = 0
    message_count: int = 0
    workflow_count: int = 0
    active_workflow_count: int = 0
    active_turn_count: int = 0
    pending_interrupt_count: int = 0
    deleted_at: Micros = 0

    @property
    def busy_count(self) -> int:
        """How many workflows have not ended, turns included: as long as there are some, it cannot be deleted."""
        return self.active_workflow_count + self.active_turn_count


@dataclass(frozen=True, slots=True)
class UserSaid:
    """The user said something; a turn was accepted."""

    turn_id: str
    turn: Payload


@dataclass(frozen=True, slots=True)
class Replied:
    """A turn ended with a reply."""

    turn_id: str
    reply: Payload


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """A turn ended without one."""

    turn_id: str
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Noticed:
    """A workflow of the session has ended, or asks a question."""

    kind: NoticeKind
    workflow_id: str
    workflow_type: str
    text: str
    interrupt: Interrupt | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """The session was deleted."""


SessionHappening = UserSaid | Replied | ReplyFailed | Noticed | Deleted


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a session's journal before it has a number: words of its own, or an event of the change."""

    kind: EntryKind
    what: SessionHappening | None = None
    event: int = -1
    """Index of the event in the change; -1 when the entry has words of its own."""


@dataclass(frozen=True, slots=True)
class StoredSessionEvent:
    """One entry of a session's journal: its number, and its public form or that of the workflow's event it stands for.

    The body is a workflow's event when `event_sequence` is not 0.
    """

    sequence: int
    kind: EntryKind
    body: bytes
    workflow_id: str = ""
    event_sequence: int = 0


@dataclass(frozen=True, slots=True)
class SessionPublication:
    """What a commit made public of a session: its row and its new entries."""

    session: Session
    events: tuple[StoredSessionEvent, ...]


class SessionEncoder(Protocol):
    """Gives entries with words of their own the form in which the journal keeps them and watchers get them."""

    def __call__(self, session_id: str, at: Micros, what: SessionHappening) -> bytes:
        """The entry's public form, all but its sequence."""
        ...


@dataclass(frozen=True, slots=True)
class Encoders:
    """What gives a store's journals their public form: those of workflows, and those of sessions."""

    event: EventEncoder
    session: SessionEncoder


def record(
    session: Session, before: Workflow | None, change: Change, events: tuple[StoredEvent, ...], encode: SessionEncoder
) -> tuple[Session, tuple[StoredSessionEvent, ...]]:
    """The session after a change of one of its workflows, and its new entries; `events` are the change's, numbered."""
    entries = entries_of(change)
    new = tuple(
        _numbered(entry, sequence, change.workflow, events, encode)
        for sequence, entry in enumerate(entries, start=session.last_sequence + 1)
    )
    return advance(session, before, change, entries), new


def _numbered(
    entry: Entry, sequence: int, workflow: Workflow, events: tuple[StoredEvent, ...], encode: SessionEncoder
) -> StoredSessionEvent:
    if entry.what is None:
        event = events[entry.event]
        return StoredSessionEvent(sequence, entry.kind, event.body, workflow.workflow_id, event.sequence)
    body = encode(workflow.session_id, workflow.updated_at, entry.what)
    return StoredSessionEvent(sequence, entry.kind, body, workflow.workflow_id)


def entries_of(change: Change) -> tuple[Entry, ...]:
    """What a workflow's change adds to the journal of its session."""
    return tuple(_of_turn(change) if change.workflow.workflow_type == TURN else _of_workflow(change))


def advance(session: Session, before: Workflow | None, change: Change, entries: tuple[Entry, ...]) -> Session:
    """The session after a change of one of its workflows; `before` is that workflow's row until now."""
    after = change.workflow
    ours = after.workflow_type != TURN
    became_active = (not after.status.terminal) - (before is not None and not before.status.terminal)
    pending_before = before.interrupts_pending if before is not None else 0
    said = sum(entry.kind in (EntryKind.MESSAGE, EntryKind.NOTICE) for entry in entries)
    return replace(
        session,
        updated_at=max(session.updated_at, after.updated_at),
        last_sequence=session.last_sequence + len(entries),
        message_count=session.message_count + said,
        workflow_count=session.workflow_count + (ours and before is None),
        active_workflow_count=session.active_workflow_count + ours * became_active,
        active_turn_count=session.active_turn_count + (not ours) * became_active,
        pending_interrupt_count=session.pending_interrupt_count + ours * (after.interrupts_pending - pending_before),
    )


def first(workflow: Workflow) -> Session:
    """The session that comes to be with this workflow, before anything is recorded in it."""
    at = workflow.created_at
    return Session(project=workflow.project, session_id=workflow.session_id, created_at=at, updated_at=at)


def delete(session: Session, at: Micros, encode: SessionEncoder) -> tuple[Session, StoredSessionEvent]:
    """The session once it is deleted, a row that keeps its id from being used again for a while; and its last entry."""
    deleted = replace(session, updated_at=at, deleted_at=at, last_sequence=session.last_sequence + 1)
    body = encode(session.session_id, at, Deleted())
    return deleted, StoredSessionEvent(deleted.last_sequence, EntryKind.DELETED, body)


def _of_turn(change: Change) -> Iterator[Entry]:
    """A turn shows as its message, the text that a model writes, and its reply; its steps stay in its own journal."""
    workflow = change.workflow
    if change.created:
        yield Entry(EntryKind.MESSAGE, UserSaid(workflow.workflow_id, workflow.input))
    for index, event in enumerate(change.events):
        if isinstance(event, EncodedEvent) and event.is_text:
            yield Entry(EntryKind.REPLY_DELTA, event=index)
    if _ends(change):
        replied = (
            Replied(workflow.workflow_id, workflow.result)
            if workflow.result is not None
            else ReplyFailed(workflow.workflow_id, workflow.failure)
        )
        yield Entry(EntryKind.MESSAGE, replied)


def _of_workflow(change: Change) -> Iterator[Entry]:
    for index in range(len(change.events)):
        yield Entry(EntryKind.PROGRESS, event=index)
    for interrupt in change.interrupts:
        if interrupt.status is InterruptStatus.PENDING:
            yield Entry(EntryKind.NOTICE, _asks(change.workflow, interrupt))
    if _ends(change):
        yield Entry(EntryKind.NOTICE, _ended(change.workflow))


def _ends(change: Change) -> bool:
    """Whether the workflow ends by this change: the terminal event comes last, and only such changes have events."""
    return change.workflow.status.terminal and bool(change.events)


def _asks(workflow: Workflow, interrupt: Interrupt) -> Noticed:
    text = f"{_title(workflow)} asks: {question_text(interrupt.question)}"
    return Noticed(NoticeKind.WAITING, workflow.workflow_id, workflow.workflow_type, text, interrupt)


def _ended(workflow: Workflow) -> Noticed:
    kind = NoticeKind[workflow.status.name]
    return Noticed(kind, workflow.workflow_id, workflow.workflow_type, _told(workflow))


def _told(workflow: Workflow) -> str:
    title, failure = _title(workflow), workflow.failure
    if workflow.status is Status.SUCCEEDED:
        return f"{title} is done: {workflow.headline}" if workflow.headline else f"{title} is done."
    if workflow.status is Status.CANCELLED:
        return f"{title} was cancelled" + (f": {workflow.cancel_cause}" if workflow.cancel_cause else ".")
    if workflow.status is Status.TIMED_OUT:
        return f"{title} ran out of time: {failure.message if failure else 'its deadline passed.'}"
    where = f" at {_words(failure.step)}" if failure and failure.step else ""
    return f"{title} failed{where}: {_what(failure) if failure else 'for a reason that was not told.'}"


def _what(failure: Failure) -> str:
    """What went wrong. A message of one word, such as a KeyError's, says nothing without its class."""
    alone = failure.error_class and len(failure.message.split()) < 2  # noqa: PLR2004 - One word.
    return f"{failure.error_class}: {failure.message}" if alone else failure.message


def question_text(question: JsonValue) -> str:
    """The words of a question, whatever form its graph gave it."""
    found = question
    if isinstance(question, dict):
        found = next((question[key] for key in _QUESTION_KEYS if isinstance(question.get(key), str)), None)
    text = found.strip() if isinstance(found, str) else ""
    if not text:
        return "a decision is needed."
    return text if len(text) <= QUESTION_CHARACTERS_MAX else text[: QUESTION_CHARACTERS_MAX - 1] + "…"


def _title(workflow: Workflow) -> str:
    """The type's name in plain words: `exercise_planning` is Exercise planning."""
    words = _words(workflow.workflow_type)
    return words[:1].upper() + words[1:]


def _words(name: str) -> str:
    """A name in plain words; what has no vowel is an abbreviation, such as HR."""
    words = name.replace("_", " ").replace("-", " ").split()
    return " ".join(word if set(word.lower()) & _VOWELS or not word.isalpha() else word.upper() for word in words)
