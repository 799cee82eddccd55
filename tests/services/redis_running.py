"""The fixtures of Redis. A conftest that imports them all offers `redis` and `redis_url`."""

from collections.abc import Iterator

import pytest

from tools.services.redis import RedisService, redis_service

__all__ = ["RedisService", "redis", "redis_running", "redis_url"]


@pytest.fixture(scope="session")
def redis_running() -> Iterator[RedisService]:
    """One Redis for all tests of a session; it writes nothing to disk."""
    with redis_service() as service:
        yield service


@pytest.fixture
def redis(redis_running: RedisService) -> RedisService:
    """It, emptied."""
    redis_running.flush()
    return redis_running


@pytest.fixture
def redis_url(redis: RedisService) -> str:
    """Where an empty one listens."""
    return redis.url
