"""What a change writes, with everything computed that could still fail."""

from dataclasses import dataclass

from stretto.server.domain.change import Change, Saved
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import Session, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt
from stretto.server.store import _rows
from stretto.server.store._cache import Entry
from stretto.server.store._rows import Row


@dataclass(frozen=True, slots=True)
class UsedRequest:
    """What is kept of a request id."""

    digest: bytes
    workflow_id: str


@dataclass(frozen=True, slots=True)
class SavedRows:
    """Rows of LangGraph's checkpointer."""

    checkpoints: list[Row]
    blobs: list[Row]
    writes: list[Row]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a workflow's change does to its session, ready to be written."""

    session: Session
    events: tuple[StoredSessionEvent, ...]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change, ready to be written."""

    change: Change
    entry: Entry
    state: Row
    events: tuple[StoredEvent, ...]
    event_rows: list[Row]
    interrupt_rows: list[Row]
    saved_rows: SavedRows
    recorded: Recorded | None


def merged(known: tuple[Interrupt, ...], changed: tuple[Interrupt, ...]) -> tuple[Interrupt, ...]:
    """Interrupts with some replaced in their places, and new ones at the end."""
    if not changed:
        return known
    by_id = {interrupt.interrupt_id: interrupt for interrupt in known}
    by_id.update((interrupt.interrupt_id, interrupt) for interrupt in changed)
    return tuple(by_id.values())


def interrupt_rows(
    project: str, workflow_id: str, interrupts: tuple[Interrupt, ...], changed: tuple[Interrupt, ...]
) -> list[Row]:
    """The rows of those that changed; `interrupts` are all of the workflow's, which give them their positions."""
    positions = {interrupt.interrupt_id: position for position, interrupt in enumerate(interrupts)}
    return [
        _rows.interrupt_row(project, workflow_id, positions[interrupt.interrupt_id], interrupt) for interrupt in changed
    ]


def saved_rows(project: str, workflow_id: str, saved: Saved) -> SavedRows:
    """The rows for LangGraph's checkpointer."""
    return SavedRows(
        [_rows.checkpoint_row(project, workflow_id, checkpoint) for checkpoint in saved.checkpoints],
        [_rows.blob_row(project, workflow_id, blob) for blob in saved.blobs],
        [_rows.write_row(project, workflow_id, write) for write in saved.writes],
    )
