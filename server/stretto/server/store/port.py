"""What every store can do. One contract suite holds all adapters to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stretto.server.domain.change import (
    Change,
    Checkpoint,
    Committed,
    Decide,
    Publication,
    Request,
    Saved,
    StoredCheckpoint,
)
from stretto.server.domain.clock import Micros
from stretto.server.domain.diagnosis import Durability, StoreKind
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.member import Member, Owned, Presence
from stretto.server.domain.session import Session, SessionPublication, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Status, Workflow

SMALL_BYTES_MAX = 64 * 1024
"""Larger values of checkpoints are left out where many checkpoints are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFilter:
    """Which workflows to list; empty conditions always hold."""

    workflow_types: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    session_id: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    created_after: Micros = 0
    created_before: Micros = 0


@dataclass(frozen=True, slots=True)
class WorkflowState:
    """A workflow and what belongs to it, read at one moment."""

    workflow: Workflow
    interrupts: tuple[Interrupt, ...]
    checkpoint: StoredCheckpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions to list; empty conditions always hold."""

    created_after: Micros = 0
    created_before: Micros = 0
    active_only: bool = False


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session and its workflows, read at one moment: those that have not ended and the newest of those that have."""

    session: Session
    workflows: tuple[WorkflowState, ...]
    ended_count: int
    """How many have ended, those that are not here included."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a dispatcher must know of a workflow that has not ended."""

    project: str
    workflow_id: str
    workflow_type: str
    type_version: str
    session_id: str
    status: Status
    created_at: Micros
    deadline: Micros
    epoch: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far the journal of a workflow or a session is, and whether that was its last event."""

    project: str
    name: str
    """The id of the workflow or session."""
    last_sequence: int
    ended: bool
    session_id: str = ""
    """The session that the workflow belongs to."""


class Store(Protocol):
    """Keeps workflows, journals and checkpoints. Every call is about one project but `unfinished`, which is about all.

    Writes are durable when they return. Raises StoreUnavailable when the storage does not answer, and lets through
    what a Decide function raises; in both cases nothing was written.
    """

    @property
    def kind(self) -> StoreKind:
        """What it keeps everything in."""
        ...

    @property
    def durability(self) -> Durability:
        """What a write survives once it has returned."""
        ...

    @property
    def identity(self) -> str:
        """What tells a shared store from all others, by whatever URL it was opened; known once it is open.

        Made by chance when the storage was created. Empty where one process has the storage to itself.
        """
        ...

    async def open(self) -> None:
        """Open or create the storage and bring its schema up to date."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the storage."""
        ...

    def on_publication(self, listener: Callable[[Sequence[Publication]], None]) -> None:
        """Call the listener on the event loop after each commit, in the order of the commits."""
        ...

    async def create(self, change: Change, request: Request | None = None) -> Committed:
        """Write a new workflow. With a request id that was used before: the workflow from then, or RequestIdReused."""
        ...

    async def update(self, project: str, workflow_id: str, decide: Decide, request: Request | None = None) -> Committed:
        """Change a workflow by a pure function, atomically. Gives back the first changed workflow, or the present one.

        A request id that was used before gives the workflow from then without calling the function.
        """
        ...

    async def requested(self, project: str, request: Request) -> Workflow | None:
        """The workflow that a request id was used for; None when it is new; RequestIdReused for another request's."""
        ...

    async def get(self, project: str, workflow_id: str) -> Workflow:
        """The workflow's row, or WorkflowNotFound."""
        ...

    async def interrupts(self, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
        """The workflow's interrupts, oldest first."""
        ...

    async def state(self, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
        """The workflow, its interrupts and the newest checkpoint of its outermost graph, read in one snapshot."""
        ...

    async def events(self, project: str, workflow_id: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """The events after a sequence, in order, at most `limit` of them."""
        ...

    async def list(
        self, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Workflow, ...]:
        """Workflows, newest first, from those created before the cursor (creation time and id)."""
        ...

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """All workflows of all projects that have not ended, oldest first."""
        ...

    def on_session_publication(self, listener: Callable[[Sequence[SessionPublication]], None]) -> None:
        """As `on_publication`, for what commits add to the journals of sessions. Called before those of workflows."""
        ...

    async def session(self, project: str, session_id: str) -> Session:
        """The session's row, or SessionNotFound when there is none or it was deleted."""
        ...

    async def sessions(
        self, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Session, ...]:
        """Sessions that are not deleted, newest first, from those created before the cursor (creation time and id)."""
        ...

    async def session_events(
        self, project: str, session_id: str, after: int, limit: int
    ) -> tuple[StoredSessionEvent, ...]:
        """The entries of a session's journal after a sequence, in order; none when there is no such session."""
        ...

    async def messages(
        self, project: str, session_id: str, limit: int, *, after: int = 0, before: int = 0, newest_first: bool = False
    ) -> tuple[StoredSessionEvent, ...]:
        """Messages and notices between two sequences, neither included; a `before` of 0 is the end."""
        ...

    async def turn_messages(self, project: str, session_id: str, turn_id: str) -> tuple[StoredSessionEvent, ...]:
        """The messages of one turn: the user's, and the reply if there is one yet."""
        ...

    async def session_state(
        self, project: str, session_id: str, *, active_max: int, ended_max: int, with_checkpoints: bool
    ) -> SessionState:
        """A session and its workflows without turns, newest first, read in one snapshot; or SessionNotFound.

        Their checkpoints are the newest ones of their outermost graphs, without values above SMALL_BYTES_MAX.
        """
        ...

    async def delete_session(self, project: str, session_id: str, at: Micros) -> Session:
        """Delete a session whose workflows and turns have all ended, or SessionBusy. Deleting it again changes nothing.

        Its row stays until `forget_sessions`, so that its id is not used again; SessionNotFound when there is none.
        What belonged to it is gone for readers at once, and from the storage after `purge`.
        """
        ...

    async def purge(self) -> int:
        """Remove some of what belonged to deleted sessions; says how many rows, 0 when nothing is left."""
        ...

    async def forget_sessions(self, before: Micros) -> int:
        """Delete the rows of sessions that were deleted before a time and are purged; says how many."""
        ...

    async def save(self, project: str, workflow_id: str, saved: Saved) -> None:
        """Write checkpoint rows outside of any run; a row that is there already is replaced."""
        ...

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str = ""
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace."""
        ...

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str = ""
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints of one namespace, or of all, newest first, from those whose ids sort before `before`."""
        ...

    async def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow."""
        ...

    async def forget_requests(self, before: Micros) -> int:
        """Delete request ids that were used before a time; says how many."""
        ...

    async def probe(self) -> None:
        """Write and commit something small, or raise StoreUnavailable."""
        ...

    async def renew(self, member: Member) -> bool:
        """Write down a member as it is now, and when by the store's clock; says whether it was asked to drain."""
        ...

    async def members(self) -> tuple[Presence, ...]:
        """All members that have not left and were not forgotten, in the order of their ids."""
        ...

    async def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member that it should drain; or MemberNotFound."""
        ...

    async def leave(self, member_id: str) -> None:
        """Forget a member. What it owns is adrift from now on."""
        ...

    async def forget_members(self, silent_for: Micros) -> int:
        """Forget members that were silent for so long, by the store's clock; says how many."""
        ...

    async def owned(self, member_id: str) -> tuple[Owned, ...]:
        """The running workflows of all projects that a member owns."""
        ...

    async def adrift(self, limit: int) -> tuple[Owned, ...]:
        """Some running workflows of all projects whose owner is no member, or was silent for its lease or longer.

        By the store's clock. Those that nobody's name stands by are among them.
        """
        ...

    async def queued(
        self, limit: int, after: tuple[str, Micros, str] | None = None, *, updated_before: Micros = 0
    ) -> tuple[Unfinished, ...]:
        """Queued workflows and turns of all projects by project and age, from those after a cursor.

        The cursor is project, creation time and id. With `updated_before`, only those that did not change since.
        """
        ...

    async def queued_counts(self, limit: int) -> tuple[int, int]:
        """How many workflows are queued and how many turns, each counted up to a limit."""
        ...

    async def overdue(self, now: Micros, limit: int) -> tuple[Unfinished, ...]:
        """Some workflows of all projects that have not ended though their deadline has come."""
        ...

    async def positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these workflows (project and id) are; those that are not there are left out."""
        ...

    async def session_positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these sessions (project and id) are; those that are not there are left out."""
        ...


__all__ = [
    "SMALL_BYTES_MAX",
    "Checkpoint",
    "Position",
    "SessionFilter",
    "SessionState",
    "Store",
    "Unfinished",
    "WorkflowFilter",
    "WorkflowState",
]
