"""Ways into the SQLite store that only its own tests take."""

import asyncio
import contextlib
import threading

import apsw

from stretto.server.store.sqlite import SqliteStore
from tests.contract.making import (
    ENCODERS,
    PROJECT,
)


@contextlib.asynccontextmanager
async def opened(path):
    store = SqliteStore(path, ENCODERS)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def commits_of(store):
    """Counts the transactions that the writer commits from now on."""
    commits = []
    store._writer._connection.set_commit_hook(lambda: bool(commits.append(1)))
    return commits


async def together(store, *calls):
    """Let the calls reach the writer as one batch: it is held up inside another operation until they are queued."""
    held, go = threading.Event(), threading.Event()

    def hold(*_):
        held.set()
        go.wait(10)
        return ()

    holding = asyncio.ensure_future(store.update(PROJECT, "hold", hold))
    await asyncio.to_thread(held.wait, 10)
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)  # Each call is queued in its first step.
    go.set()
    await holding
    return await asyncio.gather(*tasks, return_exceptions=True)


def fail_with_an_io_error():
    raise apsw.IOError
