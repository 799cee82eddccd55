"""A store in a PostgreSQL database, which many processes may share."""

from stretto.server.store.postgres._store import PostgresStore

__all__ = ["PostgresStore"]
