"""SessionService: talking, watching all that happens in a session, and reading how its workflows are."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import Final

from stretto.server.domain.clock import SECOND, Clock
from stretto.server.domain.errors import InvalidPageToken, OrchestratorOff, SessionBusy, StreamEnded, WorkflowEnded
from stretto.server.domain.ids import new_session_id, session_id_of
from stretto.server.domain.payload import Payload
from stretto.server.domain.session import TURN, EntryKind, Session, StoredSessionEvent
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc._batches import pieces
from stretto.server.rpc._calls import Context
from stretto.server.rpc._convert import timestamp
from stretto.server.rpc._pages import PAGE_SIZE, Filter, page
from stretto.server.rpc.context import fit, reading_of, to_context
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.convert import request_of, time_of
from stretto.server.rpc.projects import project_of
from stretto.server.rpc.replies import Replies
from stretto.server.rpc.session_events import to_message, to_session_event
from stretto.server.store.port import SessionFilter, Store
from stretto.session.v1 import session_service_pb2 as api
from stretto.session.v1.session_event_pb2 import SessionEvent, SessionEventBatch
from stretto.session.v1.session_pb2 import Session as SessionProto
from stretto.session.v1.session_pb2 import Turn
from stretto.session.v1.session_service_pb2_grpc import SessionServiceServicer
from stretto.workflow.v1.progress_event_pb2 import Bookmark

__all__ = ["SessionServicer"]

SILENCE_SECONDS_MAX: Final = 5.0
"""A stream whose filter lets nothing through says how far it is after this time, though much may happen."""

TOKENS: Final = 2_000
"""Token budget of a context when the caller does not say."""

ACTIVE_MAX: Final = 1_000
"""Workflows that have not ended and that a context looks at."""

ENDED: Final = 5
"""Workflows that have ended and that a context has when the caller does not say."""

_MILLISECOND: Final = SECOND // 1_000


class SessionServicer(SessionServiceServicer):
    """Turns requests into calls of the engine's application services."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        store: Store,
        journal: SessionJournal,
        catalog: Catalog,
        contracts: Contracts,
        replies: Replies,
        clock: Clock,
        turn_seconds_max: float,
    ) -> None:
        self._workflows = workflows
        self._store = store
        self._journal = journal
        self._catalog = catalog
        self._contracts = contracts
        self._replies = replies
        self._clock = clock
        self._turn_micros_max = round(turn_seconds_max * SECOND)

    async def SendMessage(  # noqa: N802 - The name in the protos.
        self, request: api.SendMessageRequest, context: Context
    ) -> api.SendMessageResponse:
        """Makes a message durable as a turn of its session, and waits for the reply."""
        if TURN not in self._catalog:
            raise OrchestratorOff
        project = project_of(context)
        request.session_id = request.session_id or _session_id(project, request.request_id, self._clock)
        now = self._clock.now()
        accepted = await self._workflows.accept(
            project,
            TURN,
            Payload(Turn.DESCRIPTOR.full_name, Turn(text=request.text).SerializeToString(deterministic=True)),
            request=request_of("SendMessage", request, now),
            session_id=request.session_id,
            deadline=now + self._turn_micros_max,
        )
        turn = accepted.workflow
        message = await self._replies.wait(project, turn.session_id, turn.workflow_id, fresh=accepted.fresh)
        return api.SendMessageResponse(session_id=turn.session_id, message=message)

    async def WatchSession(  # noqa: N802 - The name in the protos.
        self, request: api.WatchSessionRequest, context: Context
    ) -> AsyncIterator[api.WatchSessionResponse]:
        """Streams the session's journal."""
        last, told_at = request.after_sequence, time.monotonic()
        wanted = _wanted(request)
        following = self._journal.follow(
            project_of(context),
            request.session_id,
            last,
            max(1, request.batch_size_max),
            allow_missing=request.allow_missing,
        )
        try:
            async with aclosing(following) as batches:  # type: ignore[type-var]  # The port says iterator; it is a generator.
                async for batch in batches:
                    responses = list(_responses(request.session_id, [event for event in batch if wanted(event)]))
                    for response in responses:
                        yield response
                    last = batch[-1].sequence if batch else last
                    if responses:
                        told_at = time.monotonic()
                    elif not batch or time.monotonic() - told_at > SILENCE_SECONDS_MAX:
                        told_at = time.monotonic()
                        yield _bookmark(last)
        except StreamEnded:
            yield _bookmark(last)
            raise

    async def GetSession(  # noqa: N802 - The name in the protos.
        self, request: api.GetSessionRequest, context: Context
    ) -> api.GetSessionResponse:
        """Reads a session's row."""
        session = await self._store.session(project_of(context), request.session_id)
        return api.GetSessionResponse(session=_to_proto(session))

    async def ListSessions(  # noqa: N802 - The name in the protos.
        self, request: api.ListSessionsRequest, context: Context
    ) -> api.ListSessionsResponse:
        """Lists sessions, newest first."""
        project = project_of(context)
        page_filter = Filter.of(project, request)
        size = request.page_size or PAGE_SIZE
        where = SessionFilter(
            created_after=time_of(request, "created_after"),
            created_before=time_of(request, "created_before"),
            active_only=request.active_only,
        )
        before = _session_cursor(page_filter.cursor(request.page_token))
        rows = await self._store.sessions(project, where, size + 1, before)
        sessions, cursor = page(rows, size, _to_proto, lambda row: f"{row.created_at}:{row.session_id}")
        return api.ListSessionsResponse(sessions=sessions, next_page_token=page_filter.token(cursor) if cursor else "")

    async def ListMessages(  # noqa: N802 - The name in the protos.
        self, request: api.ListMessagesRequest, context: Context
    ) -> api.ListMessagesResponse:
        """Lists the messages of a session."""
        project = project_of(context)
        page_filter = Filter.of(project, request)
        size = request.page_size or PAGE_SIZE
        cursor = _sequence_cursor(page_filter.cursor(request.page_token))
        await self._store.session(project, request.session_id)
        rows = await self._store.messages(
            project,
            request.session_id,
            size + 1,
            after=0 if request.newest_first else cursor,
            before=cursor if request.newest_first else 0,
            newest_first=request.newest_first,
        )
        messages, following = page(rows, size, to_message, lambda row: str(row.sequence))
        return api.ListMessagesResponse(
            messages=messages, next_page_token=page_filter.token(following) if following else ""
        )

    async def GetSessionContext(  # noqa: N802 - The name in the protos.
        self, request: api.GetSessionContextRequest, context: Context
    ) -> api.GetSessionContextResponse:
        """Reads how all workflows of a session are at one moment."""
        state = await self._store.session_state(
            project_of(context),
            request.session_id,
            active_max=ACTIVE_MAX,
            ended_max=request.ended_max if request.HasField("ended_max") else ENDED,
            with_checkpoints=True,
        )
        read_at = self._clock.now()
        readings = sorted(
            (reading_of(one, self._contracts) for one in state.workflows), key=lambda reading: reading.rank
        )
        kept, tokens, left_out = fit(readings, request.token_budget or TOKENS)
        age_ms = max(0, self._clock.now() - read_at) // _MILLISECOND
        return api.GetSessionContextResponse(
            session=_to_proto(state.session),
            workflows=[to_context(reading, age_ms) for reading in kept],
            as_of_sequence=state.session.last_sequence,
            read_at=timestamp(read_at),
            token_count=tokens,
            left_out_count=left_out,
        )

    async def DeleteSession(  # noqa: N802 - The name in the protos.
        self, request: api.DeleteSessionRequest, context: Context
    ) -> api.DeleteSessionResponse:
        """Deletes a session, once nothing of it runs any more."""
        project, session_id = project_of(context), request.session_id
        try:
            await self._store.delete_session(project, session_id, self._clock.now())
        except SessionBusy:
            if not request.cancel_workflows:
                raise
            await self._cancel_and_delete(project, session_id)
        return api.DeleteSessionResponse()

    async def _cancel_and_delete(self, project: str, session_id: str) -> None:
        """Cancel what has not ended, and delete the session as soon as it has; a caller's deadline bounds the wait.

        Turns are not cancelled: they end by themselves, and what they launch until then is found in the next round.
        """
        session = await self._store.session(project, session_id)
        following = self._journal.follow(project, session_id, session.last_sequence, 1_000)
        async with aclosing(following) as batches:  # type: ignore[type-var]  # As above.
            while not await self._is_deleted(project, session_id):
                await self._cancel_all(project, session_id)
                await anext(batches, None)

    async def _is_deleted(self, project: str, session_id: str) -> bool:
        """Delete the session, if nothing of it runs any more; says whether it is deleted."""
        try:
            await self._store.delete_session(project, session_id, self._clock.now())
        except SessionBusy:
            return False
        return True

    async def _cancel_all(self, project: str, session_id: str) -> None:
        state = await self._store.session_state(
            project, session_id, active_max=ACTIVE_MAX, ended_max=0, with_checkpoints=False
        )
        for one in state.workflows:
            if not one.workflow.cancel_requested_at:
                with suppress(WorkflowEnded):  # It has ended since it was read.
                    await self._workflows.cancel(project, one.workflow.workflow_id, "The session is deleted.")


def _session_id(project: str, request_id: str, clock: Clock) -> str:
    """An id for a session that was given none: of a repeatable message the same one each time."""
    if not request_id:
        return new_session_id(clock.now())
    return session_id_of(hashlib.sha256(f"{project}\0{request_id}".encode()).digest())


def _wanted(request: api.WatchSessionRequest) -> Callable[[StoredSessionEvent], bool]:
    """What a watcher wants to see; the end of the session it sees anyway."""
    kinds = {EntryKind(kind) for kind in request.kinds} | {EntryKind.DELETED} if request.kinds else set(EntryKind)
    workflow_ids = frozenset(request.workflow_ids)

    def wanted(event: StoredSessionEvent) -> bool:
        of_another = event.kind is EntryKind.PROGRESS and workflow_ids and event.workflow_id not in workflow_ids
        return event.kind in kinds and not of_another

    return wanted


def _responses(session_id: str, batch: Sequence[StoredSessionEvent]) -> Iterator[api.WatchSessionResponse]:
    """Events as few responses: one alone as `event`, more as `batch`, none of them too large."""
    for piece in pieces(batch):
        events: list[SessionEvent] = [to_session_event(session_id, stored) for stored in piece]
        if len(events) == 1:
            yield api.WatchSessionResponse(event=events[0])
        else:
            yield api.WatchSessionResponse(batch=SessionEventBatch(events=events))


def _bookmark(last_sequence: int) -> api.WatchSessionResponse:
    return api.WatchSessionResponse(bookmark=Bookmark(last_sequence=last_sequence))


def _to_proto(session: Session) -> SessionProto:
    return SessionProto(
        session_id=session.session_id,
        created_at=timestamp(session.created_at),
        updated_at=timestamp(session.updated_at),
        last_sequence=session.last_sequence,
        message_count=session.message_count,
        workflow_count=session.workflow_count,
        active_workflow_count=session.active_workflow_count,
        pending_interrupt_count=session.pending_interrupt_count,
    )


def _session_cursor(cursor: str) -> tuple[int, str] | None:
    created_at, _, session_id = cursor.partition(":")
    return (_number(created_at), session_id) if cursor else None


def _sequence_cursor(cursor: str) -> int:
    return _number(cursor) if cursor else 0


def _number(digits: str) -> int:
    if not (digits.isdecimal() and digits.isascii() and len(digits) <= 18):  # noqa: PLR2004 - As many digits fit into 63 bits.
        raise InvalidPageToken
    return int(digits)
