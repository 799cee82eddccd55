"""The sweep: what no hint will bring, the store tells. An emptied Redis loses nothing, nor does a dead member."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from stretto.server.domain.clock import SECOND, Clock, Micros
from stretto.server.domain.errors import Overloaded, StoreUnavailable
from stretto.server.domain.member import Owned
from stretto.server.store.port import Store, Unfinished

_log = structlog.get_logger(__name__)

PAGE = 500
"""Workflows read at once."""

AT_ONCE = 50
"""Workflows that are taken back or ended side by side."""

FORGOTTEN_SECONDS = 10.0
"""Time in the queue without a change after which a workflow is put there again: its hint may be lost."""

Place = tuple[str, Micros, str]


class Sweep:
    """Goes through the store for what has been forgotten. Every member sweeps; what is done twice changes nothing."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        recover: Callable[[Owned], Awaitable[None]],
        expire: Callable[[Unfinished], Awaitable[None]],
        hint: Callable[[Unfinished], bool],
        has_room: Callable[[], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._recover = recover
        self._expire = expire
        self._hint = hint
        self._has_room = has_room
        self._is_all_wanted = False
        self._is_filling = False
        self._place: Place | None = None
        self._homeless: frozenset[tuple[str, str]] = frozenset()

    async def take_back(self) -> None:
        """Take back what silent members own."""
        while adrift := await self._store.adrift(PAGE):
            await _side_by_side([self._recover(owned) for owned in adrift])
            if len(adrift) < PAGE:
                return

    async def end_late_ones(self) -> None:
        """End what is past its deadline."""
        late = await self._store.overdue(self._clock.now(), PAGE)
        await _side_by_side([self._expire(one) for one in late])

    async def sow_some(self) -> None:
        """Put one page of those into their queues that have been waiting for a while; the next page next time."""
        before = self._clock.now() - round(FORGOTTEN_SECONDS * SECOND)
        self._place = await self._sow(self._place, updated_before=before)

    async def sow_all(self) -> None:
        """Put all that is queued into the queues, which have lost what they had; when they do so again, once more.

        Whoever wants it while it is done does not do it besides: each would make the others lose hints.
        """
        self._is_all_wanted = True
        if self._is_filling:
            return
        self._is_filling = True
        try:
            while self._is_all_wanted:
                self._is_all_wanted = False
                await self._fill()
        finally:
            self._is_filling = False

    async def _fill(self) -> None:
        """Go through all that is queued, no faster than it is sent."""
        place: Place | None = None
        while await self._has_room():  # Else it is wanted again as soon as Redis is back.
            place = await self._sow(place)
            if place is None:
                _log.info("queues_filled")
                return
            if self._is_all_wanted:
                return

    async def _sow(self, after: Place | None, *, updated_before: Micros = 0) -> Place | None:
        """Put a page into the queues; where the next one begins, or None when this was the last one."""
        page = await self._store.queued(PAGE, after, updated_before=updated_before)
        homeless = frozenset((one.workflow_type, one.type_version) for one in page if not self._hint(one))
        if homeless - self._homeless:
            _log.warning(
                "workflows_of_types_not_served",
                types=sorted(f"{name} {version}" for name, version in homeless),
                advice="They wait in this store until a server or worker has these types in these versions.",
            )
        self._homeless = homeless | self._homeless if after else homeless
        if len(page) < PAGE:
            return None
        last = page[-1]
        return last.project, last.created_at, last.workflow_id


async def _side_by_side(works: list[Awaitable[None]]) -> None:
    for start in range(0, len(works), AT_ONCE):
        await asyncio.gather(*(_done(work) for work in works[start : start + AT_ONCE]))


async def _done(work: Awaitable[None]) -> None:
    """Do one thing, and let no fault in it hold up the others. While the store is away, that is all of them."""
    try:
        await work
    except (StoreUnavailable, Overloaded):
        raise
    except Exception:  # noqa: BLE001 - The edge to one workflow; it is tried again with the next sweep.
        _log.exception("workflow_not_swept")
