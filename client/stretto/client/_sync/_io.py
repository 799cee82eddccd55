"""gRPC and the clock, as the blocking client needs them; `tools/make_sync.py` writes the rest of this package."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakSet

import grpc

from stretto.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stretto.client._channel import Options
from stretto.client.errors import ClientClosed
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub

Q = TypeVar("Q")
A = TypeVar("A")
Q_contra = TypeVar("Q_contra", contravariant=True)
A_co = TypeVar("A_co", covariant=True)

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

LOOK_SECONDS_MAX: Final = 1.0
"""How often a watchdog looks at the clock."""


class Method(Protocol[Q_contra, A_co]):
    """One unary method of a stub."""

    def __call__(self, request: Q_contra, /, *, timeout: float | None = None, metadata: Metadata | None = None) -> A_co:
        """Call it."""
        ...


class Streaming(Protocol[A_co]):
    """One call of a streaming method."""

    def __next__(self) -> A_co:
        """The next response."""
        ...

    def cancel(self) -> bool:
        """Let go of the call."""
        ...


class Cut(Exception):
    """The connection was closed on this side while a call was under way."""


class Silent(Exception):
    """Nothing came for too long."""


@dataclass(frozen=True, slots=True)
class Stubs:
    """One connection's services."""

    target: str
    channel: grpc.Channel
    workflows: WorkflowServiceStub
    catalog: CatalogServiceStub
    operations: OperationsServiceStub
    sessions: SessionServiceStub


class Pause:
    """A wait that may be ended early, once and for all."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def wait(self, seconds: float) -> None:
        """Return after that time, or when it is ended."""
        self._ended.wait(seconds)

    def end(self) -> None:
        """Let whoever waits go on."""
        self._ended.set()


class Connection:
    """A channel that is opened when it is first used and can be replaced. Threads may share it."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None, options: Options) -> None:
        self.target = target
        self._credentials = credentials
        self._options = options
        self._stubs: Stubs | None = None
        self._pauses: WeakSet[Pause] = WeakSet()
        self._lock = threading.Lock()
        self.closed = False

    def stubs(self) -> Stubs:
        """The services, over a channel that is not closed."""
        with self._lock:
            if self.closed:
                raise ClientClosed("The client is closed.")
            if self._stubs is None:
                self._stubs = self._open()
            return self._stubs

    def renew(self, stubs: Stubs) -> None:
        """Replace a connection that went silent, unless somebody has done so; its other calls are cut."""
        with self._lock:
            if self._stubs is not stubs:
                return
            self._stubs = None
        stubs.channel.close()

    def pause(self) -> Pause:
        """A pause that ends when the connection is closed."""
        pause = Pause()
        with self._lock:
            self._pauses.add(pause)
            if self.closed:
                pause.end()
        return pause

    def close(self) -> None:
        """Close the connection; calls under way are cut."""
        with self._lock:
            self.closed = True
            stubs, self._stubs = self._stubs, None
            pauses = list(self._pauses)
        for pause in pauses:
            pause.end()
        if stubs is not None:
            stubs.channel.close()

    def _open(self) -> Stubs:
        channel = (
            grpc.insecure_channel(self.target, self._options)
            if self._credentials is None
            else grpc.secure_channel(self.target, self._credentials, self._options)
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
        try:
            self._call = ask(stubs, metadata)
        except ValueError as error:  # gRPC's way to say that another thread has closed the channel.
            raise Cut from error
        self._watchdog = Watchdog(self._call)

    def read(self, seconds: float | None) -> A | None:
        """The next response; None after the last one. Raises Silent when none comes in time."""
        self._watchdog.expect(seconds)
        try:
            return next(self._call, None)
        except grpc.RpcError as error:
            if self._watchdog.barked:
                raise Silent from None
            if _is_ours(error):
                raise Cut from None
            raise
        finally:
            self._watchdog.rest()

    def cancel(self) -> None:
        """Let go of the call at once."""
        self._watchdog.end()
        self._call.cancel()

    def __del__(self) -> None:
        if hasattr(self, "_watchdog"):
            self.cancel()


class Watchdog:
    """Cancels a call that is silent for too long: a blocking read cannot be given a time.

    It knows no Stream, so that a stream which nobody holds any more ends.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._moment = math.inf
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.barked = False
        if not call.add_callback(self._ended.set):
            self._ended.set()  # The call is over already.

    def expect(self, seconds: float | None) -> None:
        """From now on wait for an answer, for so long."""
        self._moment = math.inf if seconds is None else time.monotonic() + seconds
        if seconds is not None and self._thread is None:
            pause = min(LOOK_SECONDS_MAX, seconds / 4)
            self._thread = threading.Thread(target=self._look, args=(pause,), name="stretto-watchdog", daemon=True)
            self._thread.start()

    def rest(self) -> None:
        """The answer came: a caller may take its time with it."""
        self._moment = math.inf

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def _look(self, pause: float) -> None:
        while not self._ended.wait(pause):
            if time.monotonic() >= self._moment:
                self.barked = True
                self._call.cancel()
                return


def unary(method: Method[Q, A], request: Q, seconds: float | None, metadata: Metadata) -> A:
    """One call and its answer."""
    try:
        return method(request, timeout=seconds, metadata=metadata)
    except ValueError as error:  # gRPC's way to say that another thread has closed the channel.
        raise Cut from error
    except grpc.RpcError as error:
        if _is_ours(error):
            raise Cut from None
        raise


def _is_ours(error: grpc.RpcError) -> bool:
    """Whether this side cancelled the call, by closing the channel or the stream: the server would name a reason."""
    call = cast("grpc.Call", error)
    told = call.details() or ""
    return call.code() is grpc.StatusCode.CANCELLED and ("Locally cancelled" in told or "Channel closed" in told)


Pick: TypeAlias = Callable[[Stubs], Method[Q, A]]
"""Chooses the method of a call."""

Ask: TypeAlias = Callable[[Stubs, Metadata], Streaming[A]]
"""Makes the call of a watch."""
