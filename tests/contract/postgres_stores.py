"""Stores in PostgreSQL for one test, and times so short that it can wait for them."""

import contextlib

import pytest

from stretto.server.store.postgres import PostgresStore, _connection, _line, _pool, _writer
from tests.contract.making import ENCODERS
from tests.services.proxy import Proxy

IMPATIENT_SECONDS = 1.0
"""As long as a busy machine needs for what is not silent."""


@contextlib.asynccontextmanager
async def opened(url: str, *, shared: bool = False):
    store = PostgresStore(url, ENCODERS, shared=shared)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def through_a_proxy(service, url: str):
    """A store whose connections can be cut."""
    async with Proxy(service.port) as proxy, opened(url.replace(f":{service.port}", f":{proxy.port}")) as store:
        yield store, proxy


@contextlib.asynccontextmanager
async def two_processes(url: str):
    async with opened(url, shared=True) as one, opened(url, shared=True) as other:
        yield one, other


@pytest.fixture
def impatient(monkeypatch):
    """Times so short that a test can wait for them."""
    monkeypatch.setattr(_writer, "ANSWER_SECONDS_MAX", IMPATIENT_SECONDS)
    monkeypatch.setattr(_pool, "ANSWER_SECONDS_MAX", IMPATIENT_SECONDS)
    monkeypatch.setattr(_line, "LOCK_SECONDS_MAX", 0.1)
    monkeypatch.setattr(_connection, "CONNECT_SECONDS_MAX", IMPATIENT_SECONDS)
    monkeypatch.setattr(_connection, "ANSWER_SECONDS_MAX", IMPATIENT_SECONDS)
