"""Keeps watchers of a shared store up to date when what other processes tell has not reached this one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from stretto.server.domain.errors import StoreUnavailable
from stretto.server.engine.follower import Key
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.store.port import Position, Store

_log = structlog.get_logger(__name__)

KEYS_MAX = 1_000
"""Journals that the store is asked about at once."""

REST_SECONDS = 0.2
"""Pause after the store was asked, however much was missed meanwhile."""

TICK_SECONDS = 0.8
"""After the pause, how soon it is asked again while others cannot be heard, or when it did not answer."""

CALM_TICKS = 6
"""Ticks until it is asked though all is well: whoever told may have told in vain. With the pause, five seconds."""


class Listening:
    """Asks the store about what is watched, for news may be lost.

    `is_connected` says whether others can be heard now. Watchers are told nothing of a store that does not answer:
    they stay, and it is asked again.
    """

    def __init__(
        self, store: Store, journal: Journal, sessions: SessionJournal, is_connected: Callable[[], bool]
    ) -> None:
        self._store = store
        self._journal = journal
        self._sessions = sessions
        self._is_connected = is_connected
        self._missed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def gap(self) -> None:
        """Ask at once: news may have been missed."""
        self._missed.set()

    async def _keep(self) -> None:
        while True:
            self._missed.clear()
            is_answered = await self._ask()
            await asyncio.sleep(REST_SECONDS)
            await self._until_due(is_answered=is_answered)

    async def _until_due(self, *, is_answered: bool) -> None:
        for _ in range(CALM_TICKS):
            if await self._has_missed(TICK_SECONDS) or not (is_answered and self._is_connected()):
                return

    async def _has_missed(self, seconds: float) -> bool:
        """Wait until something was missed, or for that time; says which."""
        try:
            async with asyncio.timeout(seconds):
                return await self._missed.wait()
        except TimeoutError:
            return False

    async def _ask(self) -> bool:
        """Ask how far everything is that is watched; says whether the store answered."""
        try:
            await _ask_for(self._journal, self._store.positions)
            await _ask_for(self._sessions, self._store.session_positions)
        except StoreUnavailable:
            return False  # Its health is told of elsewhere.
        except Exception:  # noqa: BLE001 - the edge of a loop that must go on.
            _log.exception("positions_not_learnt")
            return False
        return True


async def _ask_for(
    journal: Journal | SessionJournal, positions: Callable[[Sequence[Key]], Awaitable[tuple[Position, ...]]]
) -> None:
    keys = journal.watched()
    for start in range(0, len(keys), KEYS_MAX):
        piece = keys[start : start + KEYS_MAX]
        found = await positions(piece)
        there = {(position.project, position.name) for position in found}
        journal.learn(found, [key for key in piece if key not in there])
