"""Clusters over PostgreSQL, and over a Redis that keeps everything."""

from collections.abc import AsyncIterator

import pytest

from tests.cluster.clusters import Cluster, cluster_of
from tests.services.postgres_running import postgres_running, postgres_url  # noqa: F401 - A conftest offers fixtures so.
from tests.services.redis_running import redis, redis_running  # noqa: F401 - as above.
from tools.services.redis import RedisService


@pytest.fixture
async def cluster(postgres_url: str, redis: RedisService) -> AsyncIterator[Cluster]:  # noqa: F811 - The fixtures above.
    async with cluster_of(postgres_url, redis.url) as made:
        yield made
