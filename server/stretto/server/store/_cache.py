"""The newest rows in a writer's memory."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from stretto.server.domain.session import Session
from stretto.server.domain.workflow import Interrupt, Status, Workflow

ENTRIES_MAX = 2_048
"""Workflows kept, and sessions: those that executors run now, and some more."""

INPUT_BYTES_MAX = 32 * 1024
"""A workflow with a larger input is read again each time, so that the cache stays below 64 MiB of inputs."""

_BUSY = (Status.QUEUED, Status.RUNNING)  # One that waits for a person costs a row, and no memory.

Key = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow and, when they are known, its interrupts."""

    workflow: Workflow
    interrupts: tuple[Interrupt, ...] | None = None
    revision: int = 0
    """How often its row was written, where a store counts that to see whether somebody else did."""


class Cache(Generic[T]):
    """Values by project and id; the one that was not used for the longest time makes room."""

    def __init__(self, is_kept: Callable[[T], bool]) -> None:
        self._is_kept = is_kept
        self._entries: OrderedDict[Key, T] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def get(self, key: Key) -> T | None:
        """A value, if it is kept."""
        return self._entries.get(key)

    def update(self, entries: Mapping[Key, T]) -> None:
        """Take in the rows of a committed transaction."""
        for key, entry in entries.items():
            self._entries.pop(key, None)
            if self._is_kept(entry):
                self._entries[key] = entry
        while len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget some."""
        for key in keys:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


class Caches:
    """What the writer remembers of workflows and of sessions."""

    def __init__(self) -> None:
        self.workflows: Cache[Entry] = Cache(is_busy)
        self.sessions: Cache[Session] = Cache(_is_there)

    def clear(self) -> None:
        """Forget everything, after a transaction that may have failed in any state."""
        self.workflows.clear()
        self.sessions.clear()


def is_busy(entry: Entry) -> bool:
    """Whether executors will ask for it soon."""
    return entry.workflow.status in _BUSY and len(entry.workflow.input.value) <= INPUT_BYTES_MAX


def _is_there(session: Session) -> bool:
    return not session.deleted_at
