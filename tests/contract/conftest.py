"""The stores that every contract holds for."""

from collections.abc import AsyncIterator

import pytest

from stretto.server.store import Store, open_store
from tests.contract.making import ENCODERS
from tests.contract.postgres_stores import impatient
from tests.services.postgres_running import postgres_running, postgres_url
from tests.services.redis_running import redis, redis_running, redis_url

__all__ = ["impatient", "postgres_running", "postgres_url", "redis", "redis_running", "redis_url", "store"]


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path) -> AsyncIterator[Store]:
    urls = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path}/stretto.db"}
    url = urls.get(request.param) or request.getfixturevalue(f"{request.param}_url")
    opened = open_store(url, ENCODERS)
    await opened.open()
    yield opened
    await opened.close()
