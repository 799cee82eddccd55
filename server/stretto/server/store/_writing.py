"""What stores with a writer have in common: every write is an operation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from stretto.server.domain.change import Change, Committed, Decide, Publication, Request, Saved
from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import StoreUnavailable
from stretto.server.domain.session import Encoders, Session, SessionPublication
from stretto.server.store._batch import Batch
from stretto.server.store._delivery import Listeners
from stretto.server.store._operations import Create, DeleteCheckpoints, DeleteSession, Operation, Probe, Save, Update
from stretto.server.store._prepared import saved_rows

T = TypeVar("T")


class WritingStore(ABC):
    """The half of a store that writes. An adapter says how an operation gets to its writer."""

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders
        self._listeners = Listeners()

    @abstractmethod
    async def _write(self, operation: Operation[Batch]) -> object:
        """Have the writer do it; what it gives back."""

    def on_publication(self, listener: Callable[[Sequence[Publication]], None]) -> None:
        """Call the listener on the event loop that opened the store, after each commit, in the order of the commits."""
        self._listeners.workflows.append(listener)

    def on_session_publication(self, listener: Callable[[Sequence[SessionPublication]], None]) -> None:
        """As `on_publication`, for what commits add to the journals of sessions."""
        self._listeners.sessions.append(listener)

    async def create(self, change: Change, request: Request | None = None) -> Committed:
        """Write a new workflow."""
        return cast("Committed", await self._write(Create(change, request)))

    async def update(self, project: str, workflow_id: str, decide: Decide, request: Request | None = None) -> Committed:
        """Change a workflow by a pure function, which the writer calls, perhaps more than once."""
        return cast("Committed", await self._write(Update(project, workflow_id, decide, request)))

    async def delete_session(self, project: str, session_id: str, at: Micros) -> Session:
        """Delete a session whose workflows and turns have all ended, or SessionBusy."""
        return cast("Session", await self._write(DeleteSession(project, session_id, at)))

    async def save(self, project: str, workflow_id: str, saved: Saved) -> None:
        """Write checkpoint rows outside of any run."""
        await self._write(Save(saved_rows(project, workflow_id, saved)))

    async def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow."""
        await self._write(DeleteCheckpoints(project, workflow_id))

    async def probe(self) -> None:
        """Write and commit something small, or raise StoreUnavailable."""
        await self._write(Probe())


def opened(part: T | None) -> T:
    """A part of a store that is there while the store is open, or StoreUnavailable."""
    if part is None:
        raise StoreUnavailable("The store is not open.")
    return part
