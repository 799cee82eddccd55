"""gRPC and the clock, as the asynchronous client needs them. The blocking twin of this module is written by hand."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakSet

import grpc
import grpc.aio

from stretto.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stretto.client._channel import Options
from stretto.client.errors import ClientClosed, StrettoError
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

if TYPE_CHECKING:
    from stretto.catalog.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub
    from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceAsyncStub
    from stretto.session.v1.session_service_pb2_grpc import SessionServiceAsyncStub
    from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceAsyncStub

Q = TypeVar("Q")
A = TypeVar("A")
Q_contra = TypeVar("Q_contra", contravariant=True)
A_co = TypeVar("A_co", covariant=True)

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]


class Method(Protocol[Q_contra, A_co]):
    """One unary method of a stub."""

    def __call__(
        self, request: Q_contra, /, *, timeout: float | None = None, metadata: Metadata | None = None
    ) -> Awaitable[A_co]:
        """Call it."""
        ...


class Streaming(Protocol[A_co]):
    """One call of a streaming method."""

    async def read(self) -> "A_co | object":
        """The next response, or gRPC's sign that there is none."""
        ...

    def cancel(self) -> bool:
        """Let go of the call."""
        ...

    def done(self) -> bool:
        """Whether it is over."""
        ...


class Cut(Exception):
    """The connection was closed on this side while a call was under way, and not by cancelling the caller's task."""


class Silent(Exception):
    """Nothing came for too long."""


@dataclass(frozen=True, slots=True)
class Stubs:
    """One connection's services."""

    target: str
    channel: grpc.aio.Channel
    workflows: "WorkflowServiceAsyncStub"
    catalog: "CatalogServiceAsyncStub"
    operations: "OperationsServiceAsyncStub"
    sessions: "SessionServiceAsyncStub"
    streams: "WeakSet[Stream[Any]]" = field(default_factory=WeakSet)

    async def close(self) -> None:
        """Close the connection. Older versions of gRPC leave streams that have begun open."""
        for stream in list(self.streams):
            stream.cancel()
        await self.channel.close()


class Pause:
    """A wait that may be ended early, once and for all."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return after that time, or when it is ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def end(self) -> None:
        """Let whoever waits go on."""
        self._ended.set()


class Connection:
    """A channel that is opened when it is first used, on the caller's loop, and can be replaced."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None, options: Options) -> None:
        self.target = target
        self._credentials = credentials
        self._options = options
        self._stubs: Stubs | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pauses: WeakSet[Pause] = WeakSet()
        self.closed = False

    def stubs(self) -> Stubs:
        """The services, over a channel that is not closed."""
        if self.closed:
            raise ClientClosed("The client is closed.")
        loop = asyncio.get_running_loop()
        if self._stubs is None:
            self._stubs, self._loop = self._open(), loop
        if self._loop is not loop:
            raise StrettoError("The client is used on two event loops; make one on each.")
        return self._stubs

    async def renew(self, stubs: Stubs) -> None:
        """Replace a connection that went silent, unless somebody has done so; its other calls are cut."""
        if self._stubs is stubs:
            self._stubs = None
            await stubs.close()

    def pause(self) -> Pause:
        """A pause that ends when the connection is closed."""
        pause = Pause()
        self._pauses.add(pause)
        if self.closed:
            pause.end()
        return pause

    async def close(self) -> None:
        """Close the connection; calls under way are cut."""
        self.closed = True
        for pause in list(self._pauses):
            pause.end()
        stubs, self._stubs = self._stubs, None
        if stubs is not None:
            await stubs.close()

    def _open(self) -> Stubs:
        channel = (
            grpc.aio.insecure_channel(self.target, self._options)
            if self._credentials is None
            else grpc.aio.secure_channel(self.target, self._credentials, self._options)
        )
        return Stubs(
            self.target,
            channel,
            WorkflowServiceStub(channel),
            CatalogServiceStub(channel),
            OperationsServiceStub(channel),
            SessionServiceStub(channel),
        )


class Stream(Generic[A]):
    """One call that watches."""

    def __init__(self, stubs: Stubs, ask: "Ask[A]", metadata: Metadata) -> None:
        self.stubs = stubs
        self._loop = asyncio.get_running_loop()
        self._call = ask(stubs, metadata)
        stubs.streams.add(self)

    async def read(self, seconds: float | None) -> A | None:
        """The next response; None after the last one. Raises Silent when none comes in time."""
        asked = await _cancellations_met()
        try:
            async with asyncio.timeout(seconds):
                response = await self._call.read()
        except TimeoutError:
            raise Silent from None
        except asyncio.CancelledError:
            if _cancellations() > asked:
                self._call.cancel()
                raise
            raise Cut from None
        return None if response is grpc.aio.EOF else cast("A", response)

    def cancel(self) -> None:
        """Let go of the call at once."""
        self._call.cancel()

    def __del__(self) -> None:
        # gRPC's call refers to itself, so without this it would last until the garbage collector comes by.
        if hasattr(self, "_call") and not self._call.done():
            with contextlib.suppress(RuntimeError):  # The loop is closed, and with it the call.
                self._loop.call_soon_threadsafe(self._call.cancel)


async def unary(method: Method[Q, A], request: Q, seconds: float | None, metadata: Metadata) -> A:
    """One call and its answer."""
    asked = await _cancellations_met()
    try:
        return await method(request, timeout=seconds, metadata=metadata)
    except asyncio.CancelledError:
        if _cancellations() > asked:
            raise
        raise Cut from None


async def _cancellations_met() -> int:
    """How often the present task was asked to stop, none of which is still to be raised."""
    if _cancellations():
        await asyncio.sleep(0)  # A task that has cancelled itself is told here, and not in the midst of a call.
    return _cancellations()


def _cancellations() -> int:
    """How often the present task was asked to stop: gRPC raises CancelledError for a closed channel too."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


Pick: TypeAlias = Callable[[Stubs], Method[Q, A]]
"""Chooses the method of a call."""

Ask: TypeAlias = Callable[[Stubs, Metadata], Streaming[A]]
"""Makes the call of a watch."""
