"""The queue of accepted workflows: types take turns, then sessions, and within a session the oldest goes first."""

from collections import OrderedDict
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


Key = tuple[str, str]
"""Project and workflow id, or project and session id."""

Line = OrderedDict[Key, Waiting]
"""The workflows of one type and one session, oldest first; ordered dicts give up any place at once."""


class FairQueue:
    """Gives each type and each session its turn, so that the hundred workflows of one do not starve another's only one.

    A type without room costs one look, however many of its workflows wait, and keeps its turn until it has room.
    """

    def __init__(self) -> None:
        self._types: OrderedDict[str, OrderedDict[Key, Line]] = OrderedDict()
        self._places: dict[Key, tuple[str, Key]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def put(self, item: Waiting) -> None:
        """Add a workflow; one that waits already keeps its place and takes the new row."""
        key = (item.project, item.workflow_id)
        place = self._places.setdefault(key, (item.workflow_type, (item.project, item.session_id)))
        sessions = self._types.setdefault(place[0], OrderedDict())
        sessions.setdefault(place[1], OrderedDict())[key] = item

    def discard(self, project: str, workflow_id: str) -> None:
        """Forget a workflow and give up its place."""
        place = self._places.get((project, workflow_id))
        if place is not None:
            self._remove((project, workflow_id), *place)

    def take(self, has_room: Callable[[str], bool]) -> Waiting | None:
        """The next workflow whose type has room; None when there is none."""
        workflow_type = next(filter(has_room, self._types), None)
        if workflow_type is None:
            return None
        sessions = self._types[workflow_type]
        session, line = next(iter(sessions.items()))
        self._types.move_to_end(workflow_type)
        sessions.move_to_end(session)
        return self._remove(next(iter(line)), workflow_type, session)

    def _remove(self, key: Key, workflow_type: str, session: Key) -> Waiting:
        """Take a workflow out of its line, and leave nothing empty behind."""
        del self._places[key]
        sessions = self._types[workflow_type]
        line = sessions[session]
        item = line.pop(key)
        if not line:
            del sessions[session]
        if not sessions:
            del self._types[workflow_type]
        return item
