"""A store in Redis or Valkey."""

from stretto.server.store.redis._store import RedisStore

__all__ = ["RedisStore"]
