"""The state of a watch, without any input or output: what was seen, and what a break means."""

from collections.abc import Iterator, Sequence
from typing import Final, Generic, Literal, Protocol, TypeVar

from stretto.client._backoff import Backoff
from stretto.client._refusals import is_fault_of_the_way
from stretto.client.errors import JournalBroken, Overloaded, ServerFault, StrettoError, Unavailable
from stretto.session.v1.session_event_pb2 import SessionEvent
from stretto.session.v1.session_service_pb2 import WatchSessionRequest
from stretto.workflow.v1.progress_event_pb2 import Bookmark, ProgressEvent
from stretto.workflow.v1.workflow_service_pb2 import WatchProgressRequest

BATCH_MAX: Final = 256
"""Events in one response: many take a small part of the time that single ones take."""

FAULTS_MAX: Final = 10
"""Faults of the server in a row, without an event between them, that end a watch. Breaks of the way never do."""

TERMINAL: Final = frozenset({"completed", "failed", "cancelled", "quarantined", "timed_out", "deleted"})

E = TypeVar("E", ProgressEvent, SessionEvent)
E_co = TypeVar("E_co", ProgressEvent, SessionEvent, covariant=True)


class Gap(StrettoError):
    """Events are missing. Nothing was handed on past the gap; asked again, the server may well have them."""


class Batch(Protocol[E_co]):
    """Several events of one journal, in order."""

    @property
    def events(self) -> Sequence[E_co]:
        """The events."""
        ...


class Response(Protocol[E_co]):
    """The next part of a journal, whichever service sends it."""

    @property
    def event(self) -> E_co:
        """The next event."""
        ...

    @property
    def batch(self) -> Batch[E_co]:
        """The next events."""
        ...

    @property
    def bookmark(self) -> Bookmark:
        """How far the stream is."""
        ...

    def WhichOneof(self, oneof_group: Literal["item"], /) -> Literal["event", "batch", "bookmark"] | None:  # noqa: N802 - Protobuf's own name.
        """Which of them it is."""
        ...


class Position(Generic[E]):
    """Where a watcher of one journal is."""

    def __init__(self, owner_id: str, after: int, *, filtered: bool = False) -> None:
        self.owner_id = owner_id
        """The workflow or the session whose journal it is."""
        self.last_sequence = after
        self.breaks = 0
        self._filtered = filtered
        self._backoff = Backoff()
        self._answered = False
        self._faults = 0

    def take(self, response: Response[E]) -> Iterator[E]:
        """The events of a response that were not seen before, in order; raises Gap behind those before a gap."""
        if not self._answered:
            self._answered = True
            self._backoff.reset()
        events: Sequence[E] = ()
        match response.WhichOneof("item"):
            case "event":
                events = (response.event,)
            case "batch":
                events = response.batch.events
            case "bookmark" if self._filtered:
                # It counts what the filter left out, which need not be looked through again.
                self.last_sequence = max(self.last_sequence, response.bookmark.last_sequence)
        return (event for event in events if self._is_next(event))

    def broke(self, error: StrettoError, *, servers: int = 1) -> float:
        """Seconds to wait before asking again, of so many servers; raises what asking again would not mend."""
        if not (isinstance(error, Gap) or is_fault_of_the_way(error)):
            raise error
        self._faults += isinstance(error, Gap | ServerFault)
        if self._faults >= FAULTS_MAX:
            raise JournalBroken(error.message, correlation_id=error.correlation_id) if isinstance(error, Gap) else error
        if self._answered:
            self.breaks += 1
        self._answered = False
        at_least = error.retry_after if isinstance(error, Overloaded | Unavailable) else None
        return self._backoff.next(at_least, servers=servers)

    def _is_next(self, event: E) -> bool:
        if event.sequence <= self.last_sequence:
            return False
        if event.sequence != self.last_sequence + 1 and not self._filtered:
            raise Gap(f"{self.owner_id}: event {event.sequence} came after {self.last_sequence}.")
        self.last_sequence = event.sequence
        self._faults = 0
        return True


class Cursor(Position[ProgressEvent]):
    """Where a watcher of a workflow is."""

    def request(self) -> WatchProgressRequest:
        """What to ask for next."""
        return WatchProgressRequest(
            workflow_id=self.owner_id, after_sequence=self.last_sequence, batch_size_max=BATCH_MAX
        )


class SessionCursor(Position[SessionEvent]):
    """Where a watcher of a session is."""

    def __init__(self, first: WatchSessionRequest) -> None:
        super().__init__(first.session_id, first.after_sequence, filtered=bool(first.kinds or first.workflow_ids))
        self._first = first

    def request(self) -> WatchSessionRequest:
        """What to ask for next."""
        request = WatchSessionRequest()
        request.CopyFrom(self._first)
        request.after_sequence, request.batch_size_max = self.last_sequence, BATCH_MAX
        return request


def is_terminal(event: ProgressEvent | SessionEvent) -> bool:
    """Whether it is the last one of its journal."""
    return event.WhichOneof("kind") in TERMINAL
