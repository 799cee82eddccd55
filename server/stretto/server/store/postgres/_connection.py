"""Opening connections, and telling the storage's errors from an operation's."""

import math
from typing import Any, TypeAlias

import asyncpg

from stretto.server.domain.errors import StoreUnavailable
from stretto.server.store.postgres._address import Address

Connection: TypeAlias = "asyncpg.Connection[Any]"

CONNECT_SECONDS_MAX = 5.0
"""Time in which a connection must come to be."""

ANSWER_SECONDS_MAX = 8.0
"""Time in which the database must do what it was asked, longer than it allows itself; one that is silent is gone."""

VERSION_MIN = 14

_SETTINGS = {
    # Statements run thousands of times with other values: their plans are made once.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # Every statement has an index to go along, and its plan must not depend on how full a table was when it was made.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A process that freezes in the middle of a transaction loses it, and its locks, before others give up on them.
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "4s",
    "statement_timeout": "6s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "client_min_messages": "error",
}

_STORAGE_CLASSES = ("08", "25", "28", "3D", "42501", "53", "55P03", "57", "58", "XX")
"""SQLSTATEs, or how they begin, that tell of the database and not of what it was asked."""

_FATAL_CLASSES = ("08", "57P")


async def connect(address: Address, name: str, patience_seconds: float = math.inf) -> Connection:
    """A connection that the database knows under a name; no statement on it waits for longer than it has patience."""
    return await asyncpg.connect(
        address.dsn,
        timeout=min(CONNECT_SECONDS_MAX, patience_seconds),
        command_timeout=min(ANSWER_SECONDS_MAX, patience_seconds),
        statement_cache_size=256,
        max_cached_statement_lifetime=0,
        server_settings={**_SETTINGS, "application_name": name, "search_path": f'"{address.schema}"'},
    )


def is_storage_error(error: BaseException) -> bool:
    """Whether the storage failed, and not an operation."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "XX").startswith(_STORAGE_CLASSES)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # A value that has no form in the database is the operation's.
    return isinstance(error, (OSError, TimeoutError, asyncpg.InternalClientError))


def is_lost(error: BaseException) -> bool:
    """Whether a storage error leaves open what became of the statement: no answer came."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "08").startswith(_FATAL_CLASSES)
    return True


def unreachable(address: Address, error: Exception) -> StoreUnavailable:
    """What to tell whoever opens a store that cannot be opened."""
    return StoreUnavailable(f"Cannot open the store {address}: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, asyncpg.PostgresError):
        return _told(error)
    return "it does not answer." if isinstance(error, TimeoutError) else f"nobody listens there ({error})."


def _told(error: asyncpg.PostgresError) -> str:
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "the user or the password is wrong."
        case asyncpg.InvalidCatalogNameError():
            return "there is no such database; create it first."
        case asyncpg.InsufficientPrivilegeError():
            return f"{error}; grant the user CREATE on the database, or create the schema and make it the owner."
        case _:
            return f"{error} (SQLSTATE {error.sqlstate})."
