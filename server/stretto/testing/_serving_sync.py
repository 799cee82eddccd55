"""`serving_sync`: the same for tests without an event loop; the server gets a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self

import structlog

from stretto.client import ClientSync, WorkflowHandleSync
from stretto.server import App
from stretto.testing._clock import ManualClock
from stretto.testing._logs import logs_to_logging
from stretto.testing._server import LocalServer
from stretto.workflow.v1.workflow_pb2 import Interrupt

NODES_SECONDS_MAX = 2.0
"""Time that nodes which run in threads have to come to an end; a thread cannot be stopped."""

_log = structlog.get_logger(__name__)


class ServingSync:
    """A server that runs in a thread of its own, and a client that is connected to it."""

    def __init__(self, server: LocalServer, thread: "_LoopThread", client: ClientSync) -> None:
        self._server = server
        self._thread = thread
        self.client = client

    @property
    def apps(self) -> tuple[App, ...]:
        """What it serves."""
        return self._server.apps

    @property
    def address(self) -> str:
        """Host and port, the same ones after a restart."""
        return self._server.address

    @property
    def clock(self) -> ManualClock:
        """The clock that was given; without one, the server goes by the system's, which is nobody's to set."""
        return self._server.clock

    def next_interrupt(self, handle: WorkflowHandleSync[Any]) -> Interrupt:
        """The workflow's oldest pending interrupt, once there is one; raises if the workflow ends without."""
        state = handle.state(snapshot=False)
        if state.pending_interrupts:
            return state.pending_interrupts[0]
        with handle.watch(state.workflow.last_sequence) as events:
            for event in events:
                if event.HasField("interrupt_raised"):
                    return event.interrupt_raised.interrupt
        handle.result()  # Raises what it failed with.
        raise AssertionError(f"Workflow {handle.id} has completed and asked nothing.")

    def restart(self) -> None:
        """Stop, as if the machine went down, and start again on the same store: workflows go on where they were."""
        self._thread.run(self._server.stop())
        self._thread.run(self._server.start())


@contextmanager
def serving_sync(
    *apps: App, clock: ManualClock | None = None, store: str = "memory:", instant_retries: bool = True
) -> Iterator[ServingSync]:
    """Serve one or more apps over gRPC on a free port, from a thread, for as long as the block lasts.

    Args:
        apps: What to serve.
        clock: A clock to advance by hand; the system's when left out.
        store: `memory:`, or `sqlite:PATH` for workflows that outlive the block and go on in the next one.
        instant_retries: Whether retries wait for nothing, whatever their policies say.
    """
    server = LocalServer(apps, clock, store, instant_retries=instant_retries)
    with logs_to_logging(), _LoopThread() as thread:
        thread.run(server.start())
        try:
            with ClientSync(server.address) as client:
                yield ServingSync(server, thread, client)
        finally:
            thread.run(server.stop())


class _LoopThread:
    """A thread that turns an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._nodes = ThreadPoolExecutor(thread_name_prefix="stretto-node")
        self._loop.set_default_executor(self._nodes)
        self._thread = threading.Thread(target=self._turn, name="stretto-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_finish_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._end_nodes()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the loop and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _end_nodes(self) -> None:
        """Wait until no node runs in a thread any more, but not for ever."""
        waiting = threading.Thread(target=self._nodes.shutdown, daemon=True)
        waiting.start()
        waiting.join(NODES_SECONDS_MAX)
        if waiting.is_alive():
            _log.warning("nodes_go_on", reason="They block their threads.", seconds=NODES_SECONDS_MAX)


async def _finish_tasks() -> None:
    """End what a graph has left behind on the loop."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
