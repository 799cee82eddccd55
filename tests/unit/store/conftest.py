"""A SQLite store."""

import pytest

from tests.unit.store.holding import opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "er" / "stretto.db"


@pytest.fixture
async def store(path):
    async with opened(path) as store:
        yield store
