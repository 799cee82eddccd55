"""Looks after the store while the server runs: is it there, is there room, what can be forgotten."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from stretto.server.domain.clock import SECOND, Clock
from stretto.server.domain.errors import StoreUnavailable
from stretto.server.domain.settings import Settings
from stretto.server.store import Store

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
PROBE_SECONDS_MAX = 5.0
"""Longest silence of a store or disk that still counts as healthy: a stalled disk gives no error."""
FORGET_SECONDS = 3_600.0
DAY_SECONDS = 86_400


class Care:
    """Probes the store, watches the free space of its disk, and forgets old request ids."""

    def __init__(self, store: Store, url: str, settings: Settings, clock: Clock, changed: Callable[[], None]) -> None:
        self._store = store
        self._folder = Path(url.removeprefix("sqlite:")).absolute().parent if url.startswith("sqlite:") else None
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._probe: asyncio.Task[str] | None = None
        self.healthy = True

    async def keep(self) -> None:
        """Go on until cancelled."""
        forget_at = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._look()
                if self.healthy and loop.time() >= forget_at:
                    forget_at = loop.time() + FORGET_SECONDS
                    await self._forget()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            if self._probe is not None:
                self._probe.cancel()

    async def _look(self) -> None:
        """Say NOT_SERVING when the store takes no writes or room runs out, and SERVING when it is well again."""
        fault = await self._fault()
        if self.healthy == (not fault):
            return
        self.healthy = not fault
        self._changed()
        if fault:
            _log.error("store_unhealthy", reason=fault)
        else:
            _log.info("store_healthy")

    async def _fault(self) -> str:
        """What is wrong, or nothing; a probe that does not return goes on being waited for, by this look and the next.

        Started anew each time, probes of a stalled disk would pile up.
        """
        if self._probe is None:
            self._probe = asyncio.create_task(self._probed())
        done, _ = await asyncio.wait([self._probe], timeout=PROBE_SECONDS_MAX)
        if not done:
            return f"no answer in {PROBE_SECONDS_MAX:g} seconds"
        probe, self._probe = self._probe, None
        return probe.result()

    async def _probed(self) -> str:
        try:
            await self._store.probe()
            return await self._shortage()
        except StoreUnavailable as error:
            return str(error.__cause__ or error)
        except Exception as error:  # noqa: BLE001 - the edge of a loop that must go on: whatever it is, it is a fault.
            return f"{type(error).__name__}: {error}"

    async def _shortage(self) -> str:
        if self._folder is None:
            return ""
        free = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
        least = self._settings.free_bytes_min
        return f"{free:,} bytes are free, fewer than {least:,}" if free < least else ""

    async def _forget(self) -> None:
        before = self._clock.now() - self._settings.request_days_min * DAY_SECONDS * SECOND
        try:
            await self._store.forget_requests(before)
        except StoreUnavailable:
            return  # The next look says so.
        except Exception:  # noqa: BLE001 - the edge of a loop that must go on.
            _log.exception("request_ids_not_forgotten")
