"""The stores that every contract holds for."""

from collections.abc import AsyncIterator

import pytest

from stretto.server.store import Store, open_store
from tests.contract.making import ENCODERS


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path) -> AsyncIterator[Store]:
    url = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path}/stretto.db"}[request.param]
    opened = open_store(url, ENCODERS)
    await opened.open()
    yield opened
    await opened.close()
