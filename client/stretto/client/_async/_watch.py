"""Watching one journal, of a workflow or a session, through every break."""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self

import grpc

from stretto.client._async._calls import Calls
from stretto.client._async._io import Cut, Metadata, Silent, Stream, Streaming, Stubs
from stretto.client._backoff import Until
from stretto.client._follow import Cursor, E, Gap, Position, Response, SessionCursor, is_terminal
from stretto.client.errors import StrettoError, TimedOut, Unavailable
from stretto.session.v1.session_event_pb2 import SessionEvent
from stretto.session.v1.session_service_pb2 import WatchSessionResponse
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_service_pb2 import WatchProgressResponse

END_SECONDS_MAX = 1.0
"""How long the server may take to end a stream after the terminal event, before we end it."""

OnBreak = Callable[[StrettoError, float], None]
"""Is told what broke, and in how many seconds it is tried again."""


class Following(Generic[E]):
    """The events of one journal; what Watch and SessionWatch have in common."""

    def __init__(
        self, calls: Calls, position: Position[E], on_break: OnBreak | None = None, until: Until | None = None
    ) -> None:
        self._calls = calls
        self._position: Position[E] = position
        self._on_break = on_break
        self._until = until or Until(None)
        self._ready: deque[E] = deque()
        self._stream: Stream[Response[E]] | None = None
        self._rest = calls.connections.pause()
        self._ended = self._closed = False
        self.last_sequence = position.last_sequence
        """Sequence of the event that was given last; watching after it misses nothing."""
        self.correlation_id = calls.new_correlation_id()

    @property
    def breaks(self) -> int:
        """How often the connection broke and the watch went on."""
        return self._position.breaks

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._ready or self._closed:
            if self._ended:
                await self._finish()
            if self._closed:
                raise StopAsyncIteration
            await self._fill()
        event = self._ready.popleft()
        self.last_sequence = event.sequence
        self._ended = is_terminal(event)
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop watching. Whoever waits for the next event gets the end."""
        self._closed = True
        self._rest.end()
        self._let_go()

    async def _fill(self) -> None:
        """Read once; after a break, wait until it is time to ask again."""
        broken: StrettoError
        try:
            stream = self._open()
            self._take(await stream.read(self._until.left(self._calls.silence_seconds_max)))
        except grpc.RpcError as error:
            broken = self._calls.refusal_of(error, stream.stubs, self.correlation_id)
        except Gap as error:
            broken = error
        except (Cut, Silent) as error:
            if self._closed:
                return
            broken = await self._silence(stream) if isinstance(error, Silent) else self._calls.cut(self.correlation_id)
        except BaseException:  # Whoever waits was cancelled or interrupted; asked again, it goes on where it was.
            self._let_go()
            raise
        else:
            return
        if not self._closed:
            await self._pause(broken)

    def _open(self) -> Stream[Response[E]]:
        """The stream, a new one after a break."""
        stream = self._stream
        if stream is None:
            stream = self._stream = self._calls.open(self._ask, self.correlation_id)
            if self._closed:  # By another thread, which may not have seen this stream.
                self._let_go()
        return stream

    def _ask(self, stubs: Stubs, metadata: Metadata) -> Streaming[Response[E]]:
        """Ask for what comes after the last event."""
        raise NotImplementedError

    def _take(self, response: Response[E] | None) -> None:
        if response is None:
            self._closed = True  # The server ends a stream without an error after the terminal event only.
        else:
            self._ready.extend(self._position.take(response))

    async def _silence(self, stream: Stream[Response[E]]) -> StrettoError:
        """Nothing came, though the server sends a bookmark now and then: the connection is dead without knowing it."""
        told = f"{self._position.owner_id}: nothing was heard for {self._calls.silence_seconds_max:g} seconds"
        if not self._until.over:
            await self._calls.connections.renew(stream.stubs)
        return Unavailable(told, correlation_id=self.correlation_id)

    async def _pause(self, broken: StrettoError) -> None:
        stream = self._stream
        self._let_go()
        pause = self._position.broke(broken, servers=len(self._calls.connections))
        if stream is not None:
            self._calls.connections.failed(stream.stubs)
        if self._on_break is not None and not self._until.over:
            self._on_break(broken, pause)
        await self._rest.wait(self._until.left(pause) or 0.0)
        if self._until.over:
            told = f"{self._position.owner_id} has not ended within {self._until}."
            raise TimedOut(told, code=grpc.StatusCode.DEADLINE_EXCEEDED, correlation_id=self.correlation_id) from None

    async def _finish(self) -> None:
        """Let the server end the stream, which it does right after the terminal event."""
        stream = self._stream
        try:
            if stream is not None:
                await stream.read(END_SECONDS_MAX)
        except (grpc.RpcError, Cut, Silent):
            pass  # There is nothing more to come.
        finally:
            await self.aclose()

    def _let_go(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()


class Watch(Following[ProgressEvent]):
    """The events of one workflow, each once and in order, up to the terminal one, whatever happens to the connection.

    Leaving the loop, closing the watch or cancelling the one who waits for it frees the call at once.
    """

    def __init__(
        self, calls: Calls, cursor: Cursor, on_break: OnBreak | None = None, until: Until | None = None
    ) -> None:
        super().__init__(calls, cursor, on_break, until)
        self._cursor = cursor

    def _ask(self, stubs: Stubs, metadata: Metadata) -> Streaming[WatchProgressResponse]:
        return stubs.workflows.WatchProgress(self._cursor.request(), metadata=metadata)


class SessionWatch(Following[SessionEvent]):
    """The events of one session, each once and in order, up to its deletion, whatever happens to the connection.

    Leaving the loop, closing the watch or cancelling the one who waits for it frees the call at once.
    """

    def __init__(self, calls: Calls, cursor: SessionCursor, on_break: OnBreak | None = None) -> None:
        super().__init__(calls, cursor, on_break)
        self._cursor = cursor

    def _ask(self, stubs: Stubs, metadata: Metadata) -> Streaming[WatchSessionResponse]:
        return stubs.sessions.WatchSession(self._cursor.request(), metadata=metadata)
