"""The newest rows in the writer's memory: right without any check, because nobody else writes."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from stretto.server.domain.workflow import Interrupt, Status, Workflow

ENTRIES_MAX = 2_048
"""Workflows kept: those that executors run now, and some more."""

INPUT_BYTES_MAX = 32 * 1024
"""A workflow with a larger input is read again each time, so that the cache stays below 64 MiB of inputs."""

_BUSY = (Status.QUEUED, Status.RUNNING)  # One that waits for a person costs a row, and no memory.

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow and, when they are known, its interrupts."""

    workflow: Workflow
    interrupts: tuple[Interrupt, ...] | None = None


class Cache:
    """Workflows by project and id; the one that was not used for the longest time makes room."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, Entry] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def get(self, key: Key) -> Entry | None:
        """A workflow, if it is kept."""
        return self._entries.get(key)

    def update(self, entries: Mapping[Key, Entry]) -> None:
        """Take in the rows of a committed transaction."""
        for key, entry in entries.items():
            self._entries.pop(key, None)
            workflow = entry.workflow
            if workflow.status in _BUSY and len(workflow.input.value) <= INPUT_BYTES_MAX:
                self._entries[key] = entry
        while len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, after a transaction that may have failed in any state."""
        self._entries.clear()
