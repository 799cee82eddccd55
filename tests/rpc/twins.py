"""Both clients behind the asynchronous one's face, so that one test speaks for both: the blocking one in threads."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import pytest

from stretto.client import Client, ClientSync, SessionSync, SessionWatchSync, WatchSync, WorkflowHandleSync

PLAIN = {"handle", "session", "watch"}
"""Methods that are not awaited in either twin."""
PAGES = {"workflows", "types", "checkpoints", "sessions", "messages", "members"}
"""Methods that are iterated over."""
Open = Callable[..., Any]
"""Makes a client of a server."""
WRAPPED = (ClientSync, SessionSync, SessionWatchSync, WatchSync, WorkflowHandleSync)


class Threaded:
    """An object of the blocking client; whatever may wait does so in a thread."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        name = {"aclose": "close"}.get(name, name)
        found = getattr(self.inner, name)
        if not inspect.ismethod(found):
            return found
        if name in PLAIN or name in PAGES:
            return lambda *args, **fields: _wrapped(found(*args, **fields))

        async def call(*args: Any, **fields: Any) -> Any:
            return _wrapped(await asyncio.to_thread(found, *args, **fields))

        return call

    def __aiter__(self) -> "Threaded":
        return self

    async def __anext__(self) -> Any:
        try:
            return await asyncio.to_thread(_following, self.inner)
        except _End:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.inner.close)


class _End(Exception):
    """StopIteration, which cannot cross a future."""


def _following(inner: Any) -> Any:
    try:
        return next(inner)
    except StopIteration:
        raise _End from None


def _wrapped(value: Any) -> Any:
    return Threaded(value) if isinstance(value, WRAPPED) or inspect.isgenerator(value) else value


@pytest.fixture(params=[Client, ClientSync], ids=["async", "sync"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Makes clients of either kind, behind one face."""
    made = []

    def connect(target: str, **options: Any) -> Any:
        client = request.param(target, **options)
        made.append(client if request.param is Client else Threaded(client))
        return made[-1]

    yield connect
    for client in made:
        await client.close()


@pytest.fixture
def client(connect: Open, world: Any) -> Any:
    """One of either kind, of the world's server."""
    return connect(world.address)
