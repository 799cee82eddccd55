"""Turns: those of one session are taken one after another, on whichever server each arrives."""

import asyncio
from collections import defaultdict

from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.store.port import Store, WorkflowFilter

LOOK_SECONDS = 0.5
"""Longest time until the store is asked again whether earlier turns have ended; most often news tell sooner."""

EARLIER_MAX = 1_000
"""Turns of one session that are looked at; the queue's own limits keep it far below."""

_UNFINISHED = (Status.QUEUED, Status.RUNNING, Status.WAITING)

Session = tuple[str, str]
"""Project and session id."""


class Turns:
    """Says when a turn may begin. Its place is that of its message in the session's journal, not a clock's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: defaultdict[Session, set[asyncio.Event]] = defaultdict(set)

    def ended(self, session: Session) -> None:
        """A turn of the session has ended: the next one may look."""
        for event in self._waiting.get(session, ()):
            event.set()

    async def wait_for(self, turn: Workflow) -> None:
        """Return when all earlier turns of the session have ended."""
        session = (turn.project, turn.session_id)
        event = asyncio.Event()
        self._waiting[session].add(event)
        try:
            while await self._is_behind(turn):
                await _wait(event)
        finally:
            self._waiting[session].discard(event)
            if not self._waiting[session]:
                del self._waiting[session]

    async def _is_behind(self, turn: Workflow) -> bool:
        """Whether the session has a turn that has not ended and whose message came before this one's."""
        where = WorkflowFilter(workflow_types=(TURN,), statuses=_UNFINISHED, session_id=turn.session_id)
        unfinished = await self._store.list(turn.project, where, EARLIER_MAX)
        others = [other for other in unfinished if other.workflow_id != turn.workflow_id]
        if not others:
            return False
        place = await self._place_of(turn)
        for other in reversed(others):  # They come newest first, and of a long line the oldest says it at once.
            if await self._place_of(other) < place:
                return True
        return False

    async def _place_of(self, turn: Workflow) -> int:
        messages = await self._store.turn_messages(turn.project, turn.session_id, turn.workflow_id)
        return messages[0].sequence if messages else 0


async def _wait(event: asyncio.Event) -> None:
    """Wait for the event, but not for long."""
    event.clear()
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await event.wait()
    except TimeoutError:
        return
