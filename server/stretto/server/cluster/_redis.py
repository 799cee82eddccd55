"""Connections to Redis of which no call waits without end."""

import asyncio
from typing import Any, TypeVar

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

ANSWER_SECONDS_MAX = 1.0
"""A Redis that is silent for longer counts as away: the store has the truth, so nobody needs to wait."""

Pool = TypeVar("Pool", bound=ConnectionPool)

AWAY = (RedisError, OSError)
"""What a Redis that is away, or that refuses, raises."""


def options() -> dict[str, Any]:
    """How every connection is made. Whoever asks tries again by himself, so the client does not."""
    return {
        "socket_timeout": ANSWER_SECONDS_MAX,
        "socket_connect_timeout": ANSWER_SECONDS_MAX,
        "retry": Retry(NoBackoff(), 0),
        # Of the newer form of the protocol, some parsers leak a little with every message of a subscription.
        "protocol": 2,
    }


def connect(url: str) -> Redis:
    """A client of its own pool. It connects when it is asked something."""
    return Redis.from_pool(heeding_cancels(ConnectionPool.from_url(url, **options())))


def heeding_cancels(pool: Pool) -> Pool:
    """The same pool, whose connections swallow no cancel of the task that uses them."""
    pool.connection_class = _HEEDING[pool.connection_class]
    return pool


class _Heeding:
    """Of a connection: tells of a cancel that came just as a command went out.

    redis-py sends by `asyncio.wait_for`, which before Python 3.12 returns as if nothing had been asked of it, and the
    task would go on for good.
    """

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        cancels = _cancels()
        await super().send_packed_command(*args, **kwargs)  # type: ignore[misc]
        if _cancels() > cancels:
            # Else whoever has it next reads the answer to this command.
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise asyncio.CancelledError


def _cancels() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


class _HeedingConnection(_Heeding, Connection):
    """Over TCP."""


class _HeedingSSLConnection(_Heeding, SSLConnection):
    """Over TLS."""


class _HeedingUnixConnection(_Heeding, UnixDomainSocketConnection):
    """Over a socket of this machine."""


_HEEDING: dict[type, type] = {
    Connection: _HeedingConnection,
    SSLConnection: _HeedingSSLConnection,
    UnixDomainSocketConnection: _HeedingUnixConnection,
}
