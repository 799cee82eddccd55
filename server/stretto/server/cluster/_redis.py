"""Connections to Redis of which no call waits without end."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

ANSWER_SECONDS_MAX = 1.0
"""A Redis that is silent for longer counts as away: the store has the truth, so nobody needs to wait."""

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
    return Redis.from_url(url, **options())
