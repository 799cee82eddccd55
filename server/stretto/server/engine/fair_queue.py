"""The queue of accepted workflows: types take turns, then sessions, and within a session the oldest goes first."""

from collections import Counter, OrderedDict
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
    Workflows of a type that goes in turn run one after another within their session, in the order of their creation:
    taking one holds its line back until it is released, or put again.
    """

    def __init__(self, in_turn: Callable[[str], bool] = lambda _: False) -> None:
        self._in_turn = in_turn
        self._types: OrderedDict[str, OrderedDict[Key, Line]] = OrderedDict()
        self._places: dict[Key, tuple[str, Key]] = {}
        self._counts: Counter[str] = Counter()
        self._held: dict[tuple[str, Key], Line] = {}
        self._holders: dict[Key, tuple[str, Key]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def count(self, workflow_type: str) -> int:
        """How many of a type wait."""
        return self._counts[workflow_type]

    def put(self, item: Waiting) -> None:
        """Add a workflow; one that waits already keeps its place and takes the new row."""
        key = (item.project, item.workflow_id)
        self._counts[item.workflow_type] += key not in self._places
        place = self._places.setdefault(key, (item.workflow_type, (item.project, item.session_id)))
        held = self._held.get(place)
        line = self._line(*place) if held is None else held
        line[key] = item
        if key in self._holders:  # It comes back, so it goes before all that came after it.
            line.move_to_end(key, last=False)
            self.release(*key)

    def discard(self, project: str, workflow_id: str) -> None:
        """Forget a workflow and give up its place."""
        place = self._places.get((project, workflow_id))
        if place is not None:
            self._remove((project, workflow_id), *place)

    def release(self, project: str, workflow_id: str) -> None:
        """Let the next one of a line go that was held back by this workflow; nothing when none was."""
        place = self._holders.pop((project, workflow_id), None)
        line = self._held.pop(place) if place is not None else None
        if place is not None and line:
            self._types.setdefault(place[0], OrderedDict())[place[1]] = line

    def take(self, has_room: Callable[[str], bool]) -> Waiting | None:
        """The next workflow whose type has room; None when there is none."""
        workflow_type = next(filter(has_room, self._types), None)
        if workflow_type is None:
            return None
        sessions = self._types[workflow_type]
        session, line = next(iter(sessions.items()))
        self._types.move_to_end(workflow_type)
        sessions.move_to_end(session)
        item = self._remove(next(iter(line)), workflow_type, session)
        if self._in_turn(workflow_type):
            self._hold(item, workflow_type, session)
        return item

    def _hold(self, holder: Waiting, workflow_type: str, session: Key) -> None:
        """Keep what is left of a line back until its holder is released."""
        place = (workflow_type, session)
        sessions = self._types.get(workflow_type, OrderedDict())
        self._held[place] = sessions.pop(session, OrderedDict())
        self._holders[holder.project, holder.workflow_id] = place
        if not sessions:
            self._types.pop(workflow_type, None)

    def _line(self, workflow_type: str, session: Key) -> Line:
        sessions = self._types.setdefault(workflow_type, OrderedDict())
        return sessions.setdefault(session, OrderedDict())

    def _remove(self, key: Key, workflow_type: str, session: Key) -> Waiting:
        """Take a workflow out of its line, and leave nothing empty behind."""
        del self._places[key]
        self._counts[workflow_type] -= 1
        held = self._held.get((workflow_type, session))
        if held is not None:
            return held.pop(key)
        sessions = self._types[workflow_type]
        line = sessions[session]
        item = line.pop(key)
        if not line:
            del sessions[session]
        if not sessions:
            del self._types[workflow_type]
        return item
