"""Plain functions in threads that nobody has to wait for: one that hangs is left behind, and counted."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary


class Threads:
    """At most so many threads for one source, on each event loop. Who finds none free waits for one."""

    def __init__(self, threads_max: int) -> None:
        self._threads_max = threads_max
        self._free: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function returns. A cancelled call lets it run on, in a thread that counts until it is done."""
        loop = asyncio.get_running_loop()
        free = self._free.setdefault(loop, asyncio.Semaphore(self._threads_max))
        await free.acquire()
        answer: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            value, error = None, None
            try:
                value = context.run(function, *arguments)
            except BaseException as raised:  # noqa: BLE001 - It is raised again where it is awaited.
                error = raised
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(finish, value, error)

        def finish(value: Any, error: BaseException | None) -> None:
            free.release()
            if answer.cancelled():
                return
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(_raisable(error))

        # A daemon, because a process must be able to end while a source hangs.
        thread = threading.Thread(target=work, name="stretto-source", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The system has no more threads.
            free.release()
            raise
        return await answer


def _raisable(error: BaseException) -> BaseException:
    """An exception that a future can hold."""
    return RuntimeError("StopIteration") if isinstance(error, StopIteration) else error
