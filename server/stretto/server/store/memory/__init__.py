"""A store in memory."""

from stretto.server.store.memory._store import MemoryStore

__all__ = ["MemoryStore"]
