"""`serving`: a server and its client, for tests that run on an event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stretto.client import Client, WorkflowHandle
from stretto.orchestrator.understanding import Understanding
from stretto.server import App
from stretto.testing._clock import ManualClock
from stretto.testing._logs import logs_to_logging
from stretto.testing._server import LocalServer
from stretto.workflow.v1.workflow_pb2 import Interrupt

CALLS_SECONDS_MAX = 0.5
"""Time for the ends of calls. Those of this server are there at once; a test may have others under way as well."""


class Serving:
    """A server that runs on the test's loop, and a client that is connected to it."""

    def __init__(self, server: LocalServer, client: Client) -> None:
        self._server = server
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

    async def next_interrupt(self, handle: WorkflowHandle[Any]) -> Interrupt:
        """The workflow's oldest pending interrupt, once there is one; raises if the workflow ends without."""
        state = await handle.state(snapshot=False)
        if state.pending_interrupts:
            return state.pending_interrupts[0]
        async with handle.watch(state.workflow.last_sequence) as events:
            async for event in events:
                if event.HasField("interrupt_raised"):
                    return event.interrupt_raised.interrupt
        await handle.result()  # Raises what it failed with.
        raise AssertionError(f"Workflow {handle.id} has completed and asked nothing.")

    async def restart(self) -> None:
        """Stop, as if the machine went down, and start again on the same store: workflows go on where they were."""
        await self._server.stop()
        await self._server.start()


@asynccontextmanager
async def serving(
    *apps: App,
    clock: ManualClock | None = None,
    store: str = "memory:",
    instant_retries: bool = True,
    understanding: Understanding | None = None,
) -> AsyncIterator[Serving]:
    """Serve one or more apps over gRPC on a free port, on this loop, for as long as the block lasts.

    Args:
        apps: What to serve.
        clock: A clock to advance by hand; the system's when left out.
        store: `memory:`, or `sqlite:PATH` for workflows that outlive the block and go on in the next one.
        instant_retries: Whether retries wait for nothing, whatever their policies say.
        understanding: How messages to sessions are understood; by rules, without a model, when left out.
    """
    server = LocalServer(apps, clock, store, instant_retries=instant_retries, understanding=understanding)
    earlier = asyncio.all_tasks()
    with logs_to_logging():
        await server.start()
        try:
            async with Client(server.address) as client:
                yield Serving(server, client)
        finally:
            await server.stop()
            await _calls_over(earlier)


async def _calls_over(earlier: set[asyncio.Task[Any]]) -> None:
    """Wait for what gRPC does after the end of a call, a moment after the caller has heard of it."""
    late = [task for task in asyncio.all_tasks() - earlier if _is_of_a_call(task)]
    if late:
        await asyncio.wait(late, timeout=CALLS_SECONDS_MAX)


def _is_of_a_call(task: asyncio.Task[Any]) -> bool:
    return getattr(task.get_coro(), "__qualname__", "").startswith("_AioCall.")
