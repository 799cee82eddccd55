"""The queue of accepted workflows: sessions take turns, and within one session the oldest goes first."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from stretto.server.domain.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Waiting:
    """A workflow that waits for an executor."""

    project: str
    workflow_id: str
    workflow_type: str
    session_id: str
    row: Workflow | None = None
    """The workflow as it was queued, when it was near enough to the queue's head to be kept."""


LOOK_AHEAD_MAX = 32
"""How many of a session's workflows are looked at to find one whose type has room."""


class FairQueue:
    """Gives every session its turn, so that the hundred workflows of one do not starve the one of another."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[tuple[str, str], deque[Waiting]] = OrderedDict()
        self._known: dict[tuple[str, str], Waiting] = {}

    def __len__(self) -> int:
        return len(self._known)

    def put(self, item: Waiting) -> None:
        """Add a workflow; one that waits already keeps its place."""
        key = (item.project, item.workflow_id)
        new = key not in self._known
        self._known[key] = item
        if new:
            self._sessions.setdefault((item.project, item.session_id), deque()).append(item)

    def discard(self, project: str, workflow_id: str) -> None:
        """Forget a workflow; its place is skipped when its turn comes."""
        self._known.pop((project, workflow_id), None)

    def take(self, has_room: Callable[[str], bool]) -> Waiting | None:
        """The next workflow whose type has room; None when there is none."""
        for _ in range(len(self._sessions)):
            session, items = self._sessions.popitem(last=False)
            found = self._take_from(items, has_room)
            if items:
                self._sessions[session] = items
            if found is not None:
                return found
        return None

    def _take_from(self, items: deque[Waiting], has_room: Callable[[str], bool]) -> Waiting | None:
        passed: list[Waiting] = []
        found = None
        while items and len(passed) < LOOK_AHEAD_MAX:
            item = items.popleft()
            key = (item.project, item.workflow_id)
            if key not in self._known:
                continue
            if has_room(item.workflow_type):
                found = self._known.pop(key)
                break
            passed.append(item)
        items.extendleft(reversed(passed))
        return found
