"""A store in one SQLite file."""

from stretto.server.store.sqlite._store import SqliteStore

__all__ = ["SqliteStore"]
