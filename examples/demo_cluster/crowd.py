"""Callers that start workflows all the time, through every break, and watch them to their ends."""

import asyncio
from typing import Final

from examples.demo_cluster.tale import Tale
from stretto.client import Client
from stretto.client.errors import StrettoError

PAUSE_SECONDS: Final = 0.5
WORKFLOWS_MAX: Final = 100
INPUT: Final = {"text": "A worker may die. A server may die. A watcher may move. Nothing is lost."}


class Crowd:
    """What is started beside the workflows that are shown, one after the other, until it is told to stop."""

    def __init__(self, client: Client) -> None:
        self.tales: list[Tale] = []
        self.ended = 0
        self._client = client
        self._enough = asyncio.Event()

    def stop(self) -> None:
        """Start nothing more."""
        self._enough.set()

    async def live(self) -> None:
        """Start and watch until told to stop and all have ended."""
        async with asyncio.TaskGroup() as group:
            while len(self.tales) < WORKFLOWS_MAX and not await self._is_enough():
                tale = await Tale.begin(self._client, "digest", INPUT)
                self.tales.append(tale)
                group.create_task(self._watch(tale))

    async def _is_enough(self) -> bool:
        """Whether it was told to stop, after a pause in which it may be."""
        try:
            await asyncio.wait_for(self._enough.wait(), PAUSE_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _watch(self, tale: Tale) -> None:
        def broke(_: StrettoError, __: float) -> None:
            tale.breaks += 1

        async for event in tale.handle.watch(on_break=broke):
            tale.take(event)
        self.ended += 1
