"""Whether others have the store open: one process for itself, or several that share it."""

import secrets
import threading
import time

import structlog

from stretto.server.domain.errors import StoreInUse, StoreUnavailable
from stretto.server.store.redis._keys import HOLDERS
from stretto.server.store.redis._link import Link

LEASE_SECONDS = 6.0
"""After this a process that renews its word no more counts as gone."""

_WAIT_SECONDS = LEASE_SECONDS + 1
"""How long to wait for one who may have died."""

_RENEWALS = 4
_PAUSE_SECONDS = 0.1

_log = structlog.get_logger(__name__)


class Hold:
    """A word left in Redis, which a thread renews. It keeps others from opening; what is written is safe without it."""

    def __init__(self, url: str, where: str, *, shared: bool) -> None:
        self._link = Link(url)
        self._where = where
        self._name = f"{'s' if shared else 'x'}:{secrets.token_hex(6)}"
        self._is_shared = shared
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="stretto-store-hold", daemon=True)

    def acquire(self) -> None:
        """Leave the word, or raise StoreInUse. One who died without a word is waited for. Blocks."""
        until = time.monotonic() + _WAIT_SECONDS
        while not self._ask(LEASE_SECONDS):
            if time.monotonic() >= until:
                raise StoreInUse(self._in_use())
            time.sleep(_PAUSE_SECONDS)
        self._thread.start()

    def release(self) -> None:
        """Take the word back. Blocks."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
            try:
                self._ask(0)
            except StoreUnavailable:
                # It ends by itself.
                _log.warning("redis_hold_not_released", seconds=LEASE_SECONDS)
        self._link.close()

    def _renew(self) -> None:
        while not self._ended.wait(LEASE_SECONDS / _RENEWALS):
            try:
                if not self._ask(LEASE_SECONDS):
                    _log.error("redis_store_taken", why=self._in_use())
            except StoreUnavailable as error:
                self._link.close()
                _log.warning("redis_hold_not_renewed", error=str(error))

    def _ask(self, seconds: float) -> bool:
        return bool(self._link.ask("hold", HOLDERS, self._name, int(seconds * 1_000_000)))

    def _in_use(self) -> str:
        if self._is_shared:
            return (
                f"Another server has the store in Redis at {self._where} for itself; stop it, or start it with --redis "
                "too, so that both share it."
            )
        return (
            f"Another server has the store in Redis at {self._where} open; stop it, start both with --redis to share "
            "it, or name another database with --store redis://HOST:PORT/N."
        )
