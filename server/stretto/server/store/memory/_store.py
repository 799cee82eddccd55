"""A store in memory: for tests, and to show in few words what every store does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stretto.server.domain.change import (
    Change,
    Committed,
    Decide,
    EncodedEvent,
    Publication,
    Request,
    Saved,
    StoredCheckpoint,
)
from stretto.server.domain.clock import Micros
from stretto.server.domain.diagnosis import Durability, StoreKind
from stretto.server.domain.errors import RequestIdReused, SessionDeleted, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.member import Member, Owned, Presence
from stretto.server.domain.session import TURN, Encoders, Session, SessionPublication, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Status, Workflow
from stretto.server.store._members import Members
from stretto.server.store.memory._checkpoints import Checkpoints
from stretto.server.store.memory._sessions import Sessions, key_of
from stretto.server.store.port import (
    SMALL_BYTES_MAX,
    Position,
    SessionFilter,
    SessionState,
    Unfinished,
    WorkflowFilter,
    WorkflowState,
)

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A change with everything computed that could still fail, ready to be written."""

    change: Change
    publication: Publication
    session: SessionPublication | None


class MemoryStore:
    """Keeps everything in dictionaries, for one event loop, until it is dropped."""

    kind = StoreKind.MEMORY
    durability = Durability.NONE
    identity = ""

    def __init__(self, encoders: Encoders) -> None:
        self._encode = encoders.event
        self._is_open = False
        self._listeners: list[Callable[[Sequence[Publication]], None]] = []
        self._session_listeners: list[Callable[[Sequence[SessionPublication]], None]] = []
        self._sessions = Sessions(encoders.session)
        self._workflows: dict[_Key, Workflow] = {}
        self._journals: dict[_Key, list[StoredEvent]] = {}
        self._interrupts: dict[_Key, dict[str, Interrupt]] = {}
        self._requests: dict[_Key, tuple[Request, str]] = {}
        self._rows: dict[_Key, Checkpoints] = {}
        self._members = Members()

    async def open(self) -> None:
        """Begin to answer."""
        self._is_open = True

    async def close(self) -> None:
        """Answer no more, and tell nobody any more; opened again, it has what it had."""
        self._is_open = False
        self._listeners.clear()
        self._session_listeners.clear()

    def on_publication(self, listener: Callable[[Sequence[Publication]], None]) -> None:
        """Call the listener after each commit."""
        self._listeners.append(listener)

    def on_session_publication(self, listener: Callable[[Sequence[SessionPublication]], None]) -> None:
        """As `on_publication`, for what commits add to the journals of sessions."""
        self._session_listeners.append(listener)

    async def create(self, change: Change, request: Request | None = None) -> Committed:
        """Write a new workflow."""
        self._answer()
        project = change.workflow.project
        return self._earlier(project, request) or self._commit(project, (change,), request)

    async def update(self, project: str, workflow_id: str, decide: Decide, request: Request | None = None) -> Committed:
        """Change a workflow by a pure function."""
        self._answer()
        earlier = self._earlier(project, request)
        if earlier:
            return earlier
        workflow = self._workflow(project, workflow_id)
        changes = decide(workflow, self._interrupts_of((project, workflow_id)))
        if changes:
            return self._commit(project, changes, request)
        if request:
            self._requests[project, request.request_id] = (request, workflow_id)
        return Committed(workflow, fresh=False)

    async def requested(self, project: str, request: Request) -> Workflow | None:
        """The workflow that a request id was used for; None when it is new."""
        self._answer()
        earlier = self._earlier(project, request)
        return earlier.workflow if earlier else None

    async def get(self, project: str, workflow_id: str) -> Workflow:
        """The workflow's row, or WorkflowNotFound."""
        self._answer()
        return self._workflow(project, workflow_id)

    async def interrupts(self, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
        """The workflow's interrupts, oldest first."""
        self._answer()
        return self._interrupts_of((project, workflow_id))

    async def state(self, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
        """The workflow, its interrupts and the newest checkpoint of its outermost graph."""
        workflow = await self.get(project, workflow_id)
        newest = await self.checkpoint(project, workflow_id, "") if with_checkpoint else None
        return WorkflowState(workflow, self._interrupts_of((project, workflow_id)), newest)

    async def events(self, project: str, workflow_id: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """The events after a sequence, in order, at most `limit` of them."""
        self._answer()
        return tuple(self._journals.get((project, workflow_id), [])[after : after + limit])

    async def list(
        self, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Workflow, ...]:
        """Workflows, newest first, from those created before the cursor; turns only when they are asked for."""
        self._answer()
        found = [
            workflow
            for workflow in self._workflows.values()
            if workflow.project == project
            and (before is None or (workflow.created_at, workflow.workflow_id) < before)
            and _holds(where, workflow)
        ]
        found.sort(key=lambda workflow: (workflow.created_at, workflow.workflow_id), reverse=True)
        return tuple(found[:limit])

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """All workflows of all projects that have not ended, oldest first."""
        self._answer()
        waiting = [workflow for workflow in self._workflows.values() if not workflow.status.terminal]
        waiting.sort(key=lambda workflow: (workflow.created_at, workflow.workflow_id))
        return tuple(_unfinished(workflow) for workflow in waiting)

    async def session(self, project: str, session_id: str) -> Session:
        """The session's row, or SessionNotFound."""
        self._answer()
        return self._sessions.get((project, session_id))

    async def sessions(
        self, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Session, ...]:
        """Sessions that are not deleted, newest first, from those created before the cursor."""
        self._answer()
        return self._sessions.list(project, where, limit, before)

    async def session_events(
        self, project: str, session_id: str, after: int, limit: int
    ) -> tuple[StoredSessionEvent, ...]:
        """The entries of a session's journal after a sequence, in order."""
        self._answer()
        return self._sessions.events((project, session_id), after, limit)

    async def messages(
        self, project: str, session_id: str, limit: int, *, after: int = 0, before: int = 0, newest_first: bool = False
    ) -> tuple[StoredSessionEvent, ...]:
        """Messages and notices between two sequences, neither included."""
        self._answer()
        return self._sessions.messages((project, session_id), limit, after, before, newest_first=newest_first)

    async def turn_messages(self, project: str, session_id: str, turn_id: str) -> tuple[StoredSessionEvent, ...]:
        """The messages of one turn: the user's, and the reply if there is one yet."""
        self._answer()
        return self._sessions.turn_messages((project, session_id), turn_id)

    async def session_state(
        self, project: str, session_id: str, *, active_max: int, ended_max: int, with_checkpoints: bool
    ) -> SessionState:
        """A session and its workflows without turns; or SessionNotFound."""
        session = await self.session(project, session_id)
        key = (project, session_id)
        found = [one for one in self._workflows.values() if key_of(one) == key and one.workflow_type != TURN]
        found.sort(key=lambda one: (one.ended_at, one.created_at, one.workflow_id), reverse=True)
        active = [one for one in found if not one.status.terminal]
        ended = [one for one in found if one.status.terminal]
        chosen = (*active[:active_max], *ended[:ended_max])
        states = [await self.state(project, one.workflow_id, with_checkpoint=with_checkpoints) for one in chosen]
        return SessionState(session, tuple(_in_short(one) for one in states), len(ended))

    async def delete_session(self, project: str, session_id: str, at: Micros) -> Session:
        """Delete a session whose workflows and turns have all ended, or SessionBusy."""
        self._answer()
        key = (project, session_id)
        publication = self._sessions.delete(key, at)
        if publication is None:
            return self._sessions.deleted(key)
        for gone in [of for of, workflow in self._workflows.items() if key_of(workflow) == key]:
            for rows in (self._workflows, self._journals, self._interrupts, self._rows):
                rows.pop(gone, None)
        self._tell([publication], [])
        return publication.session

    async def purge(self) -> int:
        """Nothing is ever left: what belonged to a session goes with it."""
        self._answer()
        return 0

    async def forget_sessions(self, before: Micros) -> int:
        """Delete the rows of sessions that were deleted before a time; says how many."""
        self._answer()
        return self._sessions.forget(before)

    async def save(self, project: str, workflow_id: str, saved: Saved) -> None:
        """Write checkpoint rows outside of any run."""
        self._answer()
        self._rows.setdefault((project, workflow_id), Checkpoints()).put(saved)

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str = ""
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace."""
        found = await self.checkpoints(project, workflow_id, namespace, limit=-1)
        return next((one for one in found if checkpoint_id in ("", one.checkpoint.checkpoint_id)), None)

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str = ""
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints of one namespace, or of all, newest first, from those whose ids sort before `before`."""
        self._answer()
        rows = self._rows.get((project, workflow_id), Checkpoints())
        found = [
            one
            for one in rows.checkpoints.values()
            if namespace in (None, one.namespace) and (not before or one.checkpoint_id < before)
        ]
        found.sort(key=lambda one: one.namespace)
        found.sort(key=lambda one: one.checkpoint_id, reverse=True)
        return tuple(rows.stored(one) for one in found[: None if limit < 0 else limit])

    async def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow."""
        self._answer()
        self._rows.pop((project, workflow_id), None)

    async def forget_requests(self, before: Micros) -> int:
        """Delete request ids that were used before a time; says how many."""
        self._answer()
        old = [key for key, (request, _) in self._requests.items() if request.at < before]
        for key in old:
            del self._requests[key]
        return len(old)

    async def probe(self) -> None:
        """Memory can always be written, while the store is open."""
        self._answer()

    async def renew(self, member: Member) -> bool:
        """Write down a member as it is now; says whether it was asked to drain."""
        self._answer()
        return self._members.renew(member)

    async def members(self) -> tuple[Presence, ...]:
        """All members that have not left and were not forgotten, in the order of their ids."""
        self._answer()
        return self._members.all()

    async def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member that it should drain; or MemberNotFound."""
        self._answer()
        return self._members.ask_to_drain(member_id)

    async def leave(self, member_id: str) -> None:
        """Forget a member. What it owns is adrift from now on."""
        self._answer()
        self._members.leave(member_id)

    async def forget_members(self, silent_for: Micros) -> int:
        """Forget members that were silent for so long; says how many."""
        self._answer()
        return self._members.forget(silent_for)

    async def owned(self, member_id: str) -> tuple[Owned, ...]:
        """The running workflows of all projects that a member owns."""
        self._answer()
        return tuple(_owned(workflow) for workflow in self._running() if workflow.owner == member_id)

    async def adrift(self, limit: int) -> tuple[Owned, ...]:
        """Some running workflows whose owner is no member, or was silent for its lease or longer."""
        self._answer()
        alive = self._members.alive()
        return tuple(_owned(workflow) for workflow in self._running() if workflow.owner not in alive)[:limit]

    async def queued(
        self, limit: int, after: tuple[str, Micros, str] | None = None, *, updated_before: Micros = 0
    ) -> tuple[Unfinished, ...]:
        """Queued workflows and turns of all projects by project and age, from those after a cursor."""
        self._answer()
        found = [
            workflow
            for workflow in self._workflows.values()
            if workflow.status is Status.QUEUED
            and (after is None or _place(workflow) > after)
            and (not updated_before or workflow.updated_at < updated_before)
        ]
        return tuple(_unfinished(workflow) for workflow in sorted(found, key=_place)[:limit])

    async def queued_counts(self, limit: int) -> tuple[int, int]:
        """How many workflows are queued and how many turns, each counted up to a limit."""
        self._answer()
        queued = [workflow for workflow in self._workflows.values() if workflow.status is Status.QUEUED]
        turns = sum(workflow.workflow_type == TURN for workflow in queued)
        return min(limit, len(queued) - turns), min(limit, turns)

    async def overdue(self, now: Micros, limit: int) -> tuple[Unfinished, ...]:
        """Some workflows of all projects that have not ended though their deadline has come."""
        return tuple(one for one in await self.unfinished() if 0 < one.deadline <= now)[:limit]

    async def positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these workflows are."""
        self._answer()
        found = (self._workflows.get(key) for key in keys)
        return tuple(
            Position(one.project, one.workflow_id, one.last_sequence, one.status.terminal, one.session_id)
            for one in found
            if one is not None
        )

    async def session_positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these sessions are."""
        self._answer()
        return self._sessions.positions(keys)

    def _running(self) -> Iterator[Workflow]:
        return (workflow for workflow in self._workflows.values() if workflow.status is Status.RUNNING)

    def _answer(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("The store is not open.")

    def _workflow(self, project: str, workflow_id: str) -> Workflow:
        workflow = self._workflows.get((project, workflow_id))
        if workflow is None:
            raise WorkflowNotFound(workflow_id=workflow_id)
        return workflow

    def _interrupts_of(self, key: _Key) -> tuple[Interrupt, ...]:
        return tuple(self._interrupts.get(key, {}).values())

    def _earlier(self, project: str, request: Request | None) -> Committed | None:
        """The workflow that this request made or changed before, or RequestIdReused."""
        used = self._requests.get((project, request.request_id)) if request else None
        if used is None or request is None:
            return None
        if used[0].digest != request.digest:
            raise RequestIdReused(workflow_id=used[1])
        if (project, used[1]) not in self._workflows:
            # Only with its session is a workflow deleted, and a request id outlives it.
            raise SessionDeleted(workflow_id=used[1])
        return Committed(self._workflow(project, used[1]), fresh=False)

    def _commit(self, project: str, changes: Iterable[Change], request: Request | None) -> Committed:
        """Number and encode everything, which may fail; then write everything, which cannot."""
        workflows: dict[_Key, Workflow] = {}
        sessions: dict[_Key, Session] = {}
        numbered = [self._number(change, workflows, sessions) for change in changes]
        for one in numbered:
            self._write(one)
        first = numbered[0].publication.workflow
        if request:
            self._requests[project, request.request_id] = (request, first.workflow_id)
        self._tell([one.session for one in numbered if one.session], [one.publication for one in numbered])
        return Committed(first, fresh=True)

    def _tell(self, sessions: Sequence[SessionPublication], publications: Sequence[Publication]) -> None:
        """Tell of a commit; of sessions first."""
        if sessions:
            for tell in self._session_listeners:
                tell(sessions)
        if publications:
            for listener in self._listeners:
                listener(publications)

    def _number(self, change: Change, workflows: dict[_Key, Workflow], sessions: dict[_Key, Session]) -> _Numbered:
        """Give a change's events their numbers; `workflows` and `sessions` are those that changes before it changed."""
        key = (change.workflow.project, change.workflow.workflow_id)
        if change.created and (key in self._workflows or key in workflows):
            raise ValueError(f"There is a workflow {key[1]} already.")
        before = None if change.created else workflows.get(key) or self._workflow(*key)
        first = before.last_sequence + 1 if before else 1
        events = tuple(
            StoredEvent(sequence, event.body if isinstance(event, EncodedEvent) else self._encode(key[1], event))
            for sequence, event in enumerate(change.events, start=first)
        )
        recorded = self._sessions.record(sessions, before, change, events)
        workflows[key] = replace(change.workflow, last_sequence=first + len(events) - 1)
        if recorded:
            sessions[key_of(change.workflow)] = recorded.session
        return _Numbered(change, Publication(workflows[key], events), recorded)

    def _write(self, numbered: _Numbered) -> None:
        change, publication = numbered.change, numbered.publication
        if numbered.session:
            self._sessions.write(numbered.session)
        workflow = publication.workflow
        key = (workflow.project, workflow.workflow_id)
        self._workflows[key] = workflow
        self._journals.setdefault(key, []).extend(publication.events)
        interrupts = self._interrupts.setdefault(key, {})
        interrupts.update((interrupt.interrupt_id, interrupt) for interrupt in change.interrupts)
        rows = self._rows.setdefault(key, Checkpoints())
        if change.copied:
            source = self._rows.get((workflow.project, change.copied.workflow_id), Checkpoints())
            rows.put(source.copy(change.copied))
        rows.put(change.saved)


def _unfinished(workflow: Workflow) -> Unfinished:
    return Unfinished(
        workflow.project,
        workflow.workflow_id,
        workflow.workflow_type,
        workflow.type_version,
        workflow.session_id,
        workflow.status,
        workflow.created_at,
        workflow.deadline,
        workflow.epoch,
    )


def _owned(workflow: Workflow) -> Owned:
    return Owned(workflow.project, workflow.workflow_id, workflow.epoch, workflow.cancel_requested_at != 0)


def _place(workflow: Workflow) -> tuple[str, Micros, str]:
    """Where a workflow stands in the walk through all that are queued."""
    return workflow.project, workflow.created_at, workflow.workflow_id


def _in_short(state: WorkflowState) -> WorkflowState:
    """A workflow as one of many: without the interrupts of one that has ended, and without large values."""
    interrupts = () if state.workflow.status.terminal else state.interrupts
    if (newest := state.checkpoint) is None:
        return replace(state, interrupts=interrupts)
    small = StoredCheckpoint(
        newest.checkpoint,
        tuple(blob for blob in newest.blobs if len(blob.blob.body) <= SMALL_BYTES_MAX),
        tuple(write for write in newest.writes if len(write.blob.body) <= SMALL_BYTES_MAX),
    )
    return replace(state, interrupts=interrupts, checkpoint=small)


def _holds(where: WorkflowFilter, workflow: Workflow) -> bool:
    """Whether a workflow meets all conditions."""
    return (
        (workflow.workflow_type in where.workflow_types if where.workflow_types else workflow.workflow_type != TURN)
        and (not where.statuses or workflow.status in where.statuses)
        and where.session_id in ("", workflow.session_id)
        and set(where.labels) <= set(workflow.labels)
        and where.created_after <= workflow.created_at
        and (not where.created_before or workflow.created_at < where.created_before)
    )
