"""Sends hints to their queues, as many at once as wait."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import structlog
from docket import Disposition

from stretto.server.cluster._docket import QueueDocket
from stretto.server.cluster._redis import AWAY
from stretto.server.cluster._sieve import TAKE
from stretto.server.domain.clock import SECOND, Micros

WAITING_MAX = 10_000
"""Hints that wait to be sent. More are dropped: the store has them, too."""

TOGETHER_MAX = 200
"""Hints sent in one command: making one takes half a millisecond, for which everything else waits."""

DROPPED_TOGETHER_MAX = 20
"""Tasks taken out before what waits to be sent is looked after again: each takes about a millisecond."""

AT_MAX = 253_402_214_400 * SECOND
"""The last day of the year 9999, after which there are no dates."""

Hints = dict[tuple[str, str], Micros | None]
"""When a task is due, by queue and key; None when it shall be no more."""

_log = structlog.get_logger(__name__)


class Sending:
    """Takes hints at once and sends them soon. It says of what it lost only that it lost something."""

    def __init__(self, docket_of: Callable[[str], QueueDocket], lost: Callable[[], None]) -> None:
        self._docket_of = docket_of
        self._lost = lost
        self._hints: Hints = {}
        self._waiting = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False

    def put(self, queue: str, key: str, at: Micros | None) -> None:
        """Send it soon; with None, take it out of its queue soon."""
        if len(self._hints) >= WAITING_MAX:
            if at is not None:
                self._lost()
            return
        self._hints[queue, key] = at
        self._waiting.set()
        if len(self._hints) >= WAITING_MAX // 2:
            self._room.clear()

    async def has_room(self) -> None:
        """Wait until no more than half of the room is taken: whoever has many to send leaves some for others."""
        await self._room.wait()

    def close(self) -> None:
        """Send what waits, and end."""
        self._closing = True
        self._waiting.set()

    async def run(self) -> None:
        """Send until it is closed."""
        while self._hints or not self._closing:
            await self._waiting.wait()
            self._waiting.clear()
            hints, self._hints = self._hints, {}
            self._room.set()
            await self._send(hints)
            if self._closing:
                self._waiting.set()

    async def _send(self, hints: Hints) -> None:
        tasks = [(queue, key, at) for (queue, key), at in hints.items() if at is not None]
        for queue in {queue for queue, _, _ in tasks}:
            mine = [(key, at) for name, key, at in tasks if name == queue]
            try:
                for start in range(0, len(mine), TOGETHER_MAX):
                    await self._add(self._docket_of(queue), mine[start : start + TOGETHER_MAX])
            except AWAY:  # The watch logs it.
                self._lost()
            except Exception:  # noqa: BLE001 - The edge of a loop that must go on; the store has what was dropped.
                _log.exception("hints_not_sent", queue=queue)
                self._lost()
        await self._take_out([name for name, at in hints.items() if at is None])

    async def _take_out(self, names: Sequence[tuple[str, str]]) -> None:
        """Take some out of their queues, and the others after what has come meanwhile."""
        for queue, key in names[:DROPPED_TOGETHER_MAX]:
            try:
                await self._docket_of(queue).cancel(key)
            except AWAY:
                return  # They are handled when they are due, which harms nobody.
            except Exception:  # noqa: BLE001 - as above.
                _log.exception("hint_not_taken_out", queue=queue)
        for name in names[DROPPED_TOGETHER_MAX:]:
            self._hints.setdefault(name, None)
            self._waiting.set()

    async def _add(self, docket: QueueDocket, tasks: Iterable[tuple[str, Micros]]) -> None:
        now = datetime.now(UTC)
        calls = [docket.call(TAKE, when=_date(at, now), key=key)() for key, at in tasks]
        added = await docket.add_many(calls)
        if any(one.disposition is Disposition.FAILED for one in added):
            self._lost()


def _date(at: Micros, now: datetime) -> datetime:
    return max(now, datetime.fromtimestamp(min(at, AT_MAX) / SECOND, UTC))
