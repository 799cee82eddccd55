"""A real Redis or Valkey, which the demo of a cluster uses too."""

from tools.services.redis import RedisService, free_port, program, redis_service

__all__ = ["RedisService", "free_port", "program", "redis_service"]
