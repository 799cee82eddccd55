"""The fixtures of PostgreSQL. A conftest that imports both offers `postgres_url`."""

import itertools
from collections.abc import Iterator

import pytest

from tools.services.postgres import PostgresService, postgres_service

__all__ = ["PostgresService", "postgres_running", "postgres_url"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_running() -> Iterator[PostgresService]:
    """One PostgreSQL for all tests of a session; it survives no power loss, and is faster for it."""
    with postgres_service() as service:
        yield service


@pytest.fixture
def postgres_url(postgres_running: PostgresService) -> str:
    """A store's URL in it, which no other test has."""
    return f"{postgres_running.url}?schema=test_{next(_numbers)}"
