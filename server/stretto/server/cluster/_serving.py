"""One queue that is served: a docket worker that is started again whenever it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from stretto.server.cluster._docket import PUT_BACK, QueueDocket, QueueWorker
from stretto.server.cluster._sieve import TAKE
from stretto.server.domain.errors import StoreUnavailable

AGAIN_SECONDS = 1.0
"""Pause before a task is handled again of which the handler failed, and before a worker is started again that broke."""

STOP_SECONDS_MAX = 0.5
"""Time for the handlers that are under way at the end, and time again for cancelling them."""

Handler = Callable[[str], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Serving:
    """Hands the tasks of one queue to its handler."""

    def __init__(self, docket: QueueDocket, new_worker: Callable[[], QueueWorker], handle: Handler) -> None:
        self._docket = docket
        self._new_worker = new_worker
        self._handle = handle
        self._worker: QueueWorker | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        docket.tasks[TAKE] = self._take
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more. What is still being handled after a moment is cancelled, and put back."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()
        if await self._ended_in_time():
            return
        for task in self._under_way:
            task.cancel()
        if await self._ended_in_time():
            return
        _log.warning("queue_not_stopped", queue=self._docket.name, under_way=len(self._under_way))
        self._task.cancel()
        await self._ended_in_time()

    async def _ended_in_time(self) -> bool:
        done, _ = await asyncio.wait([self._task], timeout=STOP_SECONDS_MAX)
        return bool(done)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._work()
            except Exception:  # noqa: BLE001 - The edge of a loop that must go on.
                _log.exception("queue_worker_broke", queue=self._docket.name)
                await _wait(self._stopping)

    async def _work(self) -> None:
        await self._docket.forget_consumers()
        async with self._new_worker() as worker:
            if self._stopping.is_set():
                return
            self._worker = worker
            try:
                await worker.run_forever()
            finally:
                self._worker = None

    async def _take(self, key: str) -> object:
        """A task, as docket calls it. It is over only when it was handled, or put back."""
        task = asyncio.current_task()
        assert task is not None
        assert self._worker is not None
        self._under_way.add(task)
        self._worker.handed(key)
        try:
            await self._handle(key)
        except asyncio.CancelledError:
            await self._put_back(key)
            raise
        except StoreUnavailable:
            return await self._put_back(key)  # Others may have the store that this member has lost.
        except Exception:  # noqa: BLE001 - The edge to the handler: its tasks are not lost.
            _log.exception("queue_handler_failed", queue=self._docket.name, key=key)
            return await self._put_back(key)
        else:
            return None
        finally:
            self._under_way.discard(task)

    async def _put_back(self, key: str) -> object:
        """Replace the task by one that comes later; when Redis is away, it is delivered again after its lease."""
        later = timedelta() if self._stopping.is_set() else timedelta(seconds=AGAIN_SECONDS)
        await self._docket.replace(TAKE, when=datetime.now(UTC) + later, key=key)()
        return PUT_BACK


async def _wait(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(AGAIN_SECONDS):
            await stopping.wait()
    except TimeoutError:
        return
