"""The state of a watch, without any input or output: what was seen, and what a break means."""

from collections.abc import Iterator, Sequence
from typing import Final

from stretto.client._backoff import Backoff
from stretto.client._refusals import is_fault_of_the_way
from stretto.client.errors import JournalBroken, Overloaded, ServerFault, StrettoError, Unavailable
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_service_pb2 import WatchProgressRequest, WatchProgressResponse

BATCH_MAX: Final = 256
"""Events in one response: many take a small part of the time that single ones take."""

FAULTS_MAX: Final = 10
"""Faults of the server in a row, without an event between them, that end a watch. Breaks of the way never do."""

TERMINAL: Final = frozenset({"completed", "failed", "cancelled", "quarantined"})


class Gap(StrettoError):
    """Events are missing. Nothing was handed on past the gap; asked again, the server may well have them."""


class Cursor:
    """Where a watcher of one journal is."""

    def __init__(self, workflow_id: str, after: int) -> None:
        self.workflow_id = workflow_id
        self.last_sequence = after
        self.breaks = 0
        self._backoff = Backoff()
        self._answered = False
        self._faults = 0

    def request(self) -> WatchProgressRequest:
        """What to ask for next."""
        return WatchProgressRequest(
            workflow_id=self.workflow_id, after_sequence=self.last_sequence, batch_size_max=BATCH_MAX
        )

    def take(self, response: WatchProgressResponse) -> Iterator[ProgressEvent]:
        """The events of a response that were not seen before, in order; raises Gap behind those before a gap."""
        if not self._answered:
            self._answered = True
            self._backoff.reset()
        match response.WhichOneof("item"):
            case "event":
                events: Sequence[ProgressEvent] = (response.event,)
            case "batch":
                events = response.batch.events
            case _:
                events = ()
        return (event for event in events if self._is_next(event))

    def broke(self, error: StrettoError) -> float:
        """Seconds to wait before asking again; raises what asking again would not mend."""
        if not (isinstance(error, Gap) or is_fault_of_the_way(error)):
            raise error
        self._faults += isinstance(error, Gap | ServerFault)
        if self._faults >= FAULTS_MAX:
            raise JournalBroken(error.message, correlation_id=error.correlation_id) if isinstance(error, Gap) else error
        if self._answered:
            self.breaks += 1
        self._answered = False
        return self._backoff.next(error.retry_after if isinstance(error, Overloaded | Unavailable) else None)

    def _is_next(self, event: ProgressEvent) -> bool:
        if event.sequence <= self.last_sequence:
            return False
        if event.sequence != self.last_sequence + 1:
            raise Gap(f"{self.workflow_id}: event {event.sequence} came after {self.last_sequence}.")
        self.last_sequence = event.sequence
        self._faults = 0
        return True


def is_terminal(event: ProgressEvent) -> bool:
    """Whether it is the last one of its journal."""
    return event.WhichOneof("kind") in TERMINAL
