"""How many calls of each class may be in flight: what is over it is refused at once, before any effect."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stretto.server.domain.errors import Overloaded


class CallClass(enum.Enum):
    """Calls that share one bound. Each has its own, so that none starves another."""

    START = "start"
    TALK = "talk"
    READ = "read"
    WATCH = "watch"
    CONTROL = "control"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every bound of the gRPC face, with its reason."""

    starts_max: int = 2_000
    """Calls in flight that make workflows. Each holds one payload of at most 2 MiB and waits for one commit."""

    talks_max: int = 2_000
    """Messages in flight. Each waits for its reply, which takes a language model some seconds."""

    reads_max: int = 1_000
    """Calls in flight that read. A page or a state is at most some 3 MiB."""

    watches_max: int = 10_000
    """Open watch streams. An idle one costs some 20 KiB and no processor (measured with 1,900)."""

    controls_max: int = 500
    """Calls in flight that decide, cancel, or ask for health, a diagnosis or descriptors: a reserve that no start can
    take."""

    health_watches_max: int = 20_000
    """Open health streams: every connection of a client that knows several servers has one, or it leaves this one out.
    However many watch streams there are, these must not be refused."""

    streams_per_connection_max: int = 2_000
    """Calls in flight on one connection. gRPC clients wait, without an error, for a free one of these, so it must be
    above the watches that one client holds. Against a connection that opens and resets streams as fast as it can,
    100, 1,000 and no bound at all were the same here: an innocent caller's p99 was 9 to 12 ms."""

    pending_max: int = 10_000
    """Calls that may wait for the event loop; gRPC cancels others' calls when too many do (1,000 is its own bound)."""

    pending_seconds_max: int = 600
    """How long a call may wait for the event loop. gRPC's own bound is 30 s, and it tells the caller CANCELLED, which
    looks like the caller's own doing: a burst of 2,000 calls on a busy machine met it. The caller's deadline counts."""

    message_bytes_max: int = 4 * 1024 * 1024
    """Largest request: gRPC's own bound, which every client expects."""

    metadata_bytes_max: int = 16 * 1024
    """Largest request metadata."""

    keepalive_seconds: float = 20.0
    """How long a connection may be silent before it is pinged."""

    ping_timeout_seconds: float = 10.0
    """How long a ping may go unanswered before the connection is closed; a frozen watcher is gone after both."""

    client_ping_seconds_min: float = 5.0
    """How often clients may ping; those who do it more often are cut off."""

    min_sequence_wait_seconds: float = 10.0
    """How long GetState waits for `min_sequence`."""

    turn_seconds_max: float = 30.0
    """How long the reply to a message may take."""


class Admission:
    """Counts the calls in flight."""

    def __init__(self, limits: Limits) -> None:
        self._max = {
            CallClass.START: limits.starts_max,
            CallClass.TALK: limits.talks_max,
            CallClass.READ: limits.reads_max,
            CallClass.WATCH: limits.watches_max,
            CallClass.CONTROL: limits.controls_max,
            CallClass.HEALTH: limits.health_watches_max,
        }
        self._in_flight = dict.fromkeys(CallClass, 0)

    def in_flight(self, call_class: CallClass) -> int:
        """How many calls of the class there are now."""
        return self._in_flight[call_class]

    @contextmanager
    def enter(self, call_class: CallClass) -> Iterator[None]:
        """Count a call while it lasts, or raise Overloaded."""
        if self._in_flight[call_class] >= self._max[call_class]:
            raise Overloaded(
                f"The server has {self._max[call_class]} {call_class.value} calls in flight and takes no more now.",
                call_class=call_class.value,
            )
        self._in_flight[call_class] += 1
        try:
            yield
        finally:
            self._in_flight[call_class] -= 1
