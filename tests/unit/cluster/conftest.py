"""A real Redis."""

from tests.services.redis_running import redis, redis_running

__all__ = ["redis", "redis_running"]
