"""Calls to servers: deadlines, repeats, correlation ids and errors, in one place.

Written by tools/make_sync.py from `_async/_calls.py`; `make proto` writes it again.
"""

import uuid
from collections.abc import Sequence
from typing import TypeVar

import grpc

from stretto.client._backoff import Backoff, Until
from stretto.client._refusals import CORRELATION_KEY, refusal_of
from stretto.client._sync._connections import Connections
from stretto.client._sync._io import Ask, Cut, Metadata, Pick, Stream, Stubs, unary
from stretto.client.errors import CallError, ClientClosed, TimedOut, Unavailable

Q = TypeVar("Q")
A = TypeVar("A")

LAST_SECONDS = 0.1
"""With less time left than this, a call is not repeated any more."""


class Calls:
    """Makes calls."""

    def __init__(
        self,
        connections: Connections,
        *,
        target: str,
        metadata: Sequence[tuple[str, str | bytes]],
        timeout: float,
        retry: bool,
        silence_seconds_max: float,
    ) -> None:
        self.connections = connections
        self.silence_seconds_max = silence_seconds_max
        self._target = target
        self._metadata = tuple(metadata)
        self.timeout = timeout
        self._retry = retry

    def unary(self, pick: Pick[Q, A], request: Q, timeout: float | None) -> A:
        """Call a method until it answers, is refused, or the time is up."""
        until, backoff, correlation_id = self.until(timeout), Backoff(), self.new_correlation_id()
        before: CallError | None = None
        while True:
            stubs = self.connections.stubs()
            try:
                return unary(pick(stubs), request, until.left(), self.metadata(correlation_id))
            except grpc.RpcError as error:
                refused = self.refusal_of(error, stubs, correlation_id)
            except Cut:
                refused = self.cut(correlation_id)
            left = until.left() or 0.0
            if not isinstance(refused, Unavailable) or left < LAST_SECONDS:
                raise self._told(refused, before, until) from None
            pause = backoff.next(refused.retry_after, servers=len(self.connections))
            if pause and not self._retry:  # Every server was asked.
                raise self._told(refused, None, until) from None
            before = refused
            self.connections.pause().wait(min(pause, left / 2))

    def until(self, timeout: float | None) -> Until:
        """When to stop waiting; after the client's own time when none is given."""
        return Until(self.timeout if timeout is None else timeout)

    def open(self, ask: Ask[A], correlation_id: str) -> Stream[A]:
        """Begin to watch."""
        return Stream(self.connections.stubs(), ask, self.metadata(correlation_id))

    def refusal_of(self, error: grpc.RpcError, stubs: Stubs, correlation_id: str) -> CallError:
        """A failed call as an error of ours. Where its server is at fault, the next calls go to others."""
        refused = refusal_of(error, stubs.target, correlation_id)
        if isinstance(refused, Unavailable | TimedOut):
            self.connections.failed(stubs)
        return refused

    def cut(self, correlation_id: str) -> Unavailable:
        """The error for a call whose connection was closed on this side."""
        if self.connections.closed:
            raise ClientClosed("The client was closed during the call.", correlation_id=correlation_id) from None
        code = grpc.StatusCode.CANCELLED
        return Unavailable(f"{self._target}: the connection was replaced", code=code, correlation_id=correlation_id)

    def metadata(self, correlation_id: str) -> Metadata:
        """What is sent along."""
        return (*self._metadata, (CORRELATION_KEY, correlation_id))

    def new_correlation_id(self) -> str:
        """An id that both sides' logs know a call by."""
        return uuid.uuid4().hex

    def _told(self, refused: CallError, before: CallError | None, until: Until) -> CallError:
        """The error to raise. When time ran out over repeats, what they failed with says more than that it did."""
        told = before if before is not None and isinstance(refused, TimedOut) else refused
        if before is not None and self._retry and isinstance(told, Unavailable):
            told.message += f"; tried again and again for {until}"
        if len(self.connections) > 1 and isinstance(told, Unavailable | TimedOut):
            told.message += f"; the servers are {self._target}"
        return told
