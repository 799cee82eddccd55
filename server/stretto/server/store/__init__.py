"""The store port and its adapters, one module each."""

import contextlib
from collections.abc import Iterator
from typing import Literal

from stretto.server.domain.errors import Misconfigured
from stretto.server.domain.session import Encoders
from stretto.server.store._lease import LEASE_SECONDS
from stretto.server.store.port import (
    Position,
    SessionFilter,
    SessionState,
    Store,
    Unfinished,
    WorkflowFilter,
    WorkflowState,
)


def open_store(
    url: str,
    encoders: Encoders,
    *,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    shared: bool = False,
    lease_seconds: float = LEASE_SECONDS,
) -> Store:
    """The store that a URL names, not opened yet: `sqlite:PATH`, or `memory:` for one that forgets when it goes.

    A shared one is open in several processes at once, whose leases are so long.
    """
    scheme, _, rest = url.partition(":")
    if shared and scheme in ("memory", "sqlite"):
        raise Misconfigured(
            f"A store of the kind {scheme}: serves one process; to share it (--redis), name postgresql://… or redis://…."
        )
    # Adapters are imported when they are asked for, so that none needs another one's libraries.
    if scheme == "memory" and not rest:
        from stretto.server.store.memory import MemoryStore  # noqa: PLC0415

        return MemoryStore(encoders)
    if scheme == "sqlite" and rest and rest != ":memory:":
        from stretto.server.store.sqlite import SqliteStore  # noqa: PLC0415

        return SqliteStore(rest, encoders, synchronous=synchronous)
    if scheme in ("postgresql", "postgres"):
        with _extra_for(scheme):
            from stretto.server.store.postgres import PostgresStore  # noqa: PLC0415

        return PostgresStore(url, encoders, shared=shared, lease_seconds=lease_seconds)
    if scheme in ("redis", "rediss"):
        with _extra_for(scheme):
            from stretto.server.store.redis import RedisStore  # noqa: PLC0415

        return RedisStore(url, encoders, shared=shared, lease_seconds=lease_seconds)
    raise ValueError(
        f"No store is called {url!r}; it must be sqlite:PATH, postgresql://…, redis://… or memory: (nothing is kept)."
    )


@contextlib.contextmanager
def _extra_for(scheme: str) -> Iterator[None]:
    """Say what to install when the library of an adapter is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("stretto"):
            raise
        raise Misconfigured(
            f"A store of the kind {scheme}: needs {error.name}, which is not installed: pip install 'stretto[cluster]'."
        ) from error


__all__ = [
    "Position",
    "SessionFilter",
    "SessionState",
    "Store",
    "Unfinished",
    "WorkflowFilter",
    "WorkflowState",
    "open_store",
]
