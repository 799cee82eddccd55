"""The adapter: every call becomes an operation of the writer, or a command on a connection of its threads."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from stretto.server.domain.change import Request, StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.diagnosis import Durability, StoreKind
from stretto.server.domain.errors import StoreUnavailable
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.member import Member, Owned, Presence
from stretto.server.domain.session import Encoders, Session, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store._lease import LEASE_SECONDS, renewal_seconds_max
from stretto.server.store._operations import Operation
from stretto.server.store._writing import WritingStore, opened
from stretto.server.store.port import Position, SessionFilter, SessionState, Unfinished, WorkflowFilter, WorkflowState
from stretto.server.store.redis import _cluster_reads, _members, _opening, _reads, _session_reads
from stretto.server.store.redis._batch import Batch
from stretto.server.store.redis._hold import Hold
from stretto.server.store.redis._link import Link, Unanswered, check_url, shown
from stretto.server.store.redis._readers import READERS, Readers
from stretto.server.store.redis._writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class RedisStore(WritingStore):
    """Keeps everything in one Redis or Valkey, which one process has open, or several that share it."""

    kind = StoreKind.REDIS

    def __init__(
        self, url: str, encoders: Encoders, *, shared: bool = False, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        super().__init__(encoders)
        check_url(url)
        self._url = url
        self._is_shared = shared
        self._lease_seconds = lease_seconds
        self._hold: Hold | None = None
        self._durability = Durability.NONE
        self._identity = ""
        self._writer: Writer | None = None
        self._readers: Readers | None = None
        self._leases: Readers | None = None

    @property
    def durability(self) -> Durability:
        """What a write survives once it has returned, as Redis was set when the store was opened."""
        return self._durability

    @property
    def identity(self) -> str:
        """What tells this store from all others."""
        return self._identity

    async def open(self) -> None:
        """See that Redis can be the store and that nobody else has it, and begin to answer."""
        await asyncio.to_thread(self._open)
        self._writer = Writer(Link(self._url), self._encoders, self._listeners)
        self._writer.start()
        self._readers = Readers(lambda: Link(self._url), READERS)
        # Of its own, so that a renewal waits for nothing but other renewals: slow reads must not cost a lease.
        patience = renewal_seconds_max(self._lease_seconds)
        self._leases = Readers(lambda: Link(self._url, patience), size=1)

    def _open(self) -> None:
        link = Link(self._url)
        try:
            self._durability = _opening.check(link, shown(self._url))
            hold = Hold(self._url, shown(self._url), shared=self._is_shared)
            hold.acquire()
            self._identity = _opening.identity(link)
        except Unanswered as error:
            raise StoreUnavailable(f"Redis at {shown(self._url)} does not answer.") from error
        finally:
            link.close()
        self._hold = hold

    async def close(self) -> None:
        """Write what is queued, and let go of Redis."""
        writer, readers, leases, hold = self._writer, self._readers, self._leases, self._hold
        self._writer = self._readers = self._leases = self._hold = None
        if writer is None or readers is None or leases is None or hold is None:
            return
        await asyncio.to_thread(readers.close)
        await asyncio.to_thread(leases.close)
        await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(hold.release)

    async def requested(self, project: str, request: Request) -> Workflow | None:
        """The workflow that a request id was used for; None when it is new."""
        return await self._use(_reads.requested, project, request)

    async def get(self, project: str, workflow_id: str) -> Workflow:
        """The workflow's row, or WorkflowNotFound."""
        return await self._use(_reads.workflow, project, workflow_id)

    async def interrupts(self, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
        """The workflow's interrupts, oldest first."""
        return await self._use(_reads.interrupts, project, workflow_id)

    async def state(self, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
        """The workflow, its interrupts and the newest checkpoint of its outermost graph, read in one snapshot."""
        return await self._use(_reads.state, project, workflow_id, with_checkpoint=with_checkpoint)

    async def events(self, project: str, workflow_id: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """The events after a sequence, in order, at most `limit` of them."""
        return await self._use(_reads.events, project, workflow_id, after, limit)

    async def list(
        self, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Workflow, ...]:
        """Workflows, newest first, from those created before the cursor."""
        return await self._use(_reads.workflows, project, where, limit, before)

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """All workflows of all projects that have not ended, oldest first."""
        return await self._use(_cluster_reads.unfinished)

    async def session(self, project: str, session_id: str) -> Session:
        """The session's row, or SessionNotFound."""
        return await self._use(_session_reads.session, project, session_id)

    async def sessions(
        self, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Session, ...]:
        """Sessions that are not deleted, newest first, from those created before the cursor."""
        return await self._use(_session_reads.sessions, project, where, limit, before)

    async def session_events(
        self, project: str, session_id: str, after: int, limit: int
    ) -> tuple[StoredSessionEvent, ...]:
        """The entries of a session's journal after a sequence, in order."""
        return await self._use(_session_reads.events, project, session_id, after, limit)

    async def messages(
        self, project: str, session_id: str, limit: int, *, after: int = 0, before: int = 0, newest_first: bool = False
    ) -> tuple[StoredSessionEvent, ...]:
        """Messages and notices between two sequences, neither included."""
        return await self._use(
            _session_reads.messages, project, session_id, limit, after, before, newest_first=newest_first
        )

    async def turn_messages(self, project: str, session_id: str, turn_id: str) -> tuple[StoredSessionEvent, ...]:
        """The messages of one turn: the user's, and the reply if there is one yet."""
        return await self._use(_session_reads.turn_messages, project, session_id, turn_id)

    async def session_state(
        self, project: str, session_id: str, *, active_max: int, ended_max: int, with_checkpoints: bool
    ) -> SessionState:
        """A session and its workflows without turns, read in one snapshot; or SessionNotFound."""
        return await self._use(
            _session_reads.state, project, session_id, active_max, ended_max, with_checkpoints=with_checkpoints
        )

    async def purge(self) -> int:
        """Remove some of what belonged to deleted sessions; says how many rows, 0 when nothing is left."""
        return await self._use(_cluster_reads.purge)

    async def forget_sessions(self, before: Micros) -> int:
        """Delete the rows of sessions that were deleted before a time and are purged; says how many."""
        return await self._use(_cluster_reads.forget_sessions, before)

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str = ""
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace."""
        return await self._use(_reads.checkpoint, project, workflow_id, namespace, checkpoint_id)

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str = ""
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints of one namespace, or of all, newest first, from those whose ids sort before `before`."""
        return await self._use(_reads.checkpoints, project, workflow_id, namespace, limit, before)

    async def forget_requests(self, before: Micros) -> int:
        """Delete request ids that were used before a time; says how many."""
        return await self._use(_cluster_reads.forget_requests, before)

    async def renew(self, member: Member) -> bool:
        """Write down a member as it is now; says whether it was asked to drain."""
        return await self._use_lease(_members.renew, member)

    async def members(self) -> tuple[Presence, ...]:
        """All members that have not left and were not forgotten, in the order of their ids."""
        return await self._use_lease(_members.everybody)

    async def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member that it should drain; or MemberNotFound."""
        return await self._use_lease(_members.ask_to_drain, member_id)

    async def leave(self, member_id: str) -> None:
        """Forget a member. What it owns is adrift from now on."""
        await self._use_lease(_members.leave, member_id)

    async def forget_members(self, silent_for: Micros) -> int:
        """Forget members that were silent for so long; says how many."""
        return await self._use(_members.forget, silent_for)

    async def owned(self, member_id: str) -> tuple[Owned, ...]:
        """The running workflows of all projects that a member owns."""
        return await self._use(_cluster_reads.owned, member_id)

    async def adrift(self, limit: int) -> tuple[Owned, ...]:
        """Some running workflows whose owner is no member, or was silent for its lease or longer."""
        return await self._use(_cluster_reads.adrift, limit)

    async def queued(
        self, limit: int, after: tuple[str, Micros, str] | None = None, *, updated_before: Micros = 0
    ) -> tuple[Unfinished, ...]:
        """Queued workflows and turns of all projects by project and age, from those after a cursor."""
        return await self._use(_cluster_reads.queued, limit, after, updated_before)

    async def queued_counts(self, limit: int) -> tuple[int, int]:
        """How many workflows are queued and how many turns, each counted up to a limit."""
        return await self._use(_cluster_reads.queued_counts, limit)

    async def overdue(self, now: Micros, limit: int) -> tuple[Unfinished, ...]:
        """Some workflows of all projects that have not ended though their deadline has come."""
        return await self._use(_cluster_reads.overdue, now, limit)

    async def positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these workflows are; those that are not there are left out."""
        return await self._use(_cluster_reads.positions, keys)

    async def session_positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these sessions are; those that are not there are left out."""
        return await self._use(_cluster_reads.session_positions, keys)

    async def _write(self, operation: Operation[Batch]) -> object:
        return await opened(self._writer).submit(operation)

    async def _use(self, use: Callable[Concatenate[Link, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await opened(self._readers).run(lambda link: use(link, *args, **kwargs))

    async def _use_lease(self, use: Callable[Concatenate[Link, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `_use`, for what is about members."""
        return await opened(self._leases).run(lambda link: use(link, *args, **kwargs))
