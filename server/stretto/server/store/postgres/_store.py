"""The adapter: every call becomes an operation of the writer, or a statement on a connection of the pool."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
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
from stretto.server.store.postgres import _cluster, _purge, _reads, _session_reads
from stretto.server.store.postgres._address import parse
from stretto.server.store.postgres._batch import Batch
from stretto.server.store.postgres._connection import VERSION_MIN, Connection, connect, is_storage_error, unreachable
from stretto.server.store.postgres._line import Line
from stretto.server.store.postgres._pool import SIZE, Pool
from stretto.server.store.postgres._schema import identity, migrate
from stretto.server.store.postgres._writer import Writer

_PROBES = 1_024
"""Rows that probes are written to: processes that share the store take one each, and hardly ever the same."""

P = ParamSpec("P")
T = TypeVar("T")


class PostgresStore(WritingStore):
    """Keeps everything in one schema of a PostgreSQL database, which other processes may have open too if it is shared.

    Everything goes to one server of PostgreSQL, the primary: what was committed can be read by whoever asks next.
    """

    kind = StoreKind.POSTGRESQL

    def __init__(
        self, url: str, encoders: Encoders, *, shared: bool = False, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        """The URL is `postgresql://user:password@host:port/database?schema=name`; ValueError for a wrong one."""
        super().__init__(encoders)
        self._address = parse(url)
        self._shared = shared
        self._lease_seconds = lease_seconds
        self._durability = Durability.FULL
        self._identity = ""
        self._writer: Writer | None = None
        self._pool: Pool | None = None
        self._leases: Pool | None = None

    @property
    def durability(self) -> Durability:
        """What a write survives once it has returned: what the database said when it was opened."""
        return self._durability

    @property
    def identity(self) -> str:
        """What tells this schema from all others, by whatever URL it was opened; known once it is open."""
        return self._identity

    async def open(self) -> None:
        """Connect, and bring the schema up to date; needs PostgreSQL 14 or later."""
        if self._writer is not None:
            return
        line = Line(self._address, shared=self._shared)
        try:
            connection = await line.get()
            await self._prepare(connection)
        except BaseException as error:
            await line.close()
            if isinstance(error, Exception) and is_storage_error(error):
                raise unreachable(self._address, error) from error
            raise
        self._pool = Pool(lambda: connect(self._address, "stretto"), SIZE)
        # Of its own, so that a renewal waits for nothing but other renewals: slow reads must not cost a lease.
        patience = renewal_seconds_max(self._lease_seconds)
        self._leases = Pool(lambda: connect(self._address, "stretto-lease", patience), size=1)
        self._writer = Writer(line, self._encoders, self._listeners, secrets.randbelow(_PROBES))

    async def _prepare(self, connection: Connection) -> None:
        version = connection.get_server_version()
        if version.major < VERSION_MIN:
            raise StoreUnavailable(
                f"The store {self._address} is on PostgreSQL {version.major}; {VERSION_MIN} or later is needed."
            )
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise StoreUnavailable(f"The store {self._address} is a standby, which takes no writes; name the primary.")
        await migrate(connection, self._address)
        self._durability = await _durability(connection)
        self._identity = await identity(connection)

    async def close(self) -> None:
        """Write what is queued, and let go of the database."""
        writer, pool, leases = self._writer, self._pool, self._leases
        self._writer = self._pool = self._leases = None
        if writer is None or pool is None or leases is None:
            return
        await pool.close()
        await leases.close()
        await writer.stop()

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
        return await self._use(_cluster.unfinished)

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
        return await self._use(_purge.purge)

    async def forget_sessions(self, before: Micros) -> int:
        """Delete the rows of sessions that were deleted before a time and are purged; says how many."""
        return await self._forget(_purge.forget_sessions, before)

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
        return await self._forget(_purge.forget_requests, before)

    async def renew(self, member: Member) -> bool:
        """Write down a member as it is now, and when by the database's clock; says whether it was asked to drain."""
        return await self._use_lease(_cluster.renew, member)

    async def members(self) -> tuple[Presence, ...]:
        """All members that have not left and were not forgotten, in the order of their ids."""
        return await self._use_lease(_cluster.members)

    async def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member that it should drain; or MemberNotFound."""
        return await self._use_lease(_cluster.ask_to_drain, member_id)

    async def leave(self, member_id: str) -> None:
        """Forget a member. What it owns is adrift from now on."""
        await self._use_lease(_cluster.leave, member_id)

    async def forget_members(self, silent_for: Micros) -> int:
        """Forget members that were silent for so long, by the database's clock; says how many."""
        return await self._use(_cluster.forget_members, silent_for)

    async def owned(self, member_id: str) -> tuple[Owned, ...]:
        """The running workflows of all projects that a member owns."""
        return await self._use(_cluster.owned, member_id)

    async def adrift(self, limit: int) -> tuple[Owned, ...]:
        """Some running workflows whose owner is no member, or was silent for its lease or longer."""
        return await self._use(_cluster.adrift, limit)

    async def queued(
        self, limit: int, after: tuple[str, Micros, str] | None = None, *, updated_before: Micros = 0
    ) -> tuple[Unfinished, ...]:
        """Queued workflows and turns of all projects by project and age, from those after a cursor."""
        return await self._use(_cluster.queued, limit, after, updated_before)

    async def queued_counts(self, limit: int) -> tuple[int, int]:
        """How many workflows are queued and how many turns, each counted up to a limit."""
        return await self._use(_cluster.queued_counts, limit)

    async def overdue(self, now: Micros, limit: int) -> tuple[Unfinished, ...]:
        """Some workflows of all projects that have not ended though their deadline has come."""
        return await self._use(_cluster.overdue, now, limit)

    async def positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these workflows are; those that are not there are left out."""
        return await self._use(_cluster.positions, keys)

    async def session_positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these sessions are; those that are not there are left out."""
        return await self._use(_cluster.session_positions, keys)

    async def _forget(self, some_of: Callable[[Connection, Micros], Awaitable[int]], before: Micros) -> int:
        """Repeat a statement until it finds less than it could delete."""
        forgotten = 0
        while True:
            some = await self._use(some_of, before)
            forgotten += some
            if some < _purge.FORGOTTEN_MAX:
                return forgotten

    async def _write(self, operation: Operation[Batch]) -> object:
        return await opened(self._writer).submit(operation)

    async def _use(
        self, use: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await opened(self._pool).run(lambda connection: use(connection, *args, **kwargs))

    async def _use_lease(
        self, use: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `_use`, for what is about members."""
        return await opened(self._leases).run(lambda connection: use(connection, *args, **kwargs))


async def _durability(connection: Connection) -> Durability:
    """What a commit survives: without fsync not even the machine's death, without waiting for it not the last ones."""
    if await connection.fetchval("SHOW fsync") == "off":
        return Durability.NONE
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        return Durability.NORMAL
    return Durability.FULL
