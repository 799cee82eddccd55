"""The adapter: every call becomes an operation of the writer or a read."""

import asyncio
import os
import pathlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Concatenate, Literal, ParamSpec, TypeVar, cast

import apsw

from stretto.server.domain.change import Request, StoredCheckpoint
from stretto.server.domain.clock import Micros
from stretto.server.domain.diagnosis import Durability, StoreKind
from stretto.server.domain.errors import StoreUnavailable
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.member import Member, Owned, Presence
from stretto.server.domain.session import Encoders, Session, StoredSessionEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.store._members import Members
from stretto.server.store._operations import Operation
from stretto.server.store._writing import WritingStore, opened
from stretto.server.store.port import Position, SessionFilter, SessionState, Unfinished, WorkflowFilter, WorkflowState
from stretto.server.store.sqlite import _cluster_reads, _operations, _reads, _session_reads
from stretto.server.store.sqlite._batch import Batch
from stretto.server.store.sqlite._connection import connect_writer
from stretto.server.store.sqlite._lock import FileLock
from stretto.server.store.sqlite._schema import migrate
from stretto.server.store.sqlite._writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore(WritingStore):
    """Keeps everything in one SQLite file, which one process has open at a time."""

    kind = StoreKind.SQLITE
    identity = ""

    def __init__(
        self,
        path: pathlib.Path | str,
        encoders: Encoders,
        *,
        synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL",
    ) -> None:
        """Anything but FULL may lose acknowledged writes when the machine loses power."""
        super().__init__(encoders)
        self._path = pathlib.Path(path)
        self._synchronous = synchronous
        self._lock = FileLock(self._path)
        self._members = Members()
        self._writer: Writer | None = None
        self._readers: _reads.Readers | None = None

    @property
    def durability(self) -> Durability:
        """What a write survives once it has returned."""
        return Durability.FULL if self._synchronous == "FULL" else Durability.NORMAL

    async def open(self) -> None:
        """Open or create the file and bring its schema up to date."""
        connection = await asyncio.to_thread(self._open)
        self._writer = Writer(partial(connect_writer, self._path, self._synchronous), self._encoders)
        self._writer.start(connection, self._listeners)
        self._readers = _reads.Readers(self._path)

    def _open(self) -> apsw.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise StoreUnavailable(f"Cannot open the store {self._path}: {os.strerror(error.errno or 0)}.") from error
        try:
            return self._connect_first()
        except BaseException:
            self._lock.release()
            raise

    def _connect_first(self) -> apsw.Connection:
        connection: apsw.Connection | None = None
        try:
            connection = connect_writer(self._path, self._synchronous, create=True)
            migrate(connection)
        except Exception as error:
            if connection is not None:
                connection.close(True)  # noqa: FBT003  # apsw takes `force` by position only.
            if isinstance(error, apsw.Error):
                raise StoreUnavailable(f"Cannot open the store {self._path}: {error}.") from error
            raise
        return connection

    async def close(self) -> None:
        """Write what is queued, and let go of the file."""
        writer, readers = self._writer, self._readers
        self._writer = self._readers = None
        if writer is None or readers is None:
            return
        await asyncio.to_thread(readers.close)
        await asyncio.to_thread(writer.stop)
        self._lock.release()

    async def requested(self, project: str, request: Request) -> Workflow | None:
        """The workflow that a request id was used for; None when it is new."""
        return await self._read(_reads.requested, project, request)

    async def get(self, project: str, workflow_id: str) -> Workflow:
        """The workflow's row, or WorkflowNotFound."""
        return await self._read(_reads.workflow, project, workflow_id)

    async def interrupts(self, project: str, workflow_id: str) -> tuple[Interrupt, ...]:
        """The workflow's interrupts, oldest first."""
        return await self._read(_reads.interrupts, project, workflow_id)

    async def state(self, project: str, workflow_id: str, *, with_checkpoint: bool) -> WorkflowState:
        """The workflow, its interrupts and the newest checkpoint of its outermost graph, read in one snapshot."""
        return await self._read(_reads.state, project, workflow_id, with_checkpoint=with_checkpoint)

    async def events(self, project: str, workflow_id: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """The events after a sequence, in order, at most `limit` of them."""
        return await self._read(_reads.events, project, workflow_id, after, limit)

    async def list(
        self, project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Workflow, ...]:
        """Workflows, newest first, from those created before the cursor."""
        return await self._read(_reads.workflows, project, where, limit, before)

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """All workflows of all projects that have not ended, oldest first."""
        return await self._read(_reads.unfinished)

    async def session(self, project: str, session_id: str) -> Session:
        """The session's row, or SessionNotFound."""
        return await self._read(_session_reads.session, project, session_id)

    async def sessions(
        self, project: str, where: SessionFilter, limit: int, before: tuple[Micros, str] | None = None
    ) -> tuple[Session, ...]:
        """Sessions that are not deleted, newest first, from those created before the cursor."""
        return await self._read(_session_reads.sessions, project, where, limit, before)

    async def session_events(
        self, project: str, session_id: str, after: int, limit: int
    ) -> tuple[StoredSessionEvent, ...]:
        """The entries of a session's journal after a sequence, in order."""
        return await self._read(_session_reads.events, project, session_id, after, limit)

    async def messages(
        self, project: str, session_id: str, limit: int, *, after: int = 0, before: int = 0, newest_first: bool = False
    ) -> tuple[StoredSessionEvent, ...]:
        """Messages and notices between two sequences, neither included."""
        return await self._read(
            _session_reads.messages, project, session_id, limit, after, before, newest_first=newest_first
        )

    async def turn_messages(self, project: str, session_id: str, turn_id: str) -> tuple[StoredSessionEvent, ...]:
        """The messages of one turn: the user's, and the reply if there is one yet."""
        return await self._read(_session_reads.turn_messages, project, session_id, turn_id)

    async def session_state(
        self, project: str, session_id: str, *, active_max: int, ended_max: int, with_checkpoints: bool
    ) -> SessionState:
        """A session and its workflows without turns, read in one snapshot; or SessionNotFound."""
        return await self._read(
            _session_reads.state, project, session_id, active_max, ended_max, with_checkpoints=with_checkpoints
        )

    async def purge(self) -> int:
        """Remove some of what belonged to deleted sessions; says how many rows, 0 when nothing is left."""
        return cast("int", await self._write(_operations.Purge()))

    async def forget_sessions(self, before: Micros) -> int:
        """Delete the rows of sessions that were deleted before a time and are purged; says how many."""
        return await self._forget(_operations.ForgetSessions(before))

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str = ""
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace."""
        return await self._read(_reads.checkpoint, project, workflow_id, namespace, checkpoint_id)

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str = ""
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints of one namespace, or of all, newest first, from those whose ids sort before `before`."""
        return await self._read(_reads.checkpoints, project, workflow_id, namespace, limit, before)

    async def forget_requests(self, before: Micros) -> int:
        """Delete request ids that were used before a time; says how many."""
        return await self._forget(_operations.ForgetRequests(before))

    async def renew(self, member: Member) -> bool:
        """Write down a member as it is now; says whether it was asked to drain."""
        return self._members.renew(member)

    async def members(self) -> tuple[Presence, ...]:
        """All members that have not left and were not forgotten, in the order of their ids."""
        return self._members.all()

    async def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member that it should drain; or MemberNotFound."""
        return self._members.ask_to_drain(member_id)

    async def leave(self, member_id: str) -> None:
        """Forget a member. What it owns is adrift from now on."""
        self._members.leave(member_id)

    async def forget_members(self, silent_for: Micros) -> int:
        """Forget members that were silent for so long; says how many."""
        return self._members.forget(silent_for)

    async def owned(self, member_id: str) -> tuple[Owned, ...]:
        """The running workflows of all projects that a member owns."""
        return await self._read(_cluster_reads.owned, member_id)

    async def adrift(self, limit: int) -> tuple[Owned, ...]:
        """Some running workflows whose owner is no member, or was silent for its lease or longer."""
        alive = self._members.alive()
        return await self._read(_cluster_reads.adrift, alive, limit)

    async def queued(
        self, limit: int, after: tuple[str, Micros, str] | None = None, *, updated_before: Micros = 0
    ) -> tuple[Unfinished, ...]:
        """Queued workflows and turns of all projects by project and age, from those after a cursor."""
        return await self._read(_cluster_reads.queued, limit, after, updated_before)

    async def queued_counts(self, limit: int) -> tuple[int, int]:
        """How many workflows are queued and how many turns, each counted up to a limit."""
        return await self._read(_cluster_reads.queued_counts, limit)

    async def overdue(self, now: Micros, limit: int) -> tuple[Unfinished, ...]:
        """Some workflows of all projects that have not ended though their deadline has come."""
        return await self._read(_cluster_reads.overdue, now, limit)

    async def positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these workflows are; those that are not there are left out."""
        return await self._read(_cluster_reads.positions, keys)

    async def session_positions(self, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
        """How far the journals of these sessions are; those that are not there are left out."""
        return await self._read(_cluster_reads.session_positions, keys)

    async def _forget(self, operation: Operation[Batch]) -> int:
        """Repeat an operation until it finds less than it could delete."""
        forgotten = 0
        while True:
            some = cast("int", await self._write(operation))
            forgotten += some
            if some < _operations.FORGOTTEN_MAX:
                return forgotten

    async def _write(self, operation: Operation[Batch]) -> object:
        return await opened(self._writer).submit(operation)

    async def _read(self, read: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await opened(self._readers).run(lambda connection: read(connection, *args, **kwargs))
