"""Looks after the store while the server runs: is it there, is there room, what can be removed and forgotten."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from stretto.server.app.fault import Fault, fault_of, shortage_of, silence_of
from stretto.server.domain.clock import SECOND, Clock, Micros
from stretto.server.domain.errors import StoreUnavailable
from stretto.server.domain.settings import Settings
from stretto.server.store import Store

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
PROBE_SECONDS_MAX = 5.0
"""Longest silence of a store or disk that still counts as healthy: a stalled disk gives no error."""
FORGET_SECONDS = 3_600.0
PURGE_SECONDS_MAX = 0.5
"""Time for removing what was deleted, between two looks; the rest has to wait for the next one."""
DAY_SECONDS = 86_400


class Care:
    """Probes the store, watches the free space of its disk, removes what was deleted, and forgets what is old."""

    def __init__(self, store: Store, url: str, settings: Settings, clock: Clock, changed: Callable[[], None]) -> None:
        self._store = store
        self._folder = Path(url.removeprefix("sqlite:")).absolute().parent if url.startswith("sqlite:") else None
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._probe: asyncio.Task[Fault | None] | None = None
        self.fault: Fault | None = None
        self.checked_at: Micros = 0
        self.free_bytes: int | None = None

    @property
    def healthy(self) -> bool:
        """Whether the store took a write and had room when it was last looked at."""
        return self.fault is None

    async def keep(self) -> None:
        """Go on until cancelled."""
        forget_at = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._look()
                if self.healthy:
                    await _try("deleted_sessions_not_purged", self._purge())
                if self.healthy and loop.time() >= forget_at:
                    forget_at = loop.time() + FORGET_SECONDS
                    await _try("request_ids_not_forgotten", self._forget())
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            if self._probe is not None:
                self._probe.cancel()

    async def _look(self) -> None:
        """Say NOT_SERVING when the store takes no writes or room runs out, and SERVING when it is well again."""
        before, self.fault = self.fault, await self._fault()
        self.checked_at = self._clock.now()
        if (before is None) == self.healthy:
            return
        self._changed()
        if self.fault:
            _log.error("store_unhealthy", reason=self.fault.reason)
        else:
            _log.info("store_healthy")

    async def _fault(self) -> Fault | None:
        """What is wrong, or nothing; a probe that does not return goes on being waited for, by this look and the next.

        Started anew each time, probes of a stalled disk would pile up.
        """
        if self._probe is None:
            self._probe = asyncio.create_task(self._probed())
        done, _ = await asyncio.wait([self._probe], timeout=PROBE_SECONDS_MAX)
        if not done:
            return silence_of(PROBE_SECONDS_MAX)
        probe, self._probe = self._probe, None
        return probe.result()

    async def _probed(self) -> Fault | None:
        try:
            await self._store.probe()
            return await self._shortage()
        except Exception as error:  # noqa: BLE001 - the edge of a loop that must go on: whatever it is, it is a fault.
            return fault_of(error)

    async def _shortage(self) -> Fault | None:
        if self._folder is None:
            return None
        free = self.free_bytes = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
        least = self._settings.free_bytes_min
        return shortage_of(free, least) if free < least else None

    async def _purge(self) -> None:
        """Remove some of what belonged to deleted sessions."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PURGE_SECONDS_MAX
        while await self._store.purge() and loop.time() < until:
            pass

    async def _forget(self) -> None:
        """Forget request ids, and sessions that were deleted: their ids are free when no request can name them."""
        before = self._clock.now() - self._settings.request_days_min * DAY_SECONDS * SECOND
        await self._store.forget_requests(before)
        await self._store.forget_sessions(before)


async def _try(trouble: str, work: Awaitable[None]) -> None:
    """Do something that may fail and is tried again later."""
    try:
        await work
    except StoreUnavailable:
        return  # The next look says so.
    except Exception:  # noqa: BLE001 - the edge of a loop that must go on.
        _log.exception(trouble)
