"""Queues of names over docket and Redis: hints to whoever has room, given to somebody else when their taker dies."""

import asyncio
from collections.abc import Awaitable, Callable

from stretto.server.cluster._docket import QueueDocket, QueueWorker, SharedConnection, set_up_docket_log
from stretto.server.cluster._redis import ANSWER_SECONDS_MAX, connect
from stretto.server.cluster._sending import Sending
from stretto.server.cluster._serving import Serving
from stretto.server.cluster._watching import Watching
from stretto.server.domain.clock import Micros

__all__ = ["Queues"]


class Queues:
    """Puts keys into queues, and serves queues.

    A key is handled by one process at a time, as far as Redis knows; whoever handles it asks the store what is true.
    """

    def __init__(self, url: str, *, prefix: str, member_id: str, lease_seconds: float) -> None:
        self._prefix = prefix
        self._member_id = member_id
        self._lease_seconds = lease_seconds
        self._connection = SharedConnection(url)
        self._client = connect(url)
        self._watching = Watching(self._client, f"{prefix}:marker")
        self._sending = Sending(self._docket, self._lose)
        self._dockets: dict[str, QueueDocket] = {}
        self._serving: dict[str, Serving] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        """Whether Redis was there when it was looked at last."""
        return self._watching.connected

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Call it when hints were lost, or may have been, and Redis is there to take them again."""
        self._watching.listeners.append(listener)

    async def open(self) -> None:
        """Connect, or go on trying when Redis is away."""
        set_up_docket_log()
        await self._connection.__aenter__()
        await self._watching.look()
        self._tasks = [asyncio.create_task(self._sending.run()), asyncio.create_task(self._watching.run())]

    async def close(self) -> None:
        """Stop serving, let the last hints out if Redis answers, and leave."""
        await self.stop_serving()
        self._sending.close()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=2 * ANSWER_SECONDS_MAX)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
        await self._connection.__aexit__(None, None, None)

    def put(self, queue: str, key: str, at: Micros = 0) -> None:
        """Put a key into a queue, to be handled soon or at a time. One that is in there already stays as it is.

        Never waits and never fails: a hint that cannot be sent is dropped, and told of as lost.
        """
        if self.connected:
            self._sending.put(queue, key, at)
        else:
            self._lose()

    def drop(self, queue: str, key: str) -> None:
        """Take a key that nobody handles yet, and that nobody will put again, out of a queue.

        Never waits and never fails: one that could not be taken out is handled when it is due.
        """
        if self.connected:
            self._sending.put(queue, key, None)

    async def has_room(self) -> bool:
        """Wait until many keys more can be put; says whether Redis is there to take them."""
        if self.connected:
            await self._sending.has_room()
        return self.connected

    def serve(self, queue: str, room: Callable[[], int], handle: Callable[[str], Awaitable[None]]) -> None:
        """Handle what is in a queue, at most as many keys more at any time as there is room for.

        A key stays in the queue until `handle` returns; when it raises, the key comes again after a second.
        """
        if queue in self._serving:
            raise ValueError(f"The queue {queue} is served already.")
        docket = self._docket(queue)
        self._serving[queue] = Serving(
            docket, lambda: QueueWorker(docket, self._member_id, self._lease_seconds, room), handle
        )

    async def stop_serving(self) -> None:
        """Take nothing more. What is still being handled after a moment is cancelled, and goes back to its queue."""
        serving, self._serving = self._serving, {}
        await asyncio.gather(*[one.stop() for one in serving.values()])

    async def depth(self, queue: str) -> int:
        """How many keys are in a queue: waiting, scheduled, or being handled. Raises RedisError when Redis is away."""
        docket = self._docket(queue)
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.xlen(docket.stream_key)
            pipeline.zcard(docket.queue_key)
            return sum(await pipeline.execute())

    def _docket(self, queue: str) -> QueueDocket:
        if queue not in self._dockets:
            self._dockets[queue] = QueueDocket(f"{self._prefix}:{queue}", self._connection)
        return self._dockets[queue]

    def _lose(self) -> None:
        self._watching.lost = True
