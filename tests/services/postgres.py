"""A real PostgreSQL, which the demo of a cluster uses too."""

from tools.services.postgres import PostgresService, find, postgres_service

__all__ = ["PostgresService", "find", "postgres_service"]
