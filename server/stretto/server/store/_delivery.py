"""How callers and listeners hear of what a transaction did."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic

from stretto.server.domain.change import Publication
from stretto.server.domain.errors import StoreUnavailable, StrettoError
from stretto.server.domain.session import SessionPublication
from stretto.server.store._operations import B_contra, Operation

Listener = Callable[[Sequence[Publication]], None]
SessionListener = Callable[[Sequence[SessionPublication]], None]


@dataclass(slots=True)
class Listeners:
    """Whom to tell of commits; those of sessions first, so that whoever hears of a workflow finds its session told."""

    sessions: list[SessionListener] = field(default_factory=list)
    workflows: list[Listener] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ticket(Generic[B_contra]):
    """An operation and the future of its caller."""

    operation: Operation[B_contra]
    future: asyncio.Future[object]

    def run(self, batch: B_contra) -> "Outcome":
        """A refusal is an outcome like others: it was raised before the operation's first effect."""
        try:
            return Outcome(self.future, self.operation.run(batch))
        except StrettoError as error:
            return Outcome(self.future, error=error)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to tell a caller."""

    future: asyncio.Future[object]
    result: object = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What a transaction made public."""

    sessions: Sequence[SessionPublication] = ()
    workflows: Sequence[Publication] = ()


def settle(listeners: Listeners, published: Published, outcomes: Sequence[Outcome]) -> None:
    """On the loop: first the listeners, so that whoever gets an answer finds everybody else told."""
    try:
        if published.sessions:
            for tell in listeners.sessions:
                tell(published.sessions)
        if published.workflows:
            for listener in listeners.workflows:
                listener(published.workflows)
    finally:
        for outcome in outcomes:
            _resolve(outcome)


def unavailable(cause: Exception) -> StoreUnavailable:
    """What callers are told when the storage failed."""
    error = StoreUnavailable()
    error.__cause__ = cause
    return error


def _resolve(outcome: Outcome) -> None:
    if outcome.future.done():
        return
    if outcome.error is None:
        outcome.future.set_result(outcome.result)
    else:
        outcome.future.set_exception(outcome.error)
